// Flags for faces whose predictions are weak, as utkage sets them: "small", "blurred", "turned", "cut_off",
// and, by the classifier of Appearance, "covered" and "unusual".

import { applied, averaged, inverted, part, resized } from "./pixels.js";

/**
 * The flags of a face. `chip`: its RGB chip; `matrix`: from picture to chip; `contract`: contract.json;
 * `appearance`: an Appearance, or null if its chips are cropped differently.
 */
export function weaknesses(chip, matrix, landmarks, picture, contract, appearance) {
  const { inner_size: size, quality } = contract;
  const edge = Math.floor((chip.width - size) / 2);
  const inner = part(chip, edge, edge, edge + size, edge + size);
  const scale = Math.sqrt(Math.abs(matrix[0] * matrix[4] - matrix[1] * matrix[3]));
  const found = [];
  // Enlarged chips are never sharp; one reason is enough.
  if (size / Math.max(scale, 1e-9) < quality.small_below) found.push("small");
  else if (sharpness(inner, quality.sharpness_size) < quality.blurred_below) found.push("blurred");
  if (asymmetry(landmarks) >= quality.turned_from) found.push("turned");
  if (shareBeyond(matrix, chip.width, size, picture, quality) >= quality.cut_off_from) found.push("cut_off");
  return [...found, ...(appearance?.flags(inner) ?? [])];
}

/** Variance of the Laplacian of the face over that of the face, at a fixed size; 0 if it is flat. */
export function sharpness({ data, width, height }, size) {
  const grey = new Float32Array(width * height);
  for (let i = 0, j = 0; i < grey.length; i++, j += 3) {
    grey[i] = Math.round(0.299 * data[j] + 0.587 * data[j + 1] + 0.114 * data[j + 2]);
  }
  const small = averaged({ data: grey, width, height }, size, size, 1);
  const [first, last] = [Math.floor(size / 6), size - Math.floor(size / 6)];
  const [face, detail] = [[], []];
  for (let y = first; y < last; y++) {
    for (let x = first; x < last; x++) {
      const at = y * size + x;
      face.push(small[at]);
      if (y > first && y < last - 1 && x > first && x < last - 1) {
        detail.push(small[at - 1] + small[at + 1] + small[at - size] + small[at + size] - 4 * small[at]);
      }
    }
  }
  const spread = variance(face);
  return spread < 1 ? 0 : variance(detail) / spread;
}

function variance(values) {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
}

/** Distance of the nose from the middle of eyes and mouth, in distances of the eyes. */
function asymmetry([left, right, nose, leftMouth, rightMouth]) {
  const across = [0, 1].map((axis) => right[axis] - left[axis]);
  const off = [0, 1].map((axis) => nose[axis] - (left[axis] + right[axis] + leftMouth[axis] + rightMouth[axis]) / 4);
  const squared = across[0] ** 2 + across[1] ** 2;
  return Math.abs(off[0] * across[0] + off[1] * across[1]) / Math.max(squared, 1e-9);
}

/** Share of the inner part of the chip that lies beyond the picture. */
function shareBeyond(matrix, chipSize, size, picture, { inner_part: [low, high], grid }) {
  const back = inverted(matrix);
  const place = (k) => (chipSize - size) / 2 + (low + (high - low) * k / (grid - 1)) * size;
  let outside = 0;
  for (let row = 0; row < grid; row++) {
    for (let column = 0; column < grid; column++) {
      const [x, y] = applied(back, [place(column), place(row)]);
      if (x < 0 || y < 0 || x > picture.width || y > picture.height) outside++;
    }
  }
  return outside / grid ** 2;
}

/** A small classifier of aligned chips: whether a face is covered, or shown unlike a photograph. */
export class Appearance {
  /** `tensors`: { name: { shape, values } }; `thresholds`: { flag: probability }, in the order of outputs. */
  constructor(tensors, thresholds, size) {
    Object.assign(this, { tensors, thresholds, size });
  }

  /** Read a file of safetensors with float16 numbers. `size`: width of the chips that it takes. */
  static read(buffer, size) {
    const start = 8 + Number(new DataView(buffer).getBigUint64(0, true));
    const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 8, start - 8)));
    const { __metadata__: metadata, ...entries } = header;
    const tensors = {};
    for (const [name, { shape, data_offsets: [from, to] }] of Object.entries(entries)) {
      tensors[name] = { shape, values: Float32Array.from(new Uint16Array(buffer.slice(start + from, start + to)), half) };
    }
    return new Appearance(tensors, JSON.parse(metadata.thresholds), size);
  }

  flags(chip) {
    const found = this.probabilities(chip);
    return Object.keys(this.thresholds).filter((name, index) => found[index] >= this.thresholds[name]);
  }

  /** The probability of each flag. `chip`: RGB, aligned like UTKFace's and without a margin. */
  probabilities(chip) {
    let [values, size] = [Float32Array.from(resized(chip, this.size, this.size).data, (v) => v / 255 - 0.5), this.size];
    for (let k = 0; `convolution.${k}.weights` in this.tensors; k++) {
      values = this.#convolved(values, size, k);
      size /= 2;
    }
    for (let k = 0; `dense.${k}.weights` in this.tensors; k++) {
      const sums = this.#layer(`dense.${k}`, values);
      values = `dense.${k + 1}.weights` in this.tensors ? sums.map(rectified) : sums;
    }
    return Array.from(values, (logit) => 1 / (1 + Math.exp(-logit)));
  }

  /** A 3 x 3 convolution with stride 2; zero beyond the edge. */
  #convolved(values, size, index) {
    const name = `convolution.${index}`;
    const channels = this.tensors[`${name}.weights`].shape[0] / 9;
    const outputs = this.tensors[`${name}.bias`].values.length;
    const half = size / 2;
    const result = new Float32Array(half * half * outputs);
    const window = new Float32Array(9 * channels);
    for (let y = 0; y < half; y++) {
      for (let x = 0; x < half; x++) {
        for (let place = 0; place < 9; place++) {
          const [row, column] = [2 * y + Math.floor(place / 3) - 1, 2 * x + (place % 3) - 1];
          const at = (row * size + column) * channels;
          for (let c = 0; c < channels; c++) {
            window[place * channels + c] = row < 0 || column < 0 ? 0 : values[at + c];
          }
        }
        result.set(this.#layer(name, window).map(rectified), (y * half + x) * outputs);
      }
    }
    return result;
  }

  #layer(name, inputs) {
    const { values: weights } = this.tensors[`${name}.weights`];
    const sums = Float32Array.from(this.tensors[`${name}.bias`].values);
    for (let i = 0; i < inputs.length; i++) {
      const input = inputs[i];
      if (input === 0) continue;
      const at = i * sums.length;
      for (let o = 0; o < sums.length; o++) sums[o] += input * weights[at + o];
    }
    return sums;
  }
}

const rectified = (value) => Math.max(value, 0);

/** A float16 number from its bits. */
function half(bits) {
  const [sign, exponent, fraction] = [bits & 0x8000 ? -1 : 1, (bits >> 10) & 31, bits & 1023];
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return sign * (exponent ? (1024 + fraction) * 2 ** (exponent - 25) : fraction * 2 ** -24);
}
