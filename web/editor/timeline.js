// The frames of regions that move: which one the stage shows, and keys that are set at it.
import { element, button, write } from "./dom.js";
import { isBox } from "./geometry.js";
import { t } from "./i18n.js";
import { framesOf, LAST_FRAME, wholeBoxAt, withKey, withoutKey } from "./keyframes.js";

/** @import { Editor } from "./editor.js" */

const SHORTEST = 15; // the last frame that the slider has at least
export const OUTSIDE = "Region {n} is outside the picture at this frame.";

export class Timeline {
  /** @param {Editor} editor */
  constructor(editor) {
    this.editor = editor;
    const label = t("Frame");
    this.slider = element("input", { type: "range", min: 0, step: 1, ariaLabel: label });
    this.slider.oninput = () => this.show(this.slider.valueAsNumber);
    this.marks = element("datalist", { id: `${editor.stage.root.id}-frames` });
    this.slider.setAttribute("list", this.marks.id);
    this.number = element("input",
      { type: "number", min: 0, max: LAST_FRAME, step: 1, title: label, ariaLabel: label });
    this.number.onchange = () => this.show(Math.round(this.number.valueAsNumber) || 0);
    this.key = button("add", t("Set a key at this frame (K)"), () => this.setKey());
    this.drop = button("remove", t("Remove the key at this frame"), () => this.dropKey());
    this.root = element("div", { className: "deig-timeline", hidden: true, role: "group", ariaLabel: t("Frames") },
      button("left", t("Previous key"), () => this.step(-1)), this.slider,
      button("right", t("Next key"), () => this.step(1)), this.number, this.key, this.drop, this.marks);
  }

  /** null: the stage shows the boxes that stand for all keyframes, and moves those together. Outlives undo. */
  get frame() {
    return this.editor.host.memory.frame ?? null;
  }

  toggle() {
    this.show(this.frame === null ? 0 : null);
  }

  /** @param {number | null} frame */
  show(frame) {
    this.editor.host.memory.frame = frame === null ? null : Math.max(0, frame);
    this.editor.draw();
  }

  /** @param {1 | -1} by  to the next key of the chosen regions, or of all, in that direction */
  step(by) {
    const frames = this.frames();
    const next = by > 0 ? frames.find((frame) => frame > this.frame) : frames.findLast((frame) => frame < this.frame);
    if (next !== undefined) this.show(next);
  }

  frames() {
    const chosen = this.editor.chosen();
    return framesOf(chosen.some(({ keyframes }) => keyframes) ? chosen : this.editor.doc.regions);
  }

  /** A key where the chosen regions are now, beyond the picture too; the first one makes a region move. */
  setKey() {
    const { editor, frame } = this;
    if (frame === null) return;
    const able = editor.chosen().filter(({ box, keyframes, mask, locked }) =>
      (keyframes || isBox(box)) && !mask && !locked);
    if (!able.length) return editor.say("Choose a region that is not locked and has no painted shape.");
    this.edit(able, (region) => {
      const { keyframes: keys = [], box } = region;
      return { ...region, keyframes: withKey(keys, frame, keys.length ? wholeBoxAt(keys, frame) : box) };
    });
  }

  dropKey() {
    const { frame } = this;
    const keyed = this.editor.chosen().filter((region) => !region.locked && framesOf([region]).includes(frame));
    this.edit(keyed, ({ keyframes, ...region }) => {
      const left = withoutKey(keyframes, frame);
      return left.length ? { ...region, keyframes: left } : region;
    });
  }

  edit(chosen, change) {
    const { doc } = this.editor;
    const regions = doc.regions.map((region) => (chosen.includes(region) ? change(region) : region));
    this.editor.change({ ...doc, regions });
  }

  draw() {
    const { frame, root } = this;
    root.hidden = frame === null;
    if (frame === null) return;
    const frames = this.frames();
    this.slider.max = String(Math.max(SHORTEST, frame, ...frames));
    write(this.slider, frame);
    write(this.number, frame);
    const text = frames.join();
    if (this.marks.dataset.frames !== text) {
      this.marks.dataset.frames = text;
      this.marks.replaceChildren(...frames.map((value) => element("option", { value: String(value) })));
    }
    this.drop.disabled = !this.editor.chosen().some((region) => framesOf([region]).includes(frame));
  }
}
