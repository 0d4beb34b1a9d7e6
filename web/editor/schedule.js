// When a region is there over the noise schedule, and how strong it is then.
import { strengthOf } from "./document.js";
import { button, element, write } from "./dom.js";
import { clamp } from "./geometry.js";
import { t } from "./i18n.js";
import { ofSchedule, STRONGEST, withNextStrength, withoutStrength } from "./keyframes.js";
import { NEVER_THERE } from "./parse.js";

/** @import { Row } from "./row.js" */
/** @import { Region, StrengthKey } from "./types.js" */

/** @typedef {(label: string, options: object, take: (value: number) => void) => HTMLInputElement} MakeNumber */

const TWICE = "There is a key at {at} already.";
const WHOLE = { start: 0, end: 1 };
const SHARE = { min: 0, max: 1, step: 0.05 };

export class Schedule {
  /**
   * @param {Row} row
   * @param {MakeNumber} number
   */
  constructor(row, number) {
    this.row = row;
    this.number = number;
    const side = (key, label) => number(label, SHARE, (value) => this.setSide(key, value));
    this.start = side("start", t("It is there from this share of the noise schedule on"));
    this.end = side("end", t("It is there until this share of the noise schedule"));
    const add = t("Add a key: the strength changes over the noise schedule");
    this.add = button("add", add, () => this.setKeys(withNextStrength(this.keys(), strengthOf(this.region))));
    this.rows = [];
    this.list = element("div", { className: "deig-strengths" });
    const label = element("label", {}, element("span", { textContent: t("Schedule") }), this.start, "–", this.end);
    this.root = element("div", { className: "deig-schedule" }, label, this.add, this.list);
  }

  /** @returns {Region} */
  get region() {
    return this.row.region;
  }

  keys() {
    return ofSchedule(this.region.strengths ?? []);
  }

  draw() {
    for (const side of ["start", "end"]) write(this[side], this.region[side] ?? WHOLE[side]);
    const keys = this.keys();
    if (this.rows.length !== keys.length) {
      this.rows = keys.map((_, i) => this.makeKey(i));
      this.list.replaceChildren(...this.rows.map(({ root }) => root));
    }
    this.rows.forEach(({ at, strength }, i) => {
      write(at, keys[i].at);
      write(strength, keys[i].strength);
    });
  }

  /** @param {number} i  of the keys in their order */
  makeKey(i) {
    const at = this.number(t("At this share of the noise schedule"), SHARE, (value) => this.setAt(i, value));
    const range = { min: 0, max: STRONGEST, step: 0.05 };
    const strength = this.number(t("Strength"), range, (value) => this.setKey(i, { strength: value }));
    const drop = button("remove", t("Remove this key"), () => this.set(withoutStrength(this.keys(), i)));
    return { at, strength, root: element("div", {}, at, "→", strength, drop) };
  }

  /** A region that is always there does not say so, as in documents of before. */
  setSide(key, value) {
    const share = clamp(value);
    const { start, end } = { ...WHOLE, ...this.region, [key]: share };
    if (start < end) this.set({ [key]: share === WHOLE[key] ? undefined : share });
    else this.refuse(NEVER_THERE, { n: this.row.i + 1 });
  }

  setAt(i, value) {
    const at = clamp(value);
    if (this.keys().some((key, k) => k !== i && key.at === at)) this.refuse(TWICE, { at });
    else this.setKey(i, { at });
  }

  setKey(i, patch) {
    const strength = Math.min(Math.max(patch.strength ?? this.keys()[i].strength, 0), STRONGEST);
    this.setKeys(this.keys().with(i, { ...this.keys()[i], ...patch, strength }));
  }

  /** @param {StrengthKey[]} keys */
  setKeys(keys) {
    this.set({ strengths: ofSchedule(keys) });
  }

  set(patch) {
    this.row.set(patch);
    // What was typed may have been out of range.
    this.row.redraw();
  }

  refuse(text, values) {
    this.row.redraw();
    this.row.editor.say(text, values);
  }
}
