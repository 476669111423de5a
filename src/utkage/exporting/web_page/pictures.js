// Pictures as canvases: decoded upright, with boxes around faces, and as thumbnails.

import { label } from "./rows.js";

// Larger pictures are reduced to this many pixels; some telephones have no larger canvases.
const MOST_PIXELS = 4096 * 4096;
const THUMBNAIL = 112;
// Okabe and Ito's palette, which colour-blind readers tell apart. The label says it in words as well.
const COLOURS = { female: "#e69f00", male: "#56b4e9", uncertain: "#cccccc" };

/** Read a file: { canvas, scale }, where `scale` is the canvas's size by the picture's. */
export async function decoded(file) {
  const bitmap = await createImageBitmap(file, { imageOrientation: "from-image" });
  try {
    return drawn(bitmap, bitmap.width, bitmap.height);
  } finally {
    bitmap.close();
  }
}

/** Draw a picture or a video on a canvas of its size: { canvas, scale }. */
export function drawn(source, width, height) {
  const scale = Math.min(1, Math.sqrt(MOST_PIXELS / (width * height)));
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.floor(width * scale));
  canvas.height = Math.max(1, Math.floor(height * scale));
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.imageSmoothingQuality = "high";
  context.drawImage(source, 0, 0, canvas.width, canvas.height);
  return { canvas, scale };
}

/** The pixels of a canvas as ImageData. */
export const pixelsOf = (canvas) => canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);

/** A face in other units: boxes and landmarks times `factor`. */
export function scaledFace(face, factor) {
  const times = (values) => values.map((value) => value * factor);
  return { ...face, box: times(face.box), landmarks: face.landmarks.map(times) };
}

/** A small square JPEG of a face with some of what is around it, or without a box of the picture's middle. */
export function thumbnail(canvas, box = null) {
  const { width, height } = canvas;
  const [x0, y0, x1, y1] = box ?? [0, 0, width, height];
  const side = box ? 1.3 * Math.max(x1 - x0, y1 - y0) : Math.min(width, height);
  const small = document.createElement("canvas");
  small.width = small.height = THUMBNAIL;
  const context = small.getContext("2d");
  context.imageSmoothingQuality = "high";
  context.drawImage(canvas, (x0 + x1 - side) / 2, (y0 + y1 - side) / 2, side, side, 0, 0, THUMBNAIL, THUMBNAIL);
  return new Promise((done) => small.toBlob(done, "image/jpeg", 0.85));
}

/** Show a picture with its faces on a canvas of the page; `chosen`: the number of a face, or null. */
export function paint(canvas, picture, rows, { scale = 1, chosen = null } = {}) {
  canvas.width = picture.width;
  canvas.height = picture.height;
  const context = canvas.getContext("2d");
  context.drawImage(picture, 0, 0);
  // Lines and letters of one size on the screen, whatever the size of the picture.
  const pixel = Math.max(1, canvas.width / (canvas.clientWidth || canvas.width));
  const size = 13 * pixel;
  context.font = `600 ${size}px system-ui, sans-serif`;
  const found = rows.filter((row) => row.box)
    .map((row) => ({ row, box: row.box.map((value) => value * scale), text: label(row) }));
  // Many faces leave no room for long labels; the table has the intervals.
  const isLong = ({ box, text }) => context.measureText(text).width > 1.6 * (box[2] - box[0]);
  if (found.some(isLong)) for (const face of found) face.text = String(Math.round(face.row.age));
  // The chosen face is drawn last, above the others.
  found.sort((a, b) => (a.row.face === chosen) - (b.row.face === chosen));
  for (const { row, box, text } of found) {
    frame(context, box, COLOURS[row.gender], pixel, row.face === chosen ? 5 : 2);
    caption(context, box, text, size);
  }
}

function frame(context, [x0, y0, x1, y1], colour, pixel, line) {
  context.lineWidth = (line + 2) * pixel;
  context.strokeStyle = "rgba(0, 0, 0, 0.55)";
  context.strokeRect(x0, y0, x1 - x0, y1 - y0);
  context.lineWidth = line * pixel;
  context.strokeStyle = colour;
  context.strokeRect(x0, y0, x1 - x0, y1 - y0);
}

function caption(context, [x0, y0, , y1], text, size) {
  const [width, height] = [context.measureText(text).width + size * 0.7, size * 1.45];
  const left = Math.max(0, Math.min(x0, context.canvas.width - width));
  const top = y0 >= height ? y0 - height : Math.min(y1, context.canvas.height - height);
  context.fillStyle = "rgba(0, 0, 0, 0.8)";
  context.fillRect(left, top, width, height);
  context.fillStyle = "#ffffff";
  context.textBaseline = "middle";
  context.fillText(text, left + size * 0.35, top + height * 0.53);
}
