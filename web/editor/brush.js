// The brush that paints a region's shape: its size, and whether it is at hand.
import { clamp } from "./geometry.js";
import { element } from "./dom.js";
import { t } from "./i18n.js";

/** @import { Editor } from "./editor.js" */

const [LEAST, MOST] = [4, 512]; // pixels of the picture
const STEP = 1.25;

export class Brush {
  /** @param {Editor} editor */
  constructor(editor) {
    this.editor = editor;
    const label = t("Size of the brush ([ and ])");
    this.slider = element("input", { type: "range", min: LEAST, max: MOST, title: label, ariaLabel: label });
    this.slider.oninput = () => editor.setPreference("brush", this.slider.valueAsNumber);
    this.size = element("output");
    this.root = element("div", { className: "deig-brushsize", hidden: true }, this.slider, this.size);
  }

  get isOn() {
    return ["paint", "erase"].includes(this.editor.preferences.tool);
  }

  /** @param {1 | -1} by */
  grow(by) {
    const { brush } = this.editor.preferences;
    this.editor.setPreference("brush", Math.round(clamp(brush * STEP ** by, LEAST, MOST)));
  }

  draw() {
    const { brush } = this.editor.preferences;
    this.root.hidden = !this.isOn;
    this.slider.value = String(brush);
    this.size.textContent = `${brush} px`;
    this.editor.stage.setBrush(this.isOn ? brush : 0);
  }
}
