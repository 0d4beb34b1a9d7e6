// What a gesture of the pointer does to the document: beginGesture where it is pressed, followGesture for each move,
// endGesture where it is released. No page, no events: points are fractions of the picture, and a Scene is what the
// gesture starts from.
import {
  bounds, boundedShift, clamp, handleAt, isBox, overlaps, remap, resize, roundToPixels, spanning, translate,
} from "./geometry.js";
import { paste } from "./arrange.js";
import { add, movable, setBoxes, sizeOf, update } from "./document.js";
import { Canvas, isInside } from "./mask.js";
import { guides, linesFor, snapAxis } from "./snap.js";

/** @import { Box, Gesture, Mods, Pair, RegionDocument, Scene, Selection } from "./types.js" */

const NO_KEYS = { shift: false, alt: false, ctrl: false };
const STILL = 3; // screen pixels a click may wander
const REACH = 6; // screen pixels within which lines attract
const CURSORS = { nw: "nwse", se: "nwse", ne: "nesw", sw: "nesw", n: "ns", s: "ns", e: "ew", w: "ew" };

const boxed = (doc) => doc.regions.filter((region) => isBox(region.box));
const hitsAt = (doc, point) => boxed(doc).filter((region) => isInside(region, point)).reverse();
const times = (pair, factor) => pair.map((value) => value * factor);

/**
 * The frame with the handles: around everything selected that can be changed.
 * @param {RegionDocument} doc
 * @param {Selection} selection
 * @returns {Box | null}
 */
export function frameOf(doc, selection) {
  const regions = doc.regions.filter((region) => selection.includes(region.id) && movable(region));
  return bounds(regions.map((region) => region.box));
}

function handleUnder(scene, point) {
  const frame = frameOf(scene.doc, scene.selection);
  return frame && handleAt(frame, point, times(scene.unit, scene.touch ? 16 : 7));
}

const brushes = ({ tool }) => tool === "paint" || tool === "erase";

/**
 * The CSS cursor for a pointer that is not pressed.
 * @param {Scene} scene
 * @param {Pair} point
 * @param {Mods} mods
 */
export function cursorAt(scene, point, mods) {
  if (brushes(scene)) return "none";
  if (mods.ctrl) return "crosshair";
  const handle = handleUnder(scene, point);
  if (handle) return `${CURSORS[handle]}-resize`;
  if (hitsAt(scene.doc, point).some(movable)) return mods.alt ? "copy" : "move";
  return scene.tool === "draw" && !mods.shift ? "crosshair" : "default";
}

/**
 * @param {Scene} scene
 * @param {Pair} point
 * @param {Mods} mods
 * @returns {Gesture}
 */
export function beginGesture(scene, point, mods) {
  const { doc, selection } = scene;
  const gesture = { scene, origin: point, doc, selection, moved: false, guides: [], rubber: null };
  if (brushes(scene)) return beginStroke(gesture, mods);
  if (mods.ctrl) return { ...gesture, kind: "draw" };
  const handle = handleUnder(scene, point);
  if (handle) return { ...gesture, kind: "resize", handle };

  const hits = hitsAt(doc, point);
  const reachable = hits.filter(movable);
  const chosen = reachable.find((region) => selection.includes(region.id));
  const top = reachable[0];
  if (mods.alt && hits.length) {
    // Released in place this goes one box deeper; moved, it takes a copy along.
    const at = hits.findIndex((region) => selection.includes(region.id));
    const next = hits[(at + 1) % hits.length].id;
    return { ...gesture, kind: "copy", selection: chosen ? selection : [(top ?? hits[0]).id], onClick: [next] };
  }
  if (!top) {
    const kind = mods.shift || scene.tool === "select" ? "marquee" : "draw";
    // Boxes can be drawn over a locked one, and yet a click finds it.
    const under = hits[0]?.id;
    return { ...gesture, kind, onClick: mods.shift ? toggled(selection, under) : under ? [under] : [] };
  }
  if (mods.shift) {
    const both = [...new Set([...selection, top.id])];
    return { ...gesture, kind: "move", selection: both, onClick: toggled(selection, top.id) };
  }
  if (chosen) return { ...gesture, kind: "move", onClick: [top.id] };
  return { ...gesture, kind: "move", selection: [top.id], onClick: [top.id] };
}

