// Computes in the background, so that the page reacts meanwhile.

import { Faces } from "./faces.js";
import { fromImageData } from "./pixels.js";

const loading = Faces.load();

loading.then(
  () => postMessage({ loaded: true }),
  (error) => postMessage({ failed: error.message }),
);

addEventListener("message", async ({ data: { id, pixels } }) => {
  try {
    postMessage({ id, faces: await (await loading).predict(fromImageData(pixels)) });
  } catch (error) {
    postMessage({ id, error: error.message });
  }
});
