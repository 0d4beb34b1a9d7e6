// The list of regions: texts, numbers and switches. Rows are kept and only what differs is written to them, so that
// the caret stays where it is while the document changes around it.
import {
  colorOf, DEFAULTS, estimateTokens, isEnabled, MAX_TOKENS, moveTo, reorder, setBoxes, sizeOf, strengthOf, update,
} from "./document.js";
import { fromPixels, isBox, toPixels } from "./geometry.js";
import { button, element, icon } from "./dom.js";
import { t } from "./i18n.js";

/** @import { Editor } from "./editor.js" */
/** @import { Region, RegionDocument, RegionItem, Selection } from "./types.js" */

export class List {
  /** @param {Editor} editor */
  constructor(editor) {
    this.editor = editor;
    this.rows = new Map();
    this.root = element("ol", { className: "deig-list" });
  }

  /**
   * @param {RegionDocument} doc
   * @param {Selection} selection
   */
  draw(doc, selection) {
    const size = sizeOf(doc).join();
    doc.regions.forEach((region, i) => {
      let row = this.rows.get(region.id);
      if (!row) this.rows.set(region.id, (row = new Row(this.editor, region.id)));
      if (this.root.children[i] !== row.root) this.root.insertBefore(row.root, this.root.children[i] ?? null);
      const chosen = selection.includes(region.id);
      const alone = chosen && selection.length === 1;
      const state = { region, i, chosen, alone, size };
      if (Object.keys(state).some((key) => row[key] !== state[key])) row.draw(region, i, chosen, alone, doc);
      row.size = size;
    });
    while (this.root.children.length > doc.regions.length) this.root.lastChild.remove();
    for (const [id, row] of this.rows) {
      if (!row.root.isConnected && row.root.parentNode !== this.root) this.rows.delete(id);
    }
  }

  /**
   * Put the caret into a region's description.
   * @param {string} id
   */
  focus(id) {
    this.show(id);
    this.rows.get(id)?.text.focus({ preventScroll: true });
  }

  /**
   * scrollIntoView would also push the page around when the editor is partly outside it.
   * @param {string} id
   */
  show(id) {
    const row = this.rows.get(id)?.root;
    if (!row) return;
    const top = row.offsetTop - this.root.offsetTop;
    this.root.scrollTop = Math.min(top, Math.max(this.root.scrollTop, top + row.offsetHeight - this.root.clientHeight));
  }
}

class Row {
  /**
   * @param {Editor} editor
   * @param {string} id
   */
  constructor(editor, id) {
    this.editor = editor;
    this.id = id;
    // As it was drawn last: the region, its index and whether it was in the selection or alone in it.
    /** @type {Region | undefined} */
    this.region = undefined;
    this.i = -1;
    this.chosen = this.alone = false;
    this.badge = element("button", { type: "button", className: "deig-badge" });
    this.badge.onclick = (event) =>
      editor.select(event.shiftKey || event.ctrlKey ? [...editor.selection, id] : [id], true);
    this.badge.onpointerdown = (event) => this.pull(event);
    this.text = this.area("description", t("Describe what belongs in this box"));
    this.warning = element("span", { className: "deig-warning" });
    this.seen = button("seen", t("Use this region (H)"), () => this.set({ enabled: !isEnabled(this.region) }));
    this.lock = button("locked", t("Lock the box (L)"), () => this.set({ locked: !this.region.locked }));
    const switches = element("div", { className: "deig-switches" }, this.seen, this.lock);
    this.root = element("li", { className: "deig-row" }, this.badge, this.text, switches, this.warning);
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
    this.details = element("div", { className: "deig-details" }, this.negative,
      labelled(t("Strength"), this.slider, this.strength),
      element("div", { className: "deig-sides" }, ...this.sides.map((input, i) => labelled("XYWH"[i], input))),
      element("div", { className: "deig-actions" }, this.color,
        act("up", t("Earlier in the list ([)"), (editor) => editor.change(reorder(editor.doc, [this.id], -1))),
        act("down", t("Later in the list (])"), (editor) => editor.change(reorder(editor.doc, [this.id], 1))),
        act("copy", t("Duplicate (Ctrl+D)"), (editor) => editor.duplicate([this.id])),
        act("remove", t("Delete (Del)"), (editor) => editor.removeChosen([this.id]))));
    this.root.append(this.details);
  }

  area(key, label) {
    const area = element("textarea", { rows: 1, spellcheck: true, placeholder: label, ariaLabel: label });
    area.oninput = () => this.set({ [key]: area.value }, true);
    // Typing is one step for undo, which is added when the text is left.
    area.onchange = () => this.editor.host.addUndoStep();
    return area;
  }

  draw(region, i, chosen, alone, doc) {
    if (alone && !this.details) this.makeDetails();
    Object.assign(this, { region, i, chosen, alone });
    const { root, badge } = this;
    const states = { chosen, open: alone, off: !isEnabled(region) };
    root.className = ["deig-row", ...Object.keys(states).filter((state) => states[state])].join(" ");
    root.style.setProperty("--c", colorOf(region));
    badge.textContent = i + 1;
    badge.ariaLabel = t("Region {n}", { n: i + 1 });
    badge.ariaPressed = String(chosen);
    write(this.text, region.description ?? "");
    pressed(this.seen, isEnabled(region), "seen", "unseen");
    pressed(this.lock, !!region.locked, "locked", "unlocked");
    this.count(region.description ?? "", alone);
    if (!alone) return;
    write(this.negative, region.negative ?? "");
    write(this.strength, String(strengthOf(region)));
    write(this.slider, String(strengthOf(region)));
    write(this.color, /^#[0-9a-f]{6}$/i.test(region.color) ? region.color : colorOf({}));
    if (!isBox(region.box)) return;
    const [x0, y0, x1, y1] = toPixels(region.box, sizeOf(doc));
    [x0, y0, x1 - x0, y1 - y0].forEach((value, side) => {
      write(this.sides[side], String(value));
      this.sides[side].disabled = !!region.locked;
    });
  }

  redraw() {
    this.draw(this.region, this.i, this.chosen, this.alone, this.editor.doc);
  }

  count(text, alone) {
    const { words, tokens } = estimateTokens(text);
    const near = tokens > MAX_TOKENS * 0.8;
    this.warning.hidden = !near && !alone;
    this.warning.classList.toggle("near", near);
    const counted = t("{words} words, about {tokens} of {limit} tokens", { words, tokens, limit: MAX_TOKENS });
    this.warning.textContent = tokens > MAX_TOKENS ? `${counted}. ${t("The end may be cut off.")}` : counted;
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

  /** i: 0 to 3 for left, top, width and height, in pixels. */
  setSide(i, value) {
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

function write(input, value) {
  if (input.value !== value) input.value = value;
}

function pressed(node, on, yes, no) {
  if (node.ariaPressed === String(on)) return;
  node.ariaPressed = String(on);
  node.replaceChildren(icon(on ? yes : no));
}
