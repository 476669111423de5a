// Pictures as { data: Uint8Array of RGB, width, height }, and their resampling. As in utkage, areas are
// averaged when a picture shrinks, and pixel centres have coordinates that end in one half.

/** The RGB picture of an ImageData. */
export function fromImageData({ data, width, height }) {
  const rgb = new Uint8Array(width * height * 3);
  for (let i = 0, j = 0; i < rgb.length; i += 3, j += 4) {
    rgb[i] = data[j];
    rgb[i + 1] = data[j + 1];
    rgb[i + 2] = data[j + 2];
  }
  return { data: rgb, width, height };
}

/** The part of a picture between the corners (x0, y0) and (x1, y1). */
export function part({ data, width }, x0, y0, x1, y1) {
  const cut = new Uint8Array((x1 - x0) * (y1 - y0) * 3);
  for (let y = y0; y < y1; y++) {
    const from = (y * width + x0) * 3;
    cut.set(data.subarray(from, from + (x1 - x0) * 3), (y - y0) * (x1 - x0) * 3);
  }
  return { data: cut, width: x1 - x0, height: y1 - y0 };
}

/** The picture in another size: area averages along an axis that shrinks, else linear interpolation. */
export function resized(picture, width, height) {
  if (width === picture.width && height === picture.height) return picture;
  const values = averaged(picture, width, height, 3);
  const data = new Uint8Array(values.length);
  for (let i = 0; i < data.length; i++) data[i] = Math.round(values[i]);
  return { data, width, height };
}

/** The values of `resized` for any number of channels, not rounded. */
export function averaged(picture, width, height, channels) {
  const { data } = picture;
  const across = taps(picture.width, width);
  const down = taps(picture.height, height);
  const length = width * channels;
  const rows = new Float32Array(picture.height * length);
  for (let y = 0; y < picture.height; y++) {
    for (let x = 0; x < width; x++) {
      const { first, weights } = across[x];
      for (let channel = 0; channel < channels; channel++) {
        let sum = 0;
        for (let k = 0, at = (y * picture.width + first) * channels + channel; k < weights.length; k++, at += channels) {
          sum += weights[k] * data[at];
        }
        rows[y * length + x * channels + channel] = sum;
      }
    }
  }
  const result = new Float32Array(height * length);
  for (let y = 0; y < height; y++) {
    const { first, weights } = down[y];
    for (let x = 0; x < length; x++) {
      let sum = 0;
      for (let k = 0; k < weights.length; k++) sum += weights[k] * rows[(first + k) * length + x];
      result[y * length + x] = sum;
    }
  }
  return result;
}

// For each of `to` output samples: the first of `from` input samples that contribute, and the weights.
function taps(from, to) {
  const step = from / to;
  const found = [];
  for (let index = 0; index < to; index++) {
    if (step <= 1) {
      const at = Math.min(Math.max((index + 0.5) * step - 0.5, 0), from - 1);
      const first = Math.min(Math.floor(at), Math.max(from - 2, 0));
      const weight = at - first;
      found.push({ first, weights: from === 1 ? [1] : [1 - weight, weight] });
      continue;
    }
    const start = index * step;
    const end = Math.min(start + step, from);
    const first = Math.floor(start + 1e-9);
    const weights = [];
    for (let k = first; k < end - 1e-9; k++) {
      weights.push((Math.min(k + 1, end) - Math.max(k, start)) / (end - start));
    }
    found.push({ first, weights });
  }
  return found;
}

/** The (2, 3) matrix [a, b, c, d, e, f] of the rotation, scale and shift that map points closest to
 * targets (Umeyama 1991; without reflections, a least-squares fit of complex numbers). */
