// The page: opens pictures, a folder or the camera, and draws the faces with their predictions.
// Nothing is uploaded.

import { Faces } from "./faces.js";
import { fromImageData } from "./pixels.js";

const LONGEST_SIDE = 2400;
const UNCERTAIN_BELOW = 0.75;
const COLOURS = { female: "#e69f00", male: "#56b4e9", uncertain: "#cccccc" };

const statusLine = document.getElementById("status");
const gallery = document.getElementById("gallery");
const camera = document.getElementById("camera");
const loading = Faces.load();

loading.then(
  () => showStatus("Ready. Choose a picture, a folder or the camera."),
  (error) => showStatus(`The networks could not be loaded: ${error.message}. Serve this folder over http.`),
);

for (const id of ["pictures", "folder"]) {
  document.getElementById(id).addEventListener("change", ({ target }) => open([...target.files]));
}
camera.addEventListener("click", () => (stream ? stop() : start()));
document.addEventListener("dragover", (event) => event.preventDefault());
document.addEventListener("drop", (event) => {
  event.preventDefault();
  open([...event.dataTransfer.files]);
});

async function open(files) {
  const pictures = files.filter((file) => file.type.startsWith("image/"));
  const faces = await loading;
  let [opened, count] = [0, 0];
  for (const file of pictures) {
    showStatus(`${file.name}: ${++opened} of ${pictures.length}`);
    try {
      const bitmap = await createImageBitmap(file, { imageOrientation: "from-image" });
      const canvas = drawCanvas(bitmap);
      const rows = await predict(faces, canvas);
      show(canvas, rows, file.name);
      count += rows.length;
    } catch (error) {
      show(null, [], `${file.name}: cannot be read (${error.message})`);
    }
  }
  showStatus(`${counted(pictures.length, "picture")}, ${counted(count, "face")}.`);
}

function counted(n, noun) {
  return `${n} ${noun}${n === 1 ? "" : "s"}`;
}

function drawCanvas(source, width = source.width, height = source.height) {
  const scale = Math.min(1, LONGEST_SIDE / Math.max(width, height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.round(width * scale);
  canvas.height = Math.round(height * scale);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.imageSmoothingQuality = "high";
  context.drawImage(source, 0, 0, canvas.width, canvas.height);
  return canvas;
}

async function predict(faces, canvas) {
  const context = canvas.getContext("2d");
  const pixels = context.getImageData(0, 0, canvas.width, canvas.height);
  const rows = await faces.predict(fromImageData(pixels));
  for (const row of rows) drawBox(context, row, Math.max(canvas.width, canvas.height));
  return rows;
}

function gender({ p_female }) {
  if (Math.max(p_female, 1 - p_female) < UNCERTAIN_BELOW) return "uncertain";
  return p_female >= 0.5 ? "female" : "male";
}

function label(row) {
  const age = `${Math.round(row.age)} (${Math.round(row.age_low)}-${Math.round(row.age_high)})`;
  return `${gender(row)} ${age}`;
}

function summary(rows) {
  return rows.map(label).join("; ") || "no face found";
}

function drawBox(context, row, long) {
  const [x0, y0, x1, y1] = row.box;
  const line = Math.max(2, long / 400);
  const height = Math.max(13, long / 55);
  context.lineWidth = line;
  context.strokeStyle = COLOURS[gender(row)];
  context.strokeRect(x0, y0, x1 - x0, y1 - y0);
  context.font = `600 ${height}px system-ui, sans-serif`;
  const text = label(row);
  const width = context.measureText(text).width + height * 0.6;
  const left = Math.max(0, Math.min(x0, context.canvas.width - width));
  const top = y0 >= height * 1.4 ? y0 - height * 1.4 : Math.min(y1, context.canvas.height - height * 1.4);
  context.fillStyle = "rgba(0, 0, 0, 0.8)";
  context.fillRect(left, top, width, height * 1.4);
  context.fillStyle = "#ffffff";
  context.textBaseline = "middle";
  context.fillText(text, left + height * 0.3, top + height * 0.72);
}

function show(canvas, rows, name) {
  const figure = document.createElement("figure");
  if (canvas) {
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", summary(rows));
    figure.append(canvas);
  }
  const caption = document.createElement("figcaption");
  caption.textContent = canvas ? `${name}: ${summary(rows)}` : name;
  figure.append(caption);
  figure.dataset.rows = JSON.stringify(rows);
  gallery.prepend(figure);
}

let stream = null;

async function start() {
  const faces = await loading;
  try {
    stream = await navigator.mediaDevices.getUserMedia({ video: true });
  } catch (error) {
    showStatus(`No camera: ${error.message}`);
    return;
  }
  camera.textContent = "Stop the camera";
  const video = document.createElement("video");
  video.muted = true;
  video.srcObject = stream;
  await video.play();
  const figure = document.createElement("figure");
  gallery.prepend(figure);
  // Each frame is captured after the one before is finished, so slow devices drop frames.
  while (stream) {
    const canvas = drawCanvas(video, video.videoWidth, video.videoHeight);
    const rows = await predict(faces, canvas);
    figure.replaceChildren(canvas);
    figure.dataset.rows = JSON.stringify(rows);
    showStatus(summary(rows));
    await new Promise(requestAnimationFrame);
  }
}

function stop() {
  for (const track of stream.getTracks()) track.stop();
  stream = null;
  camera.textContent = "Use the camera";
  showStatus("The camera is off.");
}

function showStatus(text) {
  statusLine.textContent = text;
}
