// The page: opens pictures, folders and the camera, and shows the faces with their predictions.
// Nothing is uploaded.

import { Camera } from "./camera.js";
import { named, sorted, transferred } from "./inputs.js";
import { decoded, pixelsOf, scaledFace, thumbnail } from "./pictures.js";
import { Predictor } from "./predictor.js";
import { counted, csvText, jsonText, pictureRows, setThreshold } from "./rows.js";
import { Table } from "./table.js";
import { Viewer } from "./viewer.js";

// Screen readers hear of the progress after this many milliseconds at the earliest.
const SILENCE = 10_000;

const part = (id) => document.getElementById(id);
const announce = (text) => { part("status").textContent = text; };

const predictor = new Predictor();
const settings = fetch("contract.json").then((response) => response.json());
const viewer = new Viewer({
  canvas: part("picture"), name: part("picture-name"), previous: part("previous"), next: part("next"),
});
const table = new Table(part("rows"), part("more"), (picture, face) => viewer.show(picture, face));

let results = [];
// Age T of P(age >= T), or null.
let threshold = null;
let waiting = [];
let pasted = 0;
// The run over the pictures: { done, total, faces, stopped, started }; null between runs.
let run = null;
// Settles when the last run has ended.
let ended = Promise.resolve();
let camera = null;

Promise.all([settings, predictor.ready]).then(
  ([{ interval }]) => {
    part("interval-heading").title = `Contains the age with a probability of ${Math.round(100 * interval)} %`;
    if (!run) announce("Ready.");
  },
  (error) => announce(`The networks could not be loaded: ${error.message}. Load the page again.`),
).finally(() => part("stuck").remove());

// ---------------------------------------------------------------------------------- opening
part("choose-pictures").addEventListener("click", () => part("pictures").click());
part("choose-folder").addEventListener("click", () => part("folder").click());
part("choose-folder").hidden = !("webkitdirectory" in part("folder"));
for (const id of ["pictures", "folder"]) {
  part(id).addEventListener("change", ({ target }) => {
    open([...target.files].map(named));
    // So that the same choice is a change again.
    target.value = "";
  });
}
for (const kind of ["dragenter", "dragover"]) {
  document.addEventListener(kind, (event) => {
    event.preventDefault();
    part("drop").classList.add("over");
  });
}
document.addEventListener("dragleave", (event) => {
  if (!event.relatedTarget) part("drop").classList.remove("over");
});
document.addEventListener("drop", async (event) => {
  event.preventDefault();
  part("drop").classList.remove("over");
  open(await transferred(event.dataTransfer));
});
document.addEventListener("paste", async ({ clipboardData }) => {
  const files = await transferred(clipboardData);
  if (!files.length) return announce("The clipboard has no picture.");
  // Browsers call every pasted picture image.png.
  return open(files.map(({ file, path }) => ({ file, path: path === "image.png" ? `pasted ${++pasted}.png` : path })));
});

async function open(files) {
  const { suffixes } = await settings;
  const { pictures, others } = sorted(files, suffixes);
  if (!pictures.length) {
    announce(files.length ? "There is no picture among these files." : "No file was chosen.");
    return;
  }
  // A stopped run still predicts the picture at hand.
  if (run?.stopped) await ended;
  waiting.push(...pictures);
  if (run) {
    run.total += pictures.length;
    run.others += others;
  } else {
    ended = work(pictures.length, others);
  }
}

// ---------------------------------------------------------------------------------- predicting
async function work(total, others) {
  run = { done: 0, total, others, faces: 0, stopped: false, started: performance.now(), said: performance.now() };
  announce(`Started: ${counted(total, "picture")}.`);
  showProgress();
  part("progress").hidden = false;
  try {
    const contract = await settings;
    await predictor.ready;
    for (let next; !run.stopped && (next = waiting.shift()); run.done++, showProgress()) {
      await predict(next, contract);
    }
    const skipped = run.others ? ` ${counted(run.others, "other file")} skipped.` : "";
    const faces = counted(run.faces, "face");
    announce(run.stopped
      ? `Stopped: ${run.done} of ${counted(run.total, "picture")}, ${faces}.${skipped}`
      : `${counted(run.done, "picture")}, ${faces}.${skipped}`);
  } catch (error) {
    announce(`The networks could not be loaded: ${error.message}. Load the page again.`);
  } finally {
    const hadFocus = part("progress").contains(document.activeElement);
    part("progress").hidden = true;
    // The button with the keyboard's focus is gone now.
    if (hadFocus) part("results").focus();
    [waiting, run] = [[], null];
  }
}