/** The brush works on the one region that is chosen; painted where none is, it makes a new one. */
function beginStroke(gesture, mods) {
  const { scene: { doc, selection, tool }, origin } = gesture;
  const erase = (tool === "erase") !== mods.alt;
  const chosen = doc.regions.filter((region) => selection.includes(region.id) && movable(region));
  const under = erase ? hitsAt(doc, origin).find(movable) : undefined;
  const target = chosen.length === 1 ? chosen[0] : under;
  const canvas = new Canvas(sizeOf(doc), target);
  return { ...gesture, kind: "paint", erase, target: target?.id, selection: target ? [target.id] : [], canvas };
}

const toggled = (selection, id) =>
  !id ? selection : selection.includes(id) ? selection.filter((other) => other !== id) : [...selection, id];

/**
 * @param {Gesture} gesture
 * @param {Pair} point
 * @param {Mods} mods
 * @returns {Gesture}
 */
export function followGesture(gesture, point, mods) {
  const { scene, origin, kind } = gesture;
  const near = (axis) => Math.abs(point[axis] - origin[axis]) <= STILL * scene.unit[axis];
  const still = kind !== "paint" && near(0) && near(1);
  if (!gesture.moved && still) return gesture;
  const moved = gesture.moved ? gesture : setOut(gesture);
  const beyond = kind === "move" || kind === "copy";
  return { ...moved, ...FOLLOW[kind](moved, beyond ? point : point.map((value) => clamp(value)), mods) };
}

/** The gesture with everything that stays the same while the pointer moves. */
function setOut(gesture) {
  let { doc, selection } = gesture;
  let lost = 0;
  const { kind } = gesture;
  if (kind === "copy") {
    const copied = boxed(doc).filter((region) => selection.includes(region.id));
    [doc, selection] = paste(doc, copied, 0);
    lost = copied.length - selection.length;
  }
  const moving = doc.regions.filter((region) => selection.includes(region.id) && movable(region));
  const resting = boxed(doc).filter((region) => kind === "draw" || !moving.includes(region));
  const lines = linesFor(resting.map((region) => region.box));
  const frame = bounds(moving.map((region) => region.box));
  return { ...gesture, moved: true, base: doc, selection, moving, frame, lines, lost };
}

/** Attraction along one axis, or nothing where it is switched off or overruled by the Ctrl key. */
function attract(gesture, axis, candidates, mods) {
  const { scene, lines } = gesture;
  if (mods.ctrl && gesture.kind !== "draw") return { shift: 0 };
  const grid = scene.grid ? scene.grid / sizeOf(scene.doc)[axis] : 0;
  return snapAxis(candidates, scene.magnet ? lines[axis] : [], REACH * scene.unit[axis], grid);
}

const FOLLOW = {
  move: followMove,
  copy: followMove,
  resize: followResize,
  draw: followDraw,
  marquee: followMarquee,
  paint: followPaint,
};

function followMove(gesture, point, mods) {
  const { frame, moving, origin, base } = gesture;
  if (!frame) return {};
  let shift = [point[0] - origin[0], point[1] - origin[1]];
  const size = sizeOf(base);
  if (mods.shift) {
    shift = Math.abs(shift[0] * size[0]) > Math.abs(shift[1] * size[1]) ? [shift[0], 0] : [0, shift[1]];
  }
  const snaps = shift.map((amount, axis) => {
    if (!amount && mods.shift) return null;
    const [low, high] = [frame[axis] + amount, frame[axis + 2] + amount];
    return attract(gesture, axis, [low, high, (low + high) / 2], mods);
  });
  shift = shift.map((amount, axis) => {
    const snapped = amount + (snaps[axis]?.shift ?? 0);
    // Whole pixels of movement keep every size exactly as it was.
    return snaps[axis]?.line ? snapped : Math.round(snapped * size[axis]) / size[axis];
  });
  shift = boundedShift(frame, shift);
  const doc = setBoxes(base, new Map(moving.map((region) => [region.id, translate(region.box, shift)])));
  const placed = translate(frame, shift);
  return { doc, guides: guides(placed, snaps), measured: placed };
}

