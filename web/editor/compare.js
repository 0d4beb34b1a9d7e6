// The newest picture beside the same without the regions: a line that is pulled over the picture.
import { element, percent } from "./dom.js";
import { t } from "./i18n.js";

/** @import { Editor } from "./editor.js" */

export class Compare {
  /** @param {Editor} editor */
  constructor(editor) {
    this.editor = editor;
    this.image = element("img", { className: "deig-picture", alt: "", draggable: false, hidden: true });
    const label = t("With the regions on the left, without them on the right");
    const range = { type: "range", min: 0, max: 1, step: 0.005, value: 0.5, title: label, ariaLabel: label };
    this.slider = element("input", range);
    this.slider.oninput = () => this.split();
    this.root = element("div", { className: "deig-compare", hidden: true }, this.slider);
    editor.stage.picture.after(this.image);
  }

  /** @param {string | undefined} url  of the picture without the regions */
  draw(url) {
    this.image.hidden = this.root.hidden = !url;
    if (!url || this.image.getAttribute("src") === url) return;
    this.image.setAttribute("src", url);
    this.split();
  }

  split() {
    this.image.style.clipPath = `inset(0 0 0 ${percent(this.slider.valueAsNumber)})`;
  }

  start() {
    const { editor } = this;
    if (editor.host.compare()) editor.say("The same seed runs once more, without the regions.");
    else editor.say("There is no picture of these regions yet: run the workflow first.");
  }
}