async function predict({ file, path }, contract) {
  const list = results;
  let rows, faces = [], thumbnails = [];
  try {
    const { canvas, scale } = await decoded(file);
    faces = await predictor.predict(pixelsOf(canvas));
    const boxes = faces.length ? faces.map(({ box }) => box) : [null];
    thumbnails = await Promise.all(boxes.map((box) => thumbnail(canvas, box)));
    rows = pictureRows(path, faces.map((face) => scaledFace(face, 1 / scale)), contract);
    setThreshold(rows, faces, threshold, contract);
  } catch (error) {
    [faces, rows] = [[], pictureRows(path, [], contract, `cannot be read by this browser (${error.message})`)];
  }
  // "Clear" has begun another list meanwhile.
  if (results !== list) return;
  results.push({ file, rows, faces });
  run.faces += rows[0].faces ?? 0;
  for (const id of ["columns", "results-bar"]) part(id).hidden = false;
  document.body.classList.add("has-results");
  table.add(rows, thumbnails, results.length - 1);
  viewer.add({ file, rows });
}

function showProgress() {
  const { done, total, faces, started } = run;
  part("bar").max = total;
  part("bar").value = done;
  const seconds = done ? (performance.now() - started) / 1000 / done * (total - done) : 0;
  const left = seconds < 10 ? "" : seconds < 90 ? `, about ${10 * Math.round(seconds / 10)} s left`
    : `, about ${Math.round(seconds / 60)} min left`;
  const text = `${done} of ${counted(total, "picture")}, ${counted(faces, "face")}${left}`;
  part("progress-text").textContent = text;
  if (done < total && performance.now() - run.said > SILENCE) {
    run.said = performance.now();
    announce(text);
  }
}

part("stop").addEventListener("click", () => { if (run) run.stopped = true; });

// ---------------------------------------------------------------------------------- results
part("csv").addEventListener("click", async () => {
  const { columns } = await settings;
  save("utkage.csv", "text/csv", csvText(results.flatMap(({ rows }) => rows), columns));
});
part("json").addEventListener("click", () => {
  save("utkage.json", "application/json", jsonText(results.flatMap(({ rows }) => rows)));
});
part("threshold").addEventListener("change", async ({ target }) => {
  const contract = await settings;
  // Whatever is no whole number from 1 to 116 is no threshold.
  threshold = target.value && target.validity.valid ? Number(target.value) : null;
  for (const { rows, faces } of results) setThreshold(rows, faces, threshold, contract);
  table.showThreshold(threshold);
  announce(threshold === null ? "No age to compare with." : `The table shows the probability of being at least ${threshold} years old.`);
});
part("clear").addEventListener("click", () => {
  if (run) run.stopped = true;
  results = [];
  table.clear();
  viewer.clear();
  for (const id of ["columns", "results-bar"]) part(id).hidden = true;
  document.body.classList.remove("has-results");
  announce("Cleared.");
  part("choose-pictures").focus();
});

function save(name, type, text) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  announce(`${name} was saved.`);
}

// ---------------------------------------------------------------------------------- camera
part("camera").addEventListener("click", () => (camera?.isOn ? stopCamera() : startCamera()));
part("shoot").addEventListener("click", async () => open([named(await camera.picture())]));

async function startCamera() {
  try {
    camera ??= new Camera(part("live-picture"), predictor, await settings, announce);
    await camera.start();
  } catch (error) {
    announce(`No camera: ${error.message}.`);
    return;
  }
  showCamera(true);
  announce("The camera is on.");
}

function stopCamera() {
  camera.stop();
  showCamera(false);
  announce("The camera is off.");
}

function showCamera(isOn) {
  part("live").hidden = !isOn;
  part("camera").textContent = isOn ? "Stop the camera" : "Use the camera";
  part("camera").setAttribute("aria-pressed", String(isOn));
}

// ---------------------------------------------------------------------------------- installing
if ("serviceWorker" in navigator) {
  // The list of files is asked of the server each time, or a new version would come late.
  navigator.serviceWorker.register("service_worker.js", { updateViaCache: "none" }).then(
    () => navigator.serviceWorker.ready.then(() => {
      part("offline").textContent = "This page is saved on this device: it works without a connection.";
    }),
    // Only https and localhost may save pages. All else works.
    () => {},
  );
}
addEventListener("beforeinstallprompt", (event) => {
  event.preventDefault();
  part("install").hidden = false;
  part("install").onclick = () => {
    event.prompt();
    part("install").hidden = true;
  };
});
