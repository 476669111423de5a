// The rows of `utkage predict`, one per face or per picture without one, and their CSV and JSON.

import { probabilityAtLeast } from "./ages.js";

// Other numbers are written with a point in CSV, as Python does.
const WHOLE = new Set(["face", "threshold", "faces", "rotated", "frame"]);

/**
 * The rows of one picture. `contract`: contract.json; `faces`: of Faces.predict, in pixels of the picture,
 * largest first; `reason`: why the picture could not be read, or null.
 */
export function pictureRows(file, faces, contract, reason = null) {
  const empty = Object.fromEntries(Object.keys(contract.columns).map((name) => [name, null]));
  if (!faces.length) {
    const status = reason ? "failed" : "no_face";
    return [{ ...empty, file, status, reason, faces: reason ? null : 0 }];
  }
  return faces.map((found, index) => ({
    ...empty,
    file,
    status: "ok",
    face: index + 1,
    box: found.box.map((value) => rounded(value, 1)),
    score: rounded(found.score, 4),
    age: rounded(found.age, 2),
    age_low: rounded(found.age_low, 2),
    age_high: rounded(found.age_high, 2),
    range: found.range,
    range_probability: rounded(found.range_probability, 4),
    gender: gender(found.p_female, contract.uncertain_below),
    p_female: rounded(found.p_female, 4),
    interval_level: contract.interval,
    flags: found.flags,
    landmarks: found.landmarks.map((point) => point.map((value) => rounded(value, 1))),
    faces: faces.length,
    rotated: 0,
  }));
}

/** Set P(age >= threshold) of the rows of a picture; `threshold`: years, or null for none. */
export function setThreshold(rows, faces, threshold, contract) {
  faces.forEach((face, index) => Object.assign(rows[index], {
    threshold,
    p_at_least: threshold === null ? null : rounded(probabilityAtLeast(face, threshold, contract), 4),
  }));
}

/** "female", "male", or "uncertain" where neither is probable enough. */
export function gender(pFemale, uncertainBelow) {
  if (Math.max(pFemale, 1 - pFemale) < uncertainBelow) return "uncertain";
  return pFemale >= 0.5 ? "female" : "male";
}

/** A probability that is never certain: "97%", "99.7%", "> 99.9%", "< 0.1%". */
export function percent(probability) {
  if (probability >= 0.9995) return "> 99.9%";
  if (probability < 0.0005) return "< 0.1%";
  const text = (100 * probability).toFixed(0);
  return ["0", "100"].includes(text) ? `${(100 * probability).toFixed(1)}%` : `${text}%`;
}

/** The probability of the more probable gender. */
export const surest = (pFemale) => Math.max(pFemale, 1 - pFemale);

/** An age interval in whole years: "21-35". */
export const interval = (row) => `${Math.round(row.age_low)}-${Math.round(row.age_high)}`;

/** "7 faces", "1 picture". */
export const counted = (n, noun) => `${n.toLocaleString("en")} ${noun}${n === 1 ? "" : "s"}`;

/** A face in words, for drawings and screen readers. */
export const label = (row) => `${row.gender} ${Math.round(row.age)} (${interval(row)})`;

/** The CSV of rows. `columns`: the names of the columns of each field, of contract.json. */
export function csvText(rows, columns) {
  const lines = [Object.values(columns).flat(), ...rows.map((row) => cells(row, columns))];
  return lines.map((line) => `${line.map(quoted).join(",")}\n`).join("");
}

/** The JSON of rows. */
export const jsonText = (rows) => `${JSON.stringify(rows, null, 2)}\n`;

function cells(row, columns) {
  return Object.entries(columns).flatMap(([name, own]) => {
    const value = row[name];
    if (value === null) return own.map(() => "");
    if (name === "flags") return [value.join(" ")];
    const values = Array.isArray(value) ? value.flat() : [value];
    return values.map((one) => (typeof one === "number" && !WHOLE.has(name) ? decimal(one) : String(one)));
  });
}

const decimal = (value) => (Number.isInteger(value) ? value.toFixed(1) : String(value));
const quoted = (text) => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
const rounded = (value, digits) => Math.round(value * 10 ** digits) / 10 ** digits;
