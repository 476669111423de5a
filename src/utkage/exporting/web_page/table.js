// The table of results: a row per face, or per picture without one.

import { interval, percent, surest } from "./rows.js";

// A browser is slow with tables of many thousands of rows.
const PAGE = 200;

export class Table {
  #entries = [];
  #shown = 0;
  #limit = PAGE;
  #addresses = [];

  /** `body`: the tbody; `more`: what holds the button for more rows; `onChoose(picture, face)`. */
  constructor(body, more, onChoose) {
    Object.assign(this, { body, more, onChoose });
    more.querySelector("button").addEventListener("click", () => {
      this.#limit += PAGE;
      const first = this.#shown;
      this.#fill();
      // The button may be gone; the keyboard goes on at the first new row.
      this.body.rows[first]?.querySelector("button")?.focus();
    });
  }

  /** Add the rows of the picture with this index, with the thumbnails of its faces. */
  add(rows, thumbnails, picture) {
    rows.forEach((row, index) => this.#entries.push({ row, thumbnail: thumbnails[index], picture }));
    this.#fill();
  }

  /** Show the column of P(age >= threshold), after it was set in the rows; null hides it. */
  showThreshold(threshold) {
    const table = this.body.closest("table");
    table.classList.toggle("with-threshold", threshold !== null);
    const heading = table.querySelector("th.at-least abbr");
    [heading.textContent, heading.title] = [`\u2265 ${threshold}`, `Probability of an age of at least ${threshold}`];
    [...this.body.rows].forEach((line, index) => {
      line.querySelector(".at-least").replaceWith(atLeast(this.#entries[index].row));
    });
  }

  clear() {
    this.#addresses.forEach((address) => URL.revokeObjectURL(address));
    this.body.replaceChildren();
    [this.#entries, this.#addresses, this.#shown, this.#limit] = [[], [], 0, PAGE];
    this.more.hidden = true;
  }

  /** Mark the row of the face that is shown. */
  choose(line) {
    this.body.querySelector(".chosen")?.classList.remove("chosen");
    line.classList.add("chosen");
  }

  #fill() {
    for (; this.#shown < Math.min(this.#entries.length, this.#limit); this.#shown++) {
      this.body.append(this.#line(this.#entries[this.#shown]));
    }
    const hidden = this.#entries.length - this.#shown;
    this.more.hidden = !hidden;
    this.more.querySelector("button").textContent = `Show ${Math.min(PAGE, hidden)} more of ${hidden}`;
  }

  #line({ row, thumbnail, picture }) {
    const line = element("tr", "", "row");
    const button = element("button", "face");
    button.type = "button";
    const what = row.face ? `face ${row.face} of ${row.file}` : row.file;
    button.setAttribute("aria-label", `Show ${what}`);
    if (thumbnail) {
      const image = new Image(48, 48);
      image.src = URL.createObjectURL(thumbnail);
      this.#addresses.push(image.src);
      image.alt = "";
      button.append(image);
    }
    const choose = () => {
      this.choose(line);
      this.onChoose(picture, row.face);
    };
    button.addEventListener("click", choose);
    line.append(cell("thumb", button), cell("file", named(row)));
    if (row.status === "ok") {
      line.append(
        cell("number place", row.face),
        cell("number age", Math.round(row.age)),
        cell("number interval", interval(row)),
        cell("gender", chip(row.gender)),
        cell("number p", percent(surest(row.p_female))),
      );
    } else {
      const reason = cell("reason", row.reason ?? "no face found");
      reason.colSpan = 5;
      line.append(reason);
    }
    line.append(atLeast(row));
    return line;
  }
}

/** The name of the picture, above the reasons why the prediction is weak. */
function named(row) {
  const parts = document.createDocumentFragment();
  parts.append(fileName(row.file));
  if (row.flags?.length) {
    const flags = element("span", "flags");
    flags.textContent = row.flags.join(", ").replaceAll("_", " ");
    flags.title = "Reasons why the prediction is weak";
    parts.append(flags);
  }
  return parts;
}

function atLeast(row) {
  const made = cell("number at-least", row.p_at_least === null ? "" : percent(row.p_at_least));
  if (row.p_at_least !== null) made.dataset.age = row.threshold;
  return made;
}

/** The end of a long path tells more than its start, so only the start is cut off. */
function fileName(path) {
  const span = element("span", "path");
  span.title = path;
  const name = element("bdi", "");
  name.textContent = path;
  span.append(name);
  return span;
}

function chip(gender) {
  const span = element("span", `chip ${gender}`);
  span.textContent = gender;
  return span;
}

function cell(kind, content) {
  const made = element("td", kind, "cell");
  made.append(content instanceof Node ? content : String(content));
  return made;
}

function element(tag, kind, role = null) {
  const made = document.createElement(tag);
  if (kind) made.className = kind;
  // Styles for telephones would remove the roles of tables in some browsers.
  if (role) made.setAttribute("role", role);
  return made;
}
