// The row of one region: its text, numbers and switches, and what is to be said of it.
import { moveTo, reorder } from "./arrange.js";
import { estimateTokens } from "./counts.js";
import { colorOf, DEFAULTS, isEnabled, MAX_TOKENS, setBoxes, sizeOf, strengthOf, update } from "./document.js";
import { fromPixels, isBox, toPixels } from "./geometry.js";
import { button, element, icon, write } from "./dom.js";
import { t } from "./i18n.js";
import { Schedule } from "./schedule.js";
import { OUTSIDE } from "./timeline.js";

/** @import { Editor } from "./editor.js" */
/** @import { Note, Region, RegionDocument, RegionItem, TokenCount } from "./types.js" */

const SHOWN = 50; // letters of a kept text

export class Row {
  /**
   * @param {Editor} editor
   * @param {string} id
   */
  constructor(editor, id) {
    this.editor = editor;
    this.id = id;
    // As it was drawn last: the region, its index, whether it was in the selection or alone in it, ...
    /** @type {Region | undefined} */
    this.region = undefined;
    this.i = -1;
    this.chosen = this.alone = false;
    /** @type {TokenCount | undefined} */
    this.counted = undefined;
    this.badge = element("button", { type: "button", className: "deig-badge" });
    this.badge.onclick = (event) =>
      editor.select(event.shiftKey || event.ctrlKey ? [...editor.selection, id] : [id], true);
    this.badge.onpointerdown = (event) => this.pull(event);
    this.text = this.area("description", t("Describe what belongs in this box"));
    this.notes = element("div", { className: "deig-notes" });
    this.count = element("span", { className: "deig-count" });
    this.seen = button("seen", t("Use this region (H)"), () => this.set({ enabled: !isEnabled(this.region) }));
    this.lock = button("locked", t("Lock the box (L)"), () => this.set({ locked: !this.region.locked }));
    const switches = element("div", { className: "deig-switches" }, this.seen, this.lock);
    this.root = element("li", { className: "deig-row" }, this.badge, this.text, switches, this.notes);
  }

  /** What only the chosen row needs is made when it is chosen first. */
  makeDetails() {
    const number = (label, options, take) => {
      const input = element("input", { type: "number", ariaLabel: label, title: label, ...options });
      input.onchange = () => {
        if (Number.isFinite(input.valueAsNumber)) take(input.valueAsNumber);
        else this.redraw();
      };
      return input;
    };
    const labelled = (label, ...nodes) => element("label", {}, element("span", { textContent: label }), ...nodes);
    this.negative = this.area("negative", t("Not in this box (optional)"));
    this.strength = number(t("Strength"), { min: 0, max: 10, step: 0.05 }, (value) => this.setStrength(value));
    const range = { type: "range", min: 0, max: 2, step: 0.05, tabIndex: -1 };
    this.slider = element("input", { ...range, ariaLabel: t("Strength") });
    this.slider.oninput = () => this.setStrength(this.slider.valueAsNumber, true);
    this.slider.onchange = () => this.editor.host.addUndoStep();
    this.slider.ondblclick = () => this.setStrength(DEFAULTS.strength);
    const side = (name, i) => number(name, { step: 1, min: 0 }, (value) => this.setSide(i, value));
    this.sides = ["X", "Y", "W", "H"].map(side);
    this.color = element("input", { type: "color", title: t("Colour"), ariaLabel: t("Colour") });
    this.color.oninput = () => this.set({ color: this.color.value }, true);
    this.color.onchange = () => this.editor.host.addUndoStep();
    const act = (name, label, action) => button(name, label, () => action(this.editor));
    const [back, front] = [t("Further back, earlier in the list ([)"), t("Further front, later in the list (])")];
    this.behind = button("behind", t("Behind all others: it gives way to them"), () => this.setBehind());
    this.whole = button("draw", t("The whole box again"), () => this.set({ mask: undefined }));
    this.schedule = new Schedule(this, number);
    this.constant = labelled(t("Strength"), this.slider, this.strength);
    this.details = element("div", { className: "deig-details" }, this.negative, this.constant, this.schedule.root,
      element("div", { className: "deig-sides" }, ...this.sides.map((input, i) => labelled("XYWH"[i], input))),
      element("div", { className: "deig-actions" }, this.color, this.makeKept(),
        act("up", back, (editor) => editor.change(reorder(editor.doc, [this.id], -1))),
        act("down", front, (editor) => editor.change(reorder(editor.doc, [this.id], 1))),
        this.behind,
        act("copy", t("Duplicate (Ctrl+D)"), (editor) => editor.duplicate([this.id])),
        this.whole,
        act("remove", t("Delete (Del)"), (editor) => editor.removeChosen([this.id]))));
    this.root.append(this.details);
  }

  /** Texts that were kept to be used again, in any workflow. */
  makeKept() {
    const { editor } = this;
    const label = t("Kept texts");
    const select = element("select", { className: "deig-kept", ariaLabel: label, title: label });
    const option = (textContent, value) => element("option", { textContent, value });
    const fill = () => {
      const { texts } = editor.preferences;
      const kept = texts.includes(this.region.description);
      const own = kept ? option(t("Forget this text"), "forget") : option(t("Keep this text"), "keep");
      own.disabled = !this.region.description?.trim();
      const short = (text) => (text.length > SHOWN ? `${text.slice(0, SHOWN)}…` : text);
      select.replaceChildren(option(label, ""), own, ...texts.map((text, i) => option(short(text), String(i))));
    };
    select.onpointerdown = select.onfocus = fill;
    select.onchange = () => {
      const { texts } = editor.preferences;
      const { description } = this.region;
      if (select.value === "keep") editor.setPreference("texts", [description, ...texts]);
      else if (select.value === "forget") editor.setPreference("texts", texts.filter((text) => text !== description));
      else this.set({ description: texts[Number(select.value)] });
      fill();
    };
    fill();
    return select;
  }

