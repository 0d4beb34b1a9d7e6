// The stage: the picture with its boxes. Draws a document and says what lies under a pointer; it changes nothing.
import { height, isBox, toPixels, width } from "./geometry.js";
import { colorOf, isEnabled, sizeOf } from "./document.js";
import { frameOf } from "./gesture.js";
import { cellsOf } from "./mask.js";
import { element, percent } from "./dom.js";

/** @import { Pair, RegionDocument, RegionItem, Selection, Shown } from "./types.js" */

const MOST_KEYS = 12; // keyframes of a region that are shown at once
const TALL = 1.5; // height to width from which on the list stands beside the picture

export class Stage {
  constructor() {
    this.picture = element("img", { className: "deig-picture", alt: "", draggable: false });
    const handles = ["nw", "n", "ne", "e", "se", "s", "sw", "w"].map((at) => element("i", { className: at }));
    this.frame = element("div", { className: "deig-frame" }, ...handles);
    this.rubber = element("div", { className: "deig-rubber" });
    this.measure = element("output", { className: "deig-measure" });
    this.brush = element("div", { className: "deig-brush", hidden: true });
    this.hint = element("p", { className: "deig-hint" });
    this.boxes = element("div", { className: "deig-layer" });
    this.guides = element("div", { className: "deig-layer" });
    this.keys = element("div", { className: "deig-layer" });
    this.root = element("div", { className: "deig-stage", tabIndex: 0, role: "application" },
      this.picture, this.keys, this.boxes, this.guides, this.frame, this.rubber, this.measure, this.brush, this.hint);
    this.parts = new Map();
  }

  /**
   * The pointer in fractions of the picture, and how much of it one screen pixel is.
   * @param {MouseEvent} event
   * @returns {{ point: Pair, unit: Pair }}
   */
  locate(event, fresh = true) {
    // A layout question per move costs more than the move itself; during a gesture the stage stays where it is.
    if (fresh || !this.rect) this.rect = this.root.getBoundingClientRect();
    const { left, top, width: w, height: h } = this.rect;
    return { point: [(event.clientX - left) / w, (event.clientY - top) / h], unit: [1 / w, 1 / h] };
  }

  /** @param {Shown} shown */
  draw({ doc, selection, guides = [], rubber, measured, ghosts = [], marquee }) {
    const size = sizeOf(doc);
    if (this.size?.join() !== size.join()) {
      this.size = size;
      const panel = /** @type {HTMLElement} */ (this.root.closest(".deig-panel"));
      panel.style.setProperty("--w", String(size[0]));
      panel.style.setProperty("--h", String(size[1]));
      panel.classList.toggle("deig-tall", size[1] > TALL * size[0]);
    }
    const { drawn } = this;
    const same = drawn?.doc === doc && drawn.selection === selection && drawn.ghosts === ghosts;
    if (!same) {
      this.drawBoxes(doc, selection, ghosts);
      this.drawKeys(doc, selection);
    }
    this.drawn = { doc, selection, ghosts };
    place(this.frame, frameOf(doc, selection));
    place(this.rubber, rubber);
    this.rubber.classList.toggle("deig-marquee", !!marquee);
    this.drawGuides(guides);
    this.drawMeasure(measured, size);
  }

  /**
   * @param {RegionDocument} doc
   * @param {Selection} selection
   * @param {RegionItem[]} ghosts
   */
  drawBoxes(doc, selection, ghosts) {
    const seen = new Set();
    const all = [...doc.regions, ...ghosts.map((region, i) => ({ ...region, id: `ghost ${i}`, ghost: true }))];
    all.forEach((region, i) => {
      if (!isBox(region.box)) return;
      seen.add(region.id);
      let part = this.parts.get(region.id);
      if (!part) {
        part = { node: element("div", { role: "img" }, element("b"), element("span")) };
        this.parts.set(region.id, part);
      }
      const chosen = selection.includes(region.id);
      if (part.region === region && part.i === i && part.chosen === chosen && !region.ghost) return;
      if (part.region?.box !== region.box) place(part.node, region.box);
      if (part.region?.color !== region.color) part.node.style.setProperty("--c", colorOf(region));
      const [number, text] = part.node.children;
      if (part.region?.mask !== region.mask || part.region?.color !== region.color) drawMask(part, region);
      if (part.i !== i) number.textContent = region.ghost ? "+" : i + 1;
      if (part.region?.description !== region.description) text.textContent = region.description ?? "";
      const { locked, ghost, mask: masked } = region;
      const states = { chosen, off: !isEnabled(region), locked, ghost, masked };
      part.node.className = ["deig-box", ...Object.keys(states).filter((state) => states[state])].join(" ");
      part.node.id = `${this.root.id}-${region.id}`;
      part.node.ariaLabel = `${i + 1} ${region.description ?? ""}`;
      Object.assign(part, { region, i, chosen });
    });
    for (const [id, part] of this.parts) {
      if (seen.has(id)) continue;
      part.node.remove();
      this.parts.delete(id);
    }
    // Appending only what is out of order keeps a drag from touching the tree.
    let at = this.boxes.firstChild;
    for (const region of all) {
      const node = this.parts.get(region.id)?.node;
      if (!node) continue;
      if (node === at) at = at.nextSibling;
      else this.boxes.insertBefore(node, at);
    }
    const last = selection.at(-1);
    this.root.setAttribute("aria-activedescendant", last ? `${this.root.id}-${last}` : "");
    this.hint.hidden = all.length > 0;
  }

