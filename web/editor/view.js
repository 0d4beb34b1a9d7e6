// Zoom and pan of the stage in full screen, where nothing else wants the wheel.
import { clamp } from "./geometry.js";

/** @import { Editor } from "./editor.js" */

const MOST = 16;
const STEP = 1.0015; // for each pixel of the wheel

/** How the stage is shown: as large as fits, times the zoom, moved by pixels of the screen. */
export class View {
  /** @param {Editor} editor */
  constructor(editor) {
    this.editor = editor;
    /** @type {number[] | null}  where the pointer that pans was last */
    this.held = null;
    this.space = false;
    this.listen();
  }

  /** Undo makes the editor anew, and the picture stays as large as it was. */
  get zoom() {
    return this.editor.host.memory.zoom ?? 1;
  }

  /**
   * @param {number} factor
   * @param {number[]} [point]  in pixels of the screen from the middle, where the picture stays in place
   */
  zoomBy(factor, point = [0, 0]) {
    const { memory } = this.editor.host;
    const zoom = clamp(this.zoom * factor, 1, MOST);
    const shift = (memory.shift ?? [0, 0]).map((at, axis) => point[axis] - ((point[axis] - at) * zoom) / this.zoom);
    Object.assign(memory, { zoom, shift });
    this.draw();
    this.editor.say("Zoom {percent} %", { percent: Math.round(100 * zoom) });
  }

  /** @param {number[]} by */
  panBy(by) {
    const { memory } = this.editor.host;
    memory.shift = (memory.shift ?? [0, 0]).map((at, axis) => at + by[axis]);
    this.draw();
  }

  draw() {
    const { host, stage: { root } } = this.editor;
    if (!host.fullScreen) Object.assign(host.memory, { zoom: 1, shift: [0, 0] });
    if (this.zoom === 1 && !root.style.translate) return;
    root.style.setProperty("--zoom", String(this.zoom));
    // Something of the picture stays in the middle. An editor that was just made has no size yet.
    const shift = [root.offsetWidth, root.offsetHeight].map((side, axis) => {
      const most = side ? (side * (1 - 1 / this.zoom)) / 2 : Infinity;
      return clamp(host.memory.shift?.[axis] ?? 0, -most, most);
    });
    host.memory.shift = shift;
    root.style.translate = this.zoom === 1 ? "" : shift.map((at) => `${at}px`).join(" ");
  }

  listen() {
    const { editor, editor: { area, stage: { root } } } = this;
    area.addEventListener("wheel", (event) => {
      if (!editor.host.fullScreen) return;
      event.preventDefault();
      const { left, top, width, height } = area.getBoundingClientRect();
      this.zoomBy(STEP ** -event.deltaY, [event.clientX - left - width / 2, event.clientY - top - height / 2]);
    }, { passive: false });
    area.addEventListener("pointerdown", (event) => {
      if (!editor.host.fullScreen || !(event.button === 1 || (this.space && event.button === 0))) return;
      event.preventDefault();
      event.stopPropagation();
      area.setPointerCapture(event.pointerId);
      this.held = [event.clientX, event.clientY];
    }, true);
    area.addEventListener("pointermove", (event) => {
      if (!this.held) return;
      this.panBy([event.clientX - this.held[0], event.clientY - this.held[1]]);
      this.held = [event.clientX, event.clientY];
    });
    area.addEventListener("lostpointercapture", () => (this.held = null));
    root.addEventListener("keydown", (event) => {
      if (event.key !== " " || !editor.host.fullScreen) return;
      this.space = true;
      event.preventDefault();
      event.stopPropagation();
    });
    root.addEventListener("keyup", (event) => event.key === " " && (this.space = false));
    root.addEventListener("blur", () => (this.space = false));
  }
}
