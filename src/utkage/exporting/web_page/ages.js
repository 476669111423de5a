// Age intervals and P(age >= T) from age distributions, as utkage computes them. `calibration` and
// `wider` are those of contract.json. A distribution has the probability of each whole year; the mass of
// year y is spread evenly over y - 1/2 to y + 1/2.

// Separates tied levels, so that the maps have inverses.
const STEP = 1e-9;

/**
 * The ends of the age interval in years. `face`: { age, distribution, age_low, age_high, flags }, with the
 * interval of a face without flags; some flags make it wider.
 */
export function ageInterval(face, { interval, calibration, wider }) {
  const level = Math.max(...curves(face.flags, wider).map((curve) => interpolated(interval, curve)), interval);
  if (level === interval) return [face.age_low, face.age_high];
  const central = calibration ? interpolated(level, bandCurve(face.age, calibration)) : level;
  const tail = (1 - central) / 2;
  return [quantile(face.distribution, tail), quantile(face.distribution, 1 - tail)];
}

/** P(age >= threshold) of a face, consistent with its interval; `threshold`: years, above 0. */
export function probabilityAtLeast(face, threshold, { calibration, wider }) {
  const below = shareBelow(face.distribution, threshold - 0.5);
  let central = Math.abs(2 * below - 1);
  if (calibration) central = interpolated(central, inverse(bandCurve(face.age, calibration)));
  const nominal = curves(face.flags, wider).map((curve) => interpolated(central, inverse(curve)));
  return (1 - Math.sign(below - 0.5) * Math.min(...nominal, central)) / 2;
}

/** The age below which the distribution has this share, 0..1; never below 0. */
export function quantile(distribution, share) {
  const total = distribution.reduce((sum, mass) => sum + mass, 0);
  let before = 0;
  for (let year = 0; year < distribution.length; year++) {
    const mass = distribution[year];
    if (before + mass >= share * total || year === distribution.length - 1) {
      return Math.max(year - 0.5 + (share * total - before) / Math.max(mass, 1e-12), 0);
    }
    before += mass;
  }
  return 0;
}

function shareBelow(distribution, age) {
  const total = distribution.reduce((sum, mass) => sum + mass, 0);
  const covered = (mass, year) => mass * Math.min(Math.max(age + 0.5 - year, 0), 1);
  return distribution.reduce((sum, mass, year) => sum + covered(mass, year), 0) / total;
}

// Curves are [x, y] of piecewise linear maps from a nominal coverage to the level that achieves it.
const curve = (levels, requested) => [[0, ...levels, 1], [0, ...requested, 1]];
const inverse = ([x, y]) => [y.map((value, index) => value + STEP * index), x];

function bandCurve(age, { levels, bands }) {
  // The first band includes all lower ages.
  const band = bands.findLast(({ first }, index) => index === 0 || age >= first);
  return curve(levels, band.requested);
}

const curves = (flags, { levels, requested }) =>
  flags.filter((flag) => flag in requested).map((flag) => curve(levels, requested[flag]));

function interpolated(value, [x, y]) {
  const index = x.findLastIndex((one) => one <= value);
  if (index < 0) return y[0];
  if (index === x.length - 1) return y[index];
  return y[index] + (y[index + 1] - y[index]) * (value - x[index]) / (x[index + 1] - x[index]);
}
