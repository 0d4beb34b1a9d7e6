// What a pointer does to the document: press starts a gesture, drag follows it, release ends it. No page, no events:
// points are fractions of the image, `mods` is {shift, alt, ctrl}, a scene is what the gesture starts from:
// {doc, selection: [ids], unit: [x, y] fractions per screen pixel, tool: "draw" | "select", touch, grid, magnet}.
import { bounds, boundedShift, clamp, contains, handleAt, isBox, overlaps, remap, resize, roundToPixels, spanning, translate } from "./geometry.js";
import { add, movable, paste, setBoxes, sizeOf } from "./document.js";
import { guides, linesFor, snapAxis } from "./snap.js";

const STILL = 3; // screen pixels a click may wander
const REACH = 6; // screen pixels within which lines attract

const boxed = (doc) => doc.regions.filter((region) => isBox(region.box));
const hitsAt = (doc, point) => boxed(doc).filter((region) => contains(region.box, point)).reverse();
const times = (pair, factor) => pair.map((value) => value * factor);

/** The frame with the handles: around everything selected that can be changed. */
export function frameOf(doc, selection) {
  return bounds(doc.regions.filter((region) => selection.includes(region.id) && movable(region)).map((region) => region.box));
}

function handleUnder(scene, point) {
  const frame = frameOf(scene.doc, scene.selection);
  return frame && handleAt(frame, point, times(scene.unit, scene.touch ? 16 : 7));
}

/** The CSS cursor for a pointer that is not pressed. */
export function cursorAt(scene, point, mods) {
  if (mods.ctrl) return "crosshair";
  const handle = handleUnder(scene, point);
  if (handle) return { nw: "nwse", se: "nwse", ne: "nesw", sw: "nesw", n: "ns", s: "ns", e: "ew", w: "ew" }[handle] + "-resize";
  if (hitsAt(scene.doc, point).some(movable)) return mods.alt ? "copy" : "move";
  return scene.tool === "draw" && !mods.shift ? "crosshair" : "default";
}

export function press(scene, point, mods) {
  const gesture = { scene, origin: point, doc: scene.doc, selection: scene.selection, moved: false, guides: [], rubber: null };
  if (mods.ctrl) return { ...gesture, kind: "draw" };
  const handle = handleUnder(scene, point);
  if (handle) return { ...gesture, kind: "resize", handle };

  const hits = hitsAt(scene.doc, point);
  const reachable = hits.filter(movable);
  const chosen = reachable.find((region) => scene.selection.includes(region.id));
  const top = reachable[0];
  if (mods.alt && hits.length) {
    // Released in place this goes one box deeper; dragged, it pulls a copy off.
    const at = hits.findIndex((region) => scene.selection.includes(region.id));
    const next = hits[(at + 1) % hits.length].id;
    return { ...gesture, kind: "copy", selection: chosen ? scene.selection : [(top ?? hits[0]).id], onClick: [next] };
  }
  if (!top) {
    const kind = mods.shift || scene.tool === "select" ? "marquee" : "draw";
    // Boxes can be drawn over a locked one, and yet a click finds it.
    const under = hits[0]?.id;
    return { ...gesture, kind, onClick: mods.shift ? toggled(scene.selection, under) : under ? [under] : [] };
  }
  if (mods.shift) {
    return { ...gesture, kind: "move", selection: [...new Set([...scene.selection, top.id])], onClick: toggled(scene.selection, top.id) };
  }
  if (chosen) return { ...gesture, kind: "move", onClick: [top.id] };
  return { ...gesture, kind: "move", selection: [top.id], onClick: [top.id] };
}

const toggled = (selection, id) =>
  !id ? selection : selection.includes(id) ? selection.filter((other) => other !== id) : [...selection, id];

export function drag(gesture, point, mods) {
  const { scene, origin } = gesture;
  const still = [0, 1].every((axis) => Math.abs(point[axis] - origin[axis]) <= STILL * scene.unit[axis]);
  if (!gesture.moved && still) return gesture;
  const started = gesture.moved ? gesture : start(gesture);
  const inside = point.map((value) => clamp(value));
  return { ...started, ...STEPS[gesture.kind](started, started.kind === "move" || started.kind === "copy" ? point : inside, mods) };
}

/** Everything that stays the same while the pointer moves. */
function start(gesture) {
  let { doc, selection } = gesture;
  if (gesture.kind === "copy") [doc, selection] = paste(doc, doc.regions.filter((region) => selection.includes(region.id)), 0);
  const moving = doc.regions.filter((region) => selection.includes(region.id) && movable(region));
  const resting = boxed(doc).filter((region) => !moving.includes(region));
  const lines = linesFor(gesture.kind === "draw" ? boxed(doc).map((r) => r.box) : resting.map((region) => region.box));
  return { ...gesture, moved: true, base: doc, selection, moving, frame: bounds(moving.map((region) => region.box)), lines };
}