  area(key, label) {
    const area = element("textarea", { rows: 1, spellcheck: true, placeholder: label, ariaLabel: label });
    area.oninput = () => this.set({ [key]: area.value }, true);
    // Typing is one step for undo, which is added when the text is left.
    area.onchange = () => this.editor.host.addUndoStep();
    return area;
  }

  /** @param {RegionDocument} doc */
  draw(doc) {
    const { region, i, chosen, alone } = this;
    if (alone && !this.details) this.makeDetails();
    const { root, badge } = this;
    const states = { chosen, open: alone, off: !isEnabled(region) };
    root.className = ["deig-row", ...Object.keys(states).filter((state) => states[state])].join(" ");
    root.style.setProperty("--c", colorOf(region));
    badge.textContent = String(i + 1);
    badge.ariaLabel = t("Region {n}", { n: i + 1 });
    badge.ariaPressed = String(chosen);
    write(this.text, region.description ?? "");
    pressed(this.seen, isEnabled(region), "seen", "unseen");
    pressed(this.lock, !!region.locked, "locked", "unlocked");
    if (!alone) return;
    this.whole.hidden = !region.mask;
    this.behind.ariaPressed = String(!!region.behind);
    write(this.negative, region.negative ?? "");
    write(this.strength, strengthOf(region));
    write(this.slider, strengthOf(region));
    this.constant.hidden = !!region.strengths;
    this.schedule.draw();
    write(this.color, /^#[0-9a-f]{6}$/i.test(region.color) ? region.color : colorOf({}));
    const [x0, y0, x1, y1] = isBox(region.box) ? toPixels(region.box, sizeOf(doc)) : [];
    const sides = isBox(region.box) ? [x0, y0, x1 - x0, y1 - y0] : ["", "", "", ""];
    this.sides.forEach((input, i) => {
      write(input, sides[i]);
      input.disabled = !!region.locked;
    });
  }

  redraw() {
    this.draw(this.editor.doc);
  }

  /** @param {Note[]} notes */
  drawNotes(notes) {
    const marks = notes.map(({ short, long, warns }) => {
      const className = warns ? "deig-note warns" : "deig-note";
      return element("span", { className, textContent: t(...short), title: t(...long) });
    });
    if (this.alone) marks.push(this.countTokens());
    this.notes.replaceChildren(...marks);
    this.notes.hidden = !marks.length;
  }

  countTokens() {
    const { words, tokens } = estimateTokens(this.region.description ?? "");
    const values = { words, tokens: this.counted?.tokens ?? tokens, limit: MAX_TOKENS };
    this.count.textContent = this.counted
      ? t("{words} words, {tokens} of {limit} tokens", values)
      : t("{words} words, about {tokens} of {limit} tokens", values);
    this.count.classList.toggle("near", values.tokens > 0.8 * MAX_TOKENS);
    return this.count;
  }

  /**
   * @param {RegionItem} patch
   * @param {boolean} [quiet]
   */
  set(patch, quiet = false) {
    this.editor.change(update(this.editor.doc, this.id, patch), { quiet });
  }

  setStrength(value, quiet = false) {
    this.set({ strength: Math.max(0, value) }, quiet);
  }

  /** A region that is not behind does not say so, as in documents of before. */
  setBehind() {
    this.set({ behind: this.region.behind ? undefined : true });
  }

  /** i: 0 to 3 for left, top, width and height, in pixels. */
  setSide(i, value) {
    if (!this.region.box) {
      this.redraw();
      return this.editor.say(OUTSIDE, { n: this.i + 1 });
    }
    const size = sizeOf(this.editor.doc);
    const [x0, y0, x1, y1] = toPixels(this.region.box, size);
    const sides = [x0, y0, x1 - x0, y1 - y0];
    const [least, other] = i < 2 ? [0, i + 2] : [1, i - 2];
    sides[i] = Math.round(Math.min(Math.max(value, least), size[i % 2] - sides[other]));
    const box = fromPixels([sides[0], sides[1], sides[0] + sides[2], sides[1] + sides[3]], size);
    this.editor.change(setBoxes(this.editor.doc, new Map([[this.id, box]])));
    // What was typed may have been out of range.
    this.redraw();
  }

  /**
   * Rows are reordered by pulling their number up or down. The list listens: a row that moves in it loses the pointer.
   * @param {PointerEvent} event
   */
  pull(event) {
    const { root, editor } = this;
    const list = root.parentElement;
    const from = event.clientY;
    const end = () => {
      list.onpointermove = list.onpointerup = list.onpointercancel = null;
      root.classList.remove("pulled");
      const index = [...list.children].indexOf(root);
      if (index !== this.i) editor.change(moveTo(editor.doc, this.id, index));
    };
    list.onpointermove = (move) => {
      if (!move.buttons) return end();
      if (!root.classList.contains("pulled")) {
        if (Math.abs(move.clientY - from) < 6) return;
        // Not before, or the number would not get its click.
        list.setPointerCapture(move.pointerId);
        root.classList.add("pulled");
      }
      const next = [...list.children].find((row) => row !== root && move.clientY < middle(row));
      if (next !== root.nextSibling) list.insertBefore(root, next ?? null);
    };
    list.onpointerup = list.onpointercancel = end;
  }
}

function middle(row) {
  const { top, height } = row.getBoundingClientRect();
  return top + height / 2;
}

function pressed(node, on, yes, no) {
  if (node.ariaPressed === String(on)) return;
  node.ariaPressed = String(on);
  node.replaceChildren(icon(on ? yes : no));
}