  /**
   * The brush's circle; diameter in pixels of the picture, 0 where there is no brush.
   * @param {number} diameter
   */
  setBrush(diameter) {
    this.diameter = diameter;
    this.brush.style.width = percent(diameter / this.size[0]);
    if (!diameter) this.showBrush(null);
  }

  /** @param {Pair | null} point  where it is */
  showBrush(point) {
    this.brush.hidden = !point || !this.diameter;
    if (this.brush.hidden) return;
    this.brush.style.left = percent(point[0]);
    this.brush.style.top = percent(point[1]);
  }

  /**
   * Where the chosen regions are at their keyframes.
   * @param {RegionDocument} doc
   * @param {Selection} selection
   */
  drawKeys({ regions }, selection) {
    const moving = regions.filter(({ id, keyframes }) => keyframes && selection.includes(id));
    if (!moving.length && !this.keys.childElementCount) return;
    this.keys.replaceChildren(...moving.flatMap((region) => {
      const every = Math.ceil(region.keyframes.length / MOST_KEYS);
      return region.keyframes.filter((_, i) => i % every === 0).map(({ frame, box }) => {
        const node = element("i", { className: "deig-key", textContent: String(frame) });
        node.style.setProperty("--c", colorOf(region));
        place(node, box);
        return node;
      });
    }));
  }

  drawGuides(guides) {
    while (this.guides.children.length > guides.length) this.guides.lastChild.remove();
    guides.forEach((guide, i) => {
      const line = /** @type {HTMLElement} */ (this.guides.children[i]) ?? this.guides.appendChild(element("i"));
      const [at, low, high] = [guide.at, guide.from, 1 - guide.to].map(percent);
      line.style.cssText = guide.axis
        ? `top:${at};left:${low};right:${high};height:0`
        : `left:${at};top:${low};bottom:${high};width:0`;
    });
  }

  drawMeasure(box, size) {
    this.measure.hidden = !box;
    if (!box) return;
    const [x0, y0, x1, y1] = toPixels(box, size);
    this.measure.textContent = `${x1 - x0} × ${y1 - y0}   ${x0}, ${y0}`;
    // Below the box where there is room, else inside it.
    this.measure.style.left = percent(box[0] + width(box) / 2);
    this.measure.style.top = percent(Math.min(box[1] + height(box), 0.9));
  }
}

/**
 * The painted part of a box, as large as the box.
 * @param {any} part
 * @param {RegionItem} region
 */
function drawMask(part, { mask, color }) {
  part.canvas?.remove();
  part.canvas = undefined;
  if (!mask) return;
  const { width: w, height: h } = mask;
  part.canvas = element("canvas", { width: w, height: h });
  const context = part.canvas.getContext("2d");
  context.fillStyle = color;
  context.fillRect(0, 0, w, h);
  const image = context.getImageData(0, 0, w, h);
  cellsOf(mask).forEach((on, at) => (image.data[4 * at + 3] = on ? 130 : 0));
  context.putImageData(image, 0, 0);
  part.node.append(part.canvas);
}

function place(node, box) {
  node.hidden = !box;
  if (!box) return;
  const { style } = node;
  style.left = percent(box[0]);
  style.top = percent(box[1]);
  style.width = percent(width(box));
  style.height = percent(height(box));
}