/** Attraction along one axis, or nothing where it is switched off or overruled by the Ctrl key. */
function attract(gesture, axis, candidates, mods) {
  const { scene, lines } = gesture;
  if (mods.ctrl && gesture.kind !== "draw") return { shift: 0 };
  const grid = scene.grid ? scene.grid / sizeOf(scene.doc)[axis] : 0;
  return snapAxis(candidates, scene.magnet ? lines[axis] : [], REACH * scene.unit[axis], grid);
}

const STEPS = { move, copy: move, resize: pull, draw, marquee };

function move(gesture, point, mods) {
  const { frame, moving, origin, base } = gesture;
  if (!frame) return {};
  let shift = [point[0] - origin[0], point[1] - origin[1]];
  const size = sizeOf(base);
  if (mods.shift) shift = Math.abs(shift[0] * size[0]) > Math.abs(shift[1] * size[1]) ? [shift[0], 0] : [0, shift[1]];
  const hits = shift.map((amount, axis) => {
    if (!amount && mods.shift) return null;
    const [low, high] = [frame[axis] + amount, frame[axis + 2] + amount];
    return attract(gesture, axis, [low, high, (low + high) / 2], mods);
  });
  // Whole pixels of movement keep every size exactly as it was.
  shift = shift.map((amount, axis) => (hits[axis]?.line ? amount + hits[axis].shift : Math.round((amount + (hits[axis]?.shift ?? 0)) * size[axis]) / size[axis]));
  shift = boundedShift(frame, ...shift);
  const doc = setBoxes(base, new Map(moving.map((region) => [region.id, translate(region.box, ...shift)])));
  const placed = translate(frame, ...shift);
  return { doc, guides: guides(placed, hits), label: placed };
}

function pull(gesture, point, mods) {
  const { frame, moving, handle, base } = gesture;
  const size = sizeOf(base);
  const options = { aspect: mods.shift, centre: mods.alt, least: [1 / size[0], 1 / size[1]] };
  const hits = [0, 1].map((axis) => {
    const pulled = axis ? /[ns]/.test(handle) : /[ew]/.test(handle);
    return pulled ? attract(gesture, axis, [point[axis]], mods) : null;
  });
  const target = point.map((value, axis) => value + (hits[axis]?.shift ?? 0));
  const free = resize(frame, handle, target, options);
  const placed = roundToPixels(free, size);
  const boxes = new Map(moving.map((region) => [region.id, moving.length > 1 ? grown(remap(region.box, frame, placed), size) : placed]));
  return { doc: setBoxes(base, boxes), guides: mods.shift ? [] : guides(placed, hits), label: placed };
}

/** A member of a group pressed flat keeps one pixel. */
const grown = (box, size) => roundToPixels(box, size);

function draw(gesture, point, mods) {
  const size = sizeOf(gesture.base);
  const settle = (place) => {
    const hits = place.map((value, axis) => attract(gesture, axis, [value], mods));
    return [place.map((value, axis) => clamp(value + hits[axis].shift)), hits];
  };
  const [from] = settle(gesture.origin.map((value) => clamp(value)));
  let [to, hits] = settle(point);
  if (mods.shift) {
    const side = Math.min(...[0, 1].map((axis) => Math.abs(to[axis] - from[axis]) * size[axis]));
    to = from.map((value, axis) => value + (Math.sign(to[axis] - value) * side) / size[axis]);
    hits = [];
  }
  const corner = mods.alt ? from.map((value, axis) => clamp(2 * value - to[axis])) : from;
  const rubber = roundToPixels(spanning(corner, to), size);
  return { rubber, guides: guides(rubber, hits), label: rubber };
}

function marquee(gesture, point, mods) {
  const rubber = spanning(gesture.origin.map((value) => clamp(value)), point);
  const inside = boxed(gesture.base).filter((region) => movable(region) && overlaps(region.box, rubber)).map((region) => region.id);
  const kept = mods.shift ? gesture.scene.selection : [];
  return { rubber, selection: [...new Set([...kept, ...inside])] };
}

/** {doc, selection}: what the gesture leaves behind; the very same document where nothing changed. */
export function release(gesture) {
  const { scene, moved, kind } = gesture;
  if (!moved) return { doc: scene.doc, selection: gesture.onClick ?? scene.selection };
  if (kind !== "draw") return { doc: gesture.doc, selection: gesture.selection };
  const enough = [0, 1].every((axis) => gesture.rubber[axis + 2] - gesture.rubber[axis] >= STILL * scene.unit[axis]);
  if (!enough) return { doc: scene.doc, selection: scene.selection };
  const [doc, ids] = add(scene.doc, [{ box: gesture.rubber }]);
  return { doc, selection: ids.length ? ids : scene.selection, full: !ids.length };
}