export function similarity(points, targets) {
  const n = points.length;
  const mean = (list, axis) => list.reduce((sum, point) => sum + point[axis], 0) / n;
  const [px, py, gx, gy] = [mean(points, 0), mean(points, 1), mean(targets, 0), mean(targets, 1)];
  let real = 0, imaginary = 0, spread = 0;
  for (let i = 0; i < n; i++) {
    const [x, y] = [points[i][0] - px, points[i][1] - py];
    const [u, v] = [targets[i][0] - gx, targets[i][1] - gy];
    real += x * u + y * v;
    imaginary += x * v - y * u;
    spread += x * x + y * y;
  }
  const [a, b] = [real / spread, imaginary / spread];
  return [a, -b, gx - a * px + b * py, b, a, gy - b * px - a * py];
}

const LARGEST_OVERSAMPLING = 3;

/** The chip of a face, size x size, black outside the picture; `matrix` maps from picture to chip. */
export function cutChip(picture, matrix, size) {
  const [a, b, c, d, e, f] = matrix;
  const perPixel = 1 / Math.max(Math.sqrt(Math.abs(a * e - b * d)), 1e-9);
  const over = Math.min(Math.max(1, Math.ceil(perPixel - 1e-3)), LARGEST_OVERSAMPLING);
  const side = size * over;
  const inverse = inverted([a * over, b * over, c * over, d * over, e * over, f * over]);
  const corners = [[0, 0], [side, 0], [0, side], [side, side]].map((p) => applied(inverse, p));
  const margin = 2 + 2 * perPixel / over;
  const low = (axis) => Math.floor(Math.min(...corners.map((p) => p[axis])) - margin);
  const high = (axis) => Math.ceil(Math.max(...corners.map((p) => p[axis])) + margin);
  const [x0, y0] = [Math.max(low(0), 0), Math.max(low(1), 0)];
  const [x1, y1] = [Math.min(high(0), picture.width), Math.min(high(1), picture.height)];
  if (x0 >= x1 || y0 >= y1) {
    return { data: new Uint8Array(size * size * 3), width: size, height: size };
  }
  const shrink = Math.min(1, over / perPixel);
  const width = Math.max(1, Math.round((x1 - x0) * shrink));
  const height = Math.max(1, Math.round((y1 - y0) * shrink));
  const region = resized(part(picture, x0, y0, x1, y1), width, height);
  const [sx, sy] = [width / (x1 - x0), height / (y1 - y0)];
  const large = new Uint8Array(side * side * 3);
  for (let y = 0; y < side; y++) {
    for (let x = 0; x < side; x++) {
      const [u, v] = applied(inverse, [x + 0.5, y + 0.5]);
      sample(region, (u - x0) * sx - 0.5, (v - y0) * sy - 0.5, large, (y * side + x) * 3);
    }
  }
  return resized({ data: large, width: side, height: side }, size, size);
}

/** Apply a (2, 3) matrix to a point. */
export function applied([a, b, c, d, e, f], [x, y]) {
  return [a * x + b * y + c, d * x + e * y + f];
}

/** The inverse of a (2, 3) matrix. */
export function inverted([a, b, c, d, e, f]) {
  const scale = 1 / (a * e - b * d);
  const [p, q, r, s] = [e * scale, -b * scale, -d * scale, a * scale];
  return [p, q, -(p * c + q * f), r, s, -(r * c + s * f)];
}

// Bilinear interpolation; pixels outside the picture are black.
function sample({ data, width, height }, x, y, result, to) {
  const [left, top] = [Math.floor(x), Math.floor(y)];
  const [right, below] = [x - left, y - top];
  for (let channel = 0; channel < 3; channel++) {
    let sum = 0;
    for (let j = 0; j < 2; j++) {
      for (let i = 0; i < 2; i++) {
        const [u, v] = [left + i, top + j];
        if (u < 0 || v < 0 || u >= width || v >= height) continue;
        const weight = (i ? right : 1 - right) * (j ? below : 1 - below);
        sum += weight * data[(v * width + u) * 3 + channel];
      }
    }
    result[to + channel] = Math.round(sum);
  }
}
