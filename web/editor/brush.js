// The brush that paints a region's shape: its size, and whether it is at hand.
import { sizeOf } from "./document.js";
import { element } from "./dom.js";
import { clamp } from "./geometry.js";
import { t } from "./i18n.js";

/** @import { Editor } from "./editor.js" */

const [LEAST, MOST] = [0.01, 1]; // of the picture's shorter side, so that it is as large on the screen in every picture
const STEP = 1.25;

export class Brush {
  /** @param {Editor} editor */
  constructor(editor) {
    this.editor = editor;
    const label = t("Size of the brush ([ and ])");
    const range = { type: "range", min: LEAST, max: MOST, step: 0.005, title: label, ariaLabel: label };
    this.slider = element("input", range);
    this.slider.oninput = () => editor.setPreference("brushShare", this.slider.valueAsNumber);
    this.size = element("output");
    this.root = element("div", { className: "deig-brushsize", hidden: true }, this.slider, this.size);
  }

  get isOn() {
    return ["paint", "erase"].includes(this.editor.preferences.tool);
  }

  /** In pixels of the picture. */
  get diameter() {
    const { doc, preferences } = this.editor;
    return Math.max(1, Math.round(preferences.brushShare * Math.min(...sizeOf(doc))));
  }

  /** @param {1 | -1} by */
  grow(by) {
    const { brushShare } = this.editor.preferences;
    this.editor.setPreference("brushShare", clamp(brushShare * STEP ** by, LEAST, MOST));
  }

  draw() {
    const { diameter, editor } = this;
    this.root.hidden = !this.isOn;
    this.slider.value = String(editor.preferences.brushShare);
    this.size.textContent = `${diameter} px`;
    editor.stage.setBrush(this.isOn ? diameter : 0);
  }
}