function followResize(gesture, point, mods) {
  const { frame, moving, handle, base } = gesture;
  const size = sizeOf(base);
  const options = { aspect: mods.shift, centre: mods.alt, least: [1 / size[0], 1 / size[1]] };
  const snaps = [0, 1].map((axis) => {
    const pulled = axis ? /[ns]/.test(handle) : /[ew]/.test(handle);
    return pulled ? attract(gesture, axis, [point[axis]], mods) : null;
  });
  const target = point.map((value, axis) => value + (snaps[axis]?.shift ?? 0));
  const placed = roundToPixels(resize(frame, handle, target, options), size);
  // A member of a group that is pressed flat keeps one pixel.
  const resized = (box) => (moving.length > 1 ? roundToPixels(remap(box, frame, placed), size) : placed);
  const doc = setBoxes(base, new Map(moving.map((region) => [region.id, resized(region.box)])));
  return { doc, guides: mods.shift ? [] : guides(placed, snaps), measured: placed };
}

function followDraw(gesture, point, mods) {
  const size = sizeOf(gesture.base);
  const settle = (place) => {
    const snaps = place.map((value, axis) => attract(gesture, axis, [value], mods));
    return [place.map((value, axis) => clamp(value + snaps[axis].shift)), snaps];
  };
  const [from] = settle(gesture.origin.map((value) => clamp(value)));
  let [to, snaps] = settle(point);
  if (mods.shift) {
    const side = Math.min(...[0, 1].map((axis) => Math.abs(to[axis] - from[axis]) * size[axis]));
    to = from.map((value, axis) => value + (Math.sign(to[axis] - value) * side) / size[axis]);
    snaps = [];
  }
  const corner = mods.alt ? from.map((value, axis) => clamp(2 * value - to[axis])) : from;
  const rubber = roundToPixels(spanning(corner, to), size);
  return { rubber, guides: guides(rubber, snaps), measured: rubber };
}

function followMarquee(gesture, point, mods) {
  const { base, origin, scene } = gesture;
  const rubber = spanning(origin.map((value) => clamp(value)), point);
  const inside = boxed(base).filter((region) => movable(region) && overlaps(region.box, rubber));
  const kept = mods.shift ? scene.selection : [];
  return { rubber, selection: [...new Set([...kept, ...inside.map((region) => region.id)])] };
}

function followPaint(gesture, point) {
  const { scene, origin, last = origin, erase, target } = gesture;
  const canvas = gesture.canvas.stroke(last, point, scene.brush, erase);
  const shape = canvas.shape();
  // The last of a region is not erased but deleted.
  if (!shape) return erase ? {} : { canvas, last: point };
  if (target) return { canvas, last: point, doc: update(scene.doc, target, shape) };
  const [doc, ids] = add(scene.doc, [shape]);
  return { canvas, last: point, doc, selection: ids.length ? ids : scene.selection, lost: 1 - ids.length };
}

/**
 * What the gesture leaves behind; the very same document where nothing changed. lost: new regions without room.
 * @param {Gesture} gesture
 * @returns {{ doc: RegionDocument, selection: Selection, lost?: number }}
 */
export function endGesture(gesture) {
  const { scene, moved, kind } = gesture;
  if (kind === "paint" && !moved) return endGesture(followGesture(gesture, gesture.origin, NO_KEYS));
  if (!moved) return { doc: scene.doc, selection: gesture.onClick ?? scene.selection };
  if (kind !== "draw") return { doc: gesture.doc, selection: gesture.selection, lost: gesture.lost };
  const { rubber } = gesture;
  const enough = [0, 1].every((axis) => rubber[axis + 2] - rubber[axis] >= STILL * scene.unit[axis]);
  if (!enough) return { doc: scene.doc, selection: scene.selection };
  const [doc, ids] = add(scene.doc, [{ box: rubber }]);
  return { doc, selection: ids.length ? ids : scene.selection, lost: 1 - ids.length };
}
