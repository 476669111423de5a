// Finds faces with the network that utkage uses (RetinaFace with MobileNet-0.25), in the same looks:
// from coarse to fine, a finer one only where the one before found nothing, or small faces; and at
// last framed in black, for faces that the edges of the picture cut.

import { resized } from "./pixels.js";

// Channel means of the network's training: blue, green, red, the order that it takes.
const MEAN = [104, 117, 127];
const STRIDES = [8, 16, 32];
const SIDES = [[16, 32], [64, 128], [256, 512]];
const [CENTRE_VARIANCE, SIZE_VARIANCE] = [0.1, 0.2];

const LOOKS = [640, 1600];
const SMALLEST_SEEN = 320;
const LARGEST_ENLARGEMENT = 2;
const SMALLEST_STEP = 1.2;
const SMALL_FACE = 48;
const TINY_FACE = 28;
const LARGE_FACE_SHARE = 0.25;
const [THRESHOLD, SECOND_THRESHOLD] = [0.8, 0.85];
const [LARGEST_IOU, LARGEST_INSIDE] = [0.4, 0.7];
const SMALLEST_FACE = 16;

export class FaceDetector {
  /** `session`: of the network; `ort`: ONNX Runtime. */
  constructor(session, ort) {
    this.session = session;
    this.ort = ort;
  }

  /** Faces of a picture, the largest first: { box: [x0, y0, x1, y1], score, landmarks }, pixels. */
  async detect(picture) {
    const long = Math.max(picture.width, picture.height);
    const [first, ...finer] = scales(long);
    let found = await this.look(picture, first, 0, THRESHOLD);
    let last = first;
    for (const scale of finer) {
      let [largest, threshold] = [TINY_FACE / last, SECOND_THRESHOLD];
      if (found.length) {
        if (Math.min(...found.map(side)) >= SMALL_FACE / last) break;
        [largest, threshold] = [SMALL_FACE / last, THRESHOLD];
      }
      const fine = await this.look(picture, scale, 0, threshold);
      found = distinct([...found, ...fine.filter((face) => side(face) <= largest)]);
      last = scale;
    }
    if (!found.length) {
      const scale = Math.min(SMALLEST_SEEN / long, LARGEST_ENLARGEMENT);
      const framed = await this.look(picture, scale, Math.round(long * scale / 2), SECOND_THRESHOLD);
      found = framed.filter((face) => side(face) >= LARGE_FACE_SHARE * long);
    }
    const within = (value, limit) => Math.min(Math.max(value, 0), limit);
    for (const face of found) {
      face.box = face.box.map((v, i) => within(v, i % 2 ? picture.height : picture.width));
    }
    return found.filter((face) => side(face) >= SMALLEST_FACE).sort((a, b) => area(b) - area(a));
  }

  async look(picture, scale, frame, threshold) {
    const width = Math.max(1, Math.round(picture.width * scale));
    const height = Math.max(1, Math.round(picture.height * scale));
    const seen = resized(picture, width, height);
    const [fullWidth, fullHeight] = [width, height].map((v) => Math.ceil((v + 2 * frame) / 32) * 32);
    const plane = fullWidth * fullHeight;
    const input = new Float32Array(3 * plane);
    // Beyond the picture: black in a frame, else the mean, which is zero.
    if (frame) for (let k = 0; k < 3; k++) input.fill(-MEAN[k], k * plane, (k + 1) * plane);
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const from = (y * width + x) * 3;
        const to = (y + frame) * fullWidth + x + frame;
        for (let k = 0; k < 3; k++) input[k * plane + to] = seen.data[from + 2 - k] - MEAN[k];
      }
    }
    const tensor = new this.ort.Tensor("float32", input, [1, 3, fullHeight, fullWidth]);
    const answers = await this.session.run({ input: tensor });
    const raw = decoded(answers, fullWidth, fullHeight, threshold);
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
  const coarse = Math.max(1, Math.min(LARGEST_ENLARGEMENT, SMALLEST_SEEN / long));
  const found = [Math.min(LOOKS[0] / long, coarse)];
  for (const look of LOOKS.slice(1)) {
    const scale = Math.min(look / long, LARGEST_ENLARGEMENT);
    if (scale >= SMALLEST_STEP * found[found.length - 1]) found.push(scale);
  }
  return found;
}

// Offsets from anchors, which are numbered level by level, row by row, cell by cell, size by size.
function decoded({ loc, conf, landmarks }, width, height, threshold) {
  const found = [];
  let anchor = 0;
  STRIDES.forEach((stride, level) => {
    for (let row = 0; row < Math.ceil(height / stride); row++) {
      for (let column = 0; column < Math.ceil(width / stride); column++) {
        for (const size of SIDES[level]) {
          const score = conf.data[2 * anchor + 1];
          if (score > threshold) {
            const [x, y] = [(column + 0.5) * stride, (row + 0.5) * stride];
            const offset = loc.data.subarray(4 * anchor, 4 * anchor + 4);
            const cx = x + size * offset[0] * CENTRE_VARIANCE;
            const cy = y + size * offset[1] * CENTRE_VARIANCE;
            const w = size * Math.exp(offset[2] * SIZE_VARIANCE);
            const h = size * Math.exp(offset[3] * SIZE_VARIANCE);
            const points = [];
            for (let k = 0; k < 5; k++) {
              const at = 10 * anchor + 2 * k;
              points.push([
                x + size * landmarks.data[at] * CENTRE_VARIANCE,
                y + size * landmarks.data[at + 1] * CENTRE_VARIANCE,
              ]);
            }
            const box = [cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2];
            found.push({ box, score, landmarks: points });
          }
          anchor++;
        }
      }
    }
  });
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
      const smaller = Math.min(area(face), area(other));
      const union = area(face) + area(other) - common;
      return common / union > LARGEST_IOU || common / smaller > LARGEST_INSIDE;
    });
    if (!repeats) kept.push(face);
  }
  return kept;
}

const side = ({ box }) => Math.max(box[2] - box[0], box[3] - box[1]);
const area = ({ box }) => Math.max(box[2] - box[0], 0) * Math.max(box[3] - box[1], 0);
