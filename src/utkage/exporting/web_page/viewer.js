// Shows one picture of the results with its faces; the arrows go through them.

import { counted, label } from "./rows.js";
import { decoded, paint } from "./pictures.js";

export class Viewer {
  #pictures = [];
  #shown = -1;
  #chosen = null;
  #decoded = null;

  /** `parts`: elements of the page { canvas, name, previous, next }. */
  constructor(parts) {
    this.parts = parts;
    parts.previous.addEventListener("click", () => this.show(this.#shown - 1));
    parts.next.addEventListener("click", () => this.show(this.#shown + 1));
    // Labels keep their size on the screen when the window changes its own.
    new ResizeObserver(() => this.#paint()).observe(parts.canvas.parentElement);
  }

  /** Add a picture { file, rows }, and show it if it is the first one with a face. */
  add(picture) {
    this.#pictures.push(picture);
    const current = this.#pictures[this.#shown];
    if (!current || (current.rows[0].status !== "ok" && picture.rows[0].status === "ok")) {
      this.show(this.#pictures.length - 1);
    } else {
      this.#enable();
    }
  }

  clear() {
    [this.#pictures, this.#shown, this.#decoded] = [[], -1, null];
  }

  /** Show the picture with this index; `face`: the number of the face to point out, or null. */
  async show(index, face = null) {
    const picture = this.#pictures[index];
    if (!picture) return;
    const isAnother = index !== this.#shown;
    [this.#shown, this.#chosen] = [index, face];
    this.#enable();
    const { rows } = picture;
    const found = rows.filter((row) => row.status === "ok");
    this.parts.name.textContent = `${rows[0].file} (${rows[0].reason ?? counted(found.length, "face")})`;
    const words = found.map(label).join("; ") || rows[0].reason || "no face found";
    this.parts.canvas.setAttribute("aria-label", `${rows[0].file}: ${words}`);
    if (isAnother || !this.#decoded) {
      const result = await decoded(picture.file).catch(() => null);
      if (this.#shown !== index) return;
      this.#decoded = result;
    }
    this.#paint();
  }

  #enable() {
    for (const arrow of [this.parts.previous, this.parts.next]) arrow.hidden = this.#pictures.length < 2;
    // Not `disabled`, which would lose the keyboard's place.
    this.parts.previous.setAttribute("aria-disabled", String(this.#shown <= 0));
    this.parts.next.setAttribute("aria-disabled", String(this.#shown >= this.#pictures.length - 1));
  }

  #paint() {
    const { canvas } = this.parts;
    const rows = this.#pictures[this.#shown]?.rows ?? [];
    if (this.#decoded) {
      const { canvas: picture, scale } = this.#decoded;
      // The size on the screen is known only after the canvas has its shape.
      [canvas.width, canvas.height] = [picture.width, picture.height];
      paint(canvas, picture, rows, { scale, chosen: this.#chosen });
    } else {
      [canvas.width, canvas.height] = [4, 3];
    }
  }
}
