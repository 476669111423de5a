// Steady predictions for the camera: faces are followed from frame to frame, and each one shows the
// mean of its predictions.

const SMALLEST_OVERLAP = 0.3;
const SECONDS_OUT_OF_SIGHT = 1;
// A later frame counts at least this much, so that the mean follows when another person sits down.
const SMALLEST_SHARE = 0.05;
// Years that the mean must move away from the shown age before another age is shown.
const HOLD = 1;
const MEANS = ["age", "age_low", "age_high", "p_female"];

export class Smoothing {
  /** Followed faces: { box, seen, count, shown, means }. */
  #faces = [];

  /**
   * The faces of the next frame with mean predictions, in their order. `faces`: of Faces.predict;
   * `seconds`: when the frame was taken.
   */
  update(faces, seconds) {
    const free = this.#faces.filter((known) => seconds - known.seen <= SECONDS_OUT_OF_SIGHT);
    this.#faces = [...free];
    return faces.map((face) => {
      const known = this.#take(free, face) ?? this.#begin(face);
      known.count += 1;
      const share = Math.max(1 / known.count, SMALLEST_SHARE);
      for (const name of MEANS) known.means[name] += share * (face[name] - known.means[name]);
      if (Math.abs(known.means.age - known.shown) > HOLD) known.shown = Math.round(known.means.age);
      Object.assign(known, { box: face.box, seen: seconds });
      return { ...face, ...known.means, age: known.shown };
    });
  }

  /** The followed face that overlaps most with this one, removed from `free`; undefined without any. */
  #take(free, face) {
    const overlaps = free.map((known) => overlap(known.box, face.box));
    const best = overlaps.indexOf(Math.max(...overlaps, SMALLEST_OVERLAP));
    return best < 0 ? undefined : free.splice(best, 1)[0];
  }

  #begin(face) {
    const means = Object.fromEntries(MEANS.map((name) => [name, face[name]]));
    const known = { box: face.box, seen: 0, count: 0, shown: Math.round(face.age), means };
    this.#faces.push(known);
    return known;
  }
}

/** Intersection over union of two boxes. */
function overlap(one, other) {
  const [w, h] = [0, 1].map((k) => Math.min(one[k + 2], other[k + 2]) - Math.max(one[k], other[k]));
  const common = Math.max(w, 0) * Math.max(h, 0);
  const area = (box) => (box[2] - box[0]) * (box[3] - box[1]);
  return common / (area(one) + area(other) - common);
}
