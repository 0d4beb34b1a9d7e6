// The text of one box, written in the box itself.
import { colorOf, find, update } from "./document.js";
import { percent, element } from "./dom.js";
import { contains, height, width } from "./geometry.js";
import { t } from "./i18n.js";

/** @import { Editor } from "./editor.js" */
/** @import { Pair } from "./types.js" */

export class BoxText {
  /** @param {Editor} editor */
  constructor(editor) {
    this.editor = editor;
    /** @type {string | null}  the region whose text it is */
    this.id = null;
    /** Opened by drawing and nothing typed since: keys that write nothing still act on the box. */
    this.fresh = false;
    const label = t("Describe what belongs in this box");
    const properties = { className: "deig-write", rows: 1, spellcheck: true, placeholder: label, ariaLabel: label };
    this.area = element("textarea", { ...properties, hidden: true });
    this.area.oninput = () => {
      this.fresh = false;
      editor.change(update(editor.doc, this.id, { description: this.area.value }), { quiet: true });
    };
    // Typing is one step for undo, which is added when the text is left.
    this.area.onchange = () => editor.host.addUndoStep();
    // A browser that loses the focus keeps the text open for when it comes back.
    this.area.onblur = () => this.area.ownerDocument.activeElement !== this.area && this.close();
    editor.stage.root.append(this.area);
  }

  /**
   * @param {string} id
   * @param {boolean} [fresh]
   */
  open(id, fresh = false) {
    Object.assign(this, { id, fresh });
    this.draw();
    this.area.focus({ preventScroll: true });
    this.area.select();
  }

  close() {
    this.id = null;
    this.fresh = false;
    this.area.hidden = true;
  }

  /**
   * Whether a press at this point of the stage sets the caret. The text may reach beyond a small box; there the stage
   * stays free, for the next box.
   * @param {Pair} point
   */
  takes(point) {
    const region = this.id !== null && !this.fresh && find(this.editor.doc, this.id);
    return !!region && !!region.box && contains(region.box, point);
  }

  draw() {
    const region = this.id === null ? undefined : find(this.editor.doc, this.id);
    if (!region?.box) return this.id !== null && this.close();
    const { area } = this;
    const [x0, y0, , y1] = region.box;
    area.hidden = false;
    if (area.value !== (region.description ?? "")) area.value = region.description ?? "";
    const { style } = area;
    style.setProperty("--c", colorOf(region));
    style.setProperty("--wide", percent(width(region.box)));
    style.left = `min(${percent(x0)}, 100% - max(${percent(width(region.box))}, min(200px, 100%)))`;
    // It grows away from the nearer edge of the picture.
    const above = y0 + height(region.box) / 2 > 0.6;
    style.top = above ? "auto" : percent(y0);
    style.bottom = above ? percent(1 - y1) : "auto";
  }
}
