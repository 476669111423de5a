// The camera: boxes with steady ages on the live picture.

import { drawn, paint, pixelsOf } from "./pictures.js";
import { gender, label } from "./rows.js";
import { Smoothing } from "./smoothing.js";

// Screen readers get a new text after this many milliseconds at the earliest.
const SILENCE = 4000;

export class Camera {
  #stream = null;
  #video = document.createElement("video");

  /** `canvas` shows the picture; `announce(text)` receives what it shows, now and then. */
  constructor(canvas, predictor, contract, announce) {
    Object.assign(this, { canvas, predictor, contract, announce });
    Object.assign(this.#video, { muted: true, playsInline: true });
  }

  get isOn() {
    return this.#stream !== null;
  }

  /** Ask for the camera and show it until `stop`; rejects if there is none, or it is not allowed. */
  async start() {
    if (!navigator.mediaDevices) throw new Error("the browser gives the camera only to https and localhost");
    const stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "user" } });
    this.#stream = stream;
    this.#video.srcObject = stream;
    await this.#video.play();
    this.#watch(stream).catch((error) => {
      this.stop();
      this.announce(`The camera stopped: ${error.message}`);
    });
  }

  stop() {
    this.#stream?.getTracks().forEach((track) => track.stop());
    this.#stream = null;
    this.#video.srcObject = null;
  }

  /** The present picture without boxes, as a file. */
  async picture() {
    const { canvas } = this.#frame();
    const blob = await new Promise((done) => canvas.toBlob(done, "image/png"));
    const time = new Date().toTimeString().slice(0, 8).replaceAll(":", ".");
    return new File([blob], `camera ${time}.png`, { type: "image/png" });
  }

  #frame() {
    return drawn(this.#video, this.#video.videoWidth, this.#video.videoHeight);
  }

  async #watch(stream) {
    const smoothing = new Smoothing();
    let [said, last] = [-Infinity, ""];
    // Each frame is captured after the one before is finished, so slow devices skip frames.
    while (this.#stream === stream) {
      const { canvas } = this.#frame();
      const seconds = performance.now() / 1000;
      const faces = await this.predictor.predict(pixelsOf(canvas));
      if (this.#stream !== stream) return;
      const below = this.contract.uncertain_below;
      const rows = smoothing.update(faces, seconds)
        .map((face, index) => ({ ...face, face: index + 1, gender: gender(face.p_female, below) }));
      paint(this.canvas, canvas, rows);
      const text = rows.map(label).join("; ") || "no face in sight";
      this.canvas.setAttribute("aria-label", `The picture of the camera: ${text}`);
      if (text !== last && performance.now() - said > SILENCE) {
        [said, last] = [performance.now(), text];
        this.announce(text);
      }
      await new Promise(requestAnimationFrame);
    }
  }
}
