// How foreign boxes were read, and what reads them once more: order, units and the size of their picture.
import { MAX_SIDE } from "./document.js";
import { element, write } from "./dom.js";
import { t } from "./i18n.js";

/** @import { Reading, ReadingOptions, Sentence } from "./types.js" */

export const LAYOUTS = ["auto", "xyxy", "xywh", "yxyx", "cxcywh"];
export const UNITS = ["auto", "pixels", "fractions", "0..1000", "percent"];
export const MAX_SOURCE_SIDE = 4 * MAX_SIDE; // of the picture that boxes were made on

export class ReadingBar {
  constructor() {
    this.text = element("span", { role: "status" });
    this.layout = this.choice(t("Order of four numbers"), LAYOUTS);
    this.units = this.choice(t("Unit"), UNITS);
    this.sides = [t("Width of the boxes' picture"), t("Height of the boxes' picture")].map((label) => {
      const input = element("input",
        { type: "number", min: 1, max: MAX_SOURCE_SIDE, title: label, ariaLabel: label });
      input.onchange = () => this.readAgain();
      return input;
    });
    // The × between the two shows that they are a size: no label takes room.
    this.size = element("span", { className: "deig-source" }, this.sides[0], "×", this.sides[1]);
    const close = element("button", { type: "button", className: "deig-wide", textContent: t("Close") });
    close.onclick = () => this.hide();
    this.root = element("div", { className: "deig-reading", hidden: true },
      this.text, this.layout, this.units, this.size, close);
    /** @type {((options: ReadingOptions) => void) | undefined} */
    this.again = undefined;
    /** @type {Reading | undefined} */
    this.shown = undefined;
  }

  choice(label, names) {
    const options = names.map((value) => element("option", { value, textContent: t(value) }));
    const select = element("select", { title: label, ariaLabel: label }, ...options);
    select.onchange = () => this.readAgain();
    return select;
  }

  /**
   * @param {Reading | undefined} reading
   * @param {(options: ReadingOptions) => void} again
   */
  show(reading, again) {
    if (reading === this.shown) return;
    this.shown = reading;
    this.again = again;
    this.root.hidden = !reading?.summary && !reading?.notes.length;
    if (this.root.hidden) return;
    this.text.textContent = reading.said.map(tell).join(" ");
    this.root.classList.toggle("warns", reading.notes.length > 0);
    const fixed = reading.layout === "auto";
    [this.layout.value, this.units.value] = [reading.layout, reading.units];
    this.sides.forEach((input, axis) => write(input, reading.size[axis] || ""));
    for (const field of [this.layout, this.units, this.size]) field.hidden = fixed;
  }

  hide() {
    this.root.hidden = true;
  }

  readAgain() {
    const size = this.sides.map((input) => Math.round(input.valueAsNumber));
    const known = size.every((side) => side > 0);
    this.again?.({ layout: this.layout.value, units: this.units.value, ...(known && { size }) });
  }
}

/**
 * A sentence of the reader in the user's language; what fills it may be sentences too.
 * @param {Sentence} sentence
 * @returns {string}
 */
export function tell([text, values]) {
  const filled = Object.entries(values).map(([name, value]) => [name, Array.isArray(value) ? tell(value) : value]);
  return t(text, Object.fromEntries(filled));
}
