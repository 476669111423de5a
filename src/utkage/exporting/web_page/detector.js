// Finds faces with RetinaFace (MobileNet-0.25) at the scales that utkage uses, from coarse to fine. A
// finer scale is used only if the one before found nothing, or small faces. If all find nothing, the
// picture gets a black frame, for faces that its edges cut.

import { resized } from "./pixels.js";

const LONGEST_SIDES = [640, 1600];
const SMALLEST_INPUT = 320;
const LARGEST_ENLARGEMENT = 2;
const SMALLEST_STEP = 1.2;
const SMALL_FACE = 48;
const TINY_FACE = 28;
const LARGE_FACE_SHARE = 0.25;
const [THRESHOLD, SECOND_THRESHOLD] = [0.8, 0.85];
const [LARGEST_IOU, LARGEST_INSIDE] = [0.4, 0.7];
const SMALLEST_FACE = 16;

export class FaceDetector {
  /** `session`: session of the network; `network`: its description from networks.js; `ort`: ONNX Runtime. */
  constructor(session, network, ort) {
    this.session = session;
    this.network = network;
    this.ort = ort;
  }

  /** The faces of a picture, largest first: { box: [x0, y0, x1, y1], score, landmarks }, in pixels. */
  async detect(picture) {
    const long = Math.max(picture.width, picture.height);
    const [first, ...finer] = scales(long);
    let found = await this.detectAt(picture, first, 0, THRESHOLD);
    let last = first;
    for (const scale of finer) {
      let [largest, threshold] = [TINY_FACE / last, SECOND_THRESHOLD];
      if (found.length) {
        if (Math.min(...found.map(sideOf)) >= SMALL_FACE / last) break;
        [largest, threshold] = [SMALL_FACE / last, THRESHOLD];
      }
      const fine = await this.detectAt(picture, scale, 0, threshold);
      found = distinct([...found, ...fine.filter((face) => sideOf(face) <= largest)]);
      last = scale;
    }
    if (!found.length) {
      const scale = Math.min(SMALLEST_INPUT / long, LARGEST_ENLARGEMENT);
      const framed = await this.detectAt(picture, scale, Math.round(long * scale / 2), SECOND_THRESHOLD);
      found = framed.filter((face) => sideOf(face) >= LARGE_FACE_SHARE * long);
    }
    const within = (value, limit) => Math.min(Math.max(value, 0), limit);
    for (const face of found) {
      face.box = face.box.map((v, i) => within(v, i % 2 ? picture.height : picture.width));
    }
    return found.filter((face) => sideOf(face) >= SMALLEST_FACE).sort((a, b) => areaOf(b) - areaOf(a));
  }

  /** Faces found at one scale, with a black frame of so many pixels. */
  async detectAt(picture, scale, frame, threshold) {
    const width = Math.max(1, Math.round(picture.width * scale));
    const height = Math.max(1, Math.round(picture.height * scale));
    const scaled = resized(picture, width, height);
    const [fullWidth, fullHeight] = [width, height].map((v) => Math.ceil((v + 2 * frame) / 32) * 32);
    const plane = fullWidth * fullHeight;
    const input = new Float32Array(3 * plane);
    const { channels, means } = this.network;
    // Padding is black within a frame, and otherwise the mean, which is zero.
    if (frame) for (let k = 0; k < 3; k++) input.fill(-means[k], k * plane, (k + 1) * plane);
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const from = (y * width + x) * 3;
        const to = (y + frame) * fullWidth + x + frame;
        for (let k = 0; k < 3; k++) {
          input[k * plane + to] = scaled.data[from + channels[k]] - means[k];
        }
      }
    }
    const tensor = new this.ort.Tensor("float32", input, [1, 3, fullHeight, fullWidth]);
    const outputs = await this.session.run({ [this.network.input]: tensor });
    const raw = this.network.decode(outputs, fullWidth, fullHeight, threshold);
    const [sx, sy] = [width / picture.width, height / picture.height];
    const back = (value, axis) => (value - frame) / (axis ? sy : sx);
    return distinct(raw.map(({ box, score, landmarks }) => ({
      box: box.map((v, i) => back(v, i % 2)),
      score,
      landmarks: landmarks.map(([x, y]) => [back(x, 0), back(y, 1)]),
    })));
  }
}

function scales(long) {
  const coarse = Math.max(1, Math.min(LARGEST_ENLARGEMENT, SMALLEST_INPUT / long));
  const found = [Math.min(LONGEST_SIDES[0] / long, coarse)];
  for (const longest of LONGEST_SIDES.slice(1)) {
    const scale = Math.min(longest / long, LARGEST_ENLARGEMENT);
    if (scale >= SMALLEST_STEP * found[found.length - 1]) found.push(scale);
  }
  return found;
}

// Greedy non-maximum suppression.
function distinct(faces) {
  const kept = [];
  for (const face of [...faces].sort((a, b) => b.score - a.score)) {
    const repeats = kept.some((other) => {
      const w = Math.min(face.box[2], other.box[2]) - Math.max(face.box[0], other.box[0]);
      const h = Math.min(face.box[3], other.box[3]) - Math.max(face.box[1], other.box[1]);
      const common = Math.max(w, 0) * Math.max(h, 0);
      const smaller = Math.min(areaOf(face), areaOf(other));
      const union = areaOf(face) + areaOf(other) - common;
      return common / union > LARGEST_IOU || common / smaller > LARGEST_INSIDE;
    });
    if (!repeats) kept.push(face);
  }
  return kept;
}

const sideOf = ({ box }) => Math.max(box[2] - box[0], box[3] - box[1]);
const areaOf = ({ box }) => Math.max(box[2] - box[0], 0) * Math.max(box[3] - box[1], 0);
