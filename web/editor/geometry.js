// Plain geometry of boxes in fractions of the picture. Nothing here knows of documents.

/** @import { Box, Handle, Pair } from "./types.js" */

export const clamp = (value, low = 0, high = 1) => Math.min(high, Math.max(low, value));
/** @param {Box} box */
export const width = (box) => box[2] - box[0];
/** @param {Box} box */
export const height = (box) => box[3] - box[1];
/** @type {(box: Box, point: Pair) => boolean} */
export const contains = (box, [x, y]) => x >= box[0] && x <= box[2] && y >= box[1] && y <= box[3];
/** @type {(a: Box, b: Box) => boolean} */
export const overlaps = (a, b) => a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3];
/** The share of `a` that lies in `b`. */
/** @type {(a: Box, b: Box) => number} */
export function coverage(a, b) {
  const across = Math.min(a[2], b[2]) - Math.max(a[0], b[0]);
  const down = Math.min(a[3], b[3]) - Math.max(a[1], b[1]);
  return across > 0 && down > 0 ? (across * down) / (width(a) * height(a)) : 0;
}
/** @type {(box: unknown) => box is Box} */
export const isBox = (box) =>
  Array.isArray(box) && box.length === 4 && box.every(Number.isFinite) && box[0] < box[2] && box[1] < box[3];

/**
 * The box between two corners.
 * @param {Pair} a
 * @param {Pair} b
 * @returns {Box}
 */
export function spanning([ax, ay], [bx, by]) {
  return [Math.min(ax, bx), Math.min(ay, by), Math.max(ax, bx), Math.max(ay, by)];
}

/**
 * @param {Box[]} boxes
 * @returns {Box | null} around all of them
 */
export function bounds(boxes) {
  if (!boxes.length) return null;
  return [0, 1, 2, 3].map((i) => (i < 2 ? Math.min : Math.max)(...boxes.map((box) => box[i])));
}

/** Six decimals are finer than a hundredth of a pixel at any size in use and keep the JSON readable. */
/** @type {(value: number) => number} */
export const tidy = (value) => Math.round(value * 1e6) / 1e6;

/** Halves go to the even side, as in Python: a box has the same pixels on both sides. */
function roundHalfEven(value) {
  const low = Math.floor(value);
  return value - low === 0.5 ? low + Math.abs(low % 2) : Math.round(value);
}

/**
 * Edges on whole pixels of a picture of `size`, at least one pixel apart, inside the picture.
 * @param {Box} box
 * @param {Pair} size
 * @returns {Box}
 */
export function toPixels(box, size) {
  const pixels = [];
  for (const axis of [0, 1]) {
    const limit = size[axis];
    const low = clamp(roundHalfEven(box[axis] * limit), 0, limit - 1);
    pixels[axis] = low;
    pixels[axis + 2] = clamp(roundHalfEven(box[axis + 2] * limit), low + 1, limit);
  }
  return pixels;
}

/** @type {(box: Box, size: Pair) => Box} */
export const fromPixels = (box, size) => box.map((value, i) => tidy(value / size[i % 2]));
/** @type {(box: Box, size: Pair) => Box} */
export const roundToPixels = (box, size) => fromPixels(toPixels(box, size), size);

/** @type {(box: Box, shift: Pair) => Box} */
export const translate = (box, [dx, dy]) => [box[0] + dx, box[1] + dy, box[2] + dx, box[3] + dy];

/**
 * The part of a shift that keeps `box` inside the picture.
 * @type {(box: Box, shift: Pair) => Pair}
 */
export function boundedShift(box, [dx, dy]) {
  return [clamp(dx, -box[0], 1 - box[2]), clamp(dy, -box[1], 1 - box[3])];
}

/**
 * Move `box` along when the box it belongs to changes from `from` to `to`.
 * @type {(box: Box, from: Box, to: Box) => Box}
 */
export function remap(box, from, to) {
  return box.map((value, i) => {
    const axis = i % 2;
    const span = from[axis + 2] - from[axis];
    const share = span ? (value - from[axis]) / span : 0;
    return clamp(to[axis] + share * (to[axis + 2] - to[axis]));
  });
}

/**
 * `box` with its `handle` pulled to `point`.
 * aspect keeps width : height, centre mirrors the pull on the other side, least is the smallest [width, height].
 * @param {Box} box
 * @param {Handle} handle
 * @param {Pair} point
 * @param {{ aspect?: boolean, centre?: boolean, least?: Pair }} [options]
 * @returns {Box}
 */
export function resize(box, handle, point, { aspect = false, centre = false, least = [0, 0] } = {}) {
  const result = [...box];
  const across = handle.includes("w") ? 0 : handle.includes("e") ? 2 : -1;
  const pulled = [across, handle.includes("n") ? 1 : handle.includes("s") ? 3 : -1];
  const middle = [(box[0] + box[2]) / 2, (box[1] + box[3]) / 2];
  const scale = [1, 1];
  for (const axis of [0, 1]) {
    const edge = pulled[axis];
    if (edge < 0) continue;
    const anchor = centre ? middle[axis] : box[edge < 2 ? axis + 2 : axis];
    const side = edge < 2 ? -1 : 1;
    const room = side < 0 ? anchor : 1 - anchor;
    const most = centre ? Math.min(anchor, 1 - anchor) : room;
    const length = clamp((point[axis] - anchor) * side, Math.min(least[axis] / (centre ? 2 : 1), most), most);
    result[edge] = anchor + side * length;
    if (centre) result[edge < 2 ? axis + 2 : axis] = anchor - side * length;
    scale[axis] = length / Math.abs(box[edge] - anchor);
  }
  return aspect ? keepAspect(box, result, pulled, scale, centre ? middle : null) : result;
}

function keepAspect(box, free, pulled, scale, middle) {
  const corner = pulled[0] >= 0 && pulled[1] >= 0;
  let factor = corner ? Math.max(...scale) : pulled[0] >= 0 ? scale[0] : scale[1];
  const anchor = [0, 1].map((axis) => {
    if (middle || pulled[axis] < 0) return (box[axis] + box[axis + 2]) / 2;
    return box[pulled[axis] < 2 ? axis + 2 : axis];
  });
  // The image's edge stops both axes at once, otherwise the shape would change there.
  for (const axis of [0, 1]) {
    const before = anchor[axis] - box[axis];
    const after = box[axis + 2] - anchor[axis];
    if (before > 0) factor = Math.min(factor, anchor[axis] / before);
    if (after > 0) factor = Math.min(factor, (1 - anchor[axis]) / after);
  }
  return free.map((_, i) => clamp(anchor[i % 2] + (box[i] - anchor[i % 2]) * factor));
}

/**
 * Which handle of `box` lies within `reach` of the point; corners win over edges.
 * @param {Box} box
 * @param {Pair} point
 * @param {Pair} reach
 * @returns {Handle | null}
 */
export function handleAt(box, point, reach) {
  const near = (value, axis) => Math.abs(point[axis] - value) <= reach[axis];
  const within = (axis) => point[axis] > box[axis] - reach[axis] && point[axis] < box[axis + 2] + reach[axis];
  if (!within(0) || !within(1)) return null;
  // On a tiny box the zones meet: the nearer side is meant.
  const pick = (axis, low, high) => {
    const nearer = Math.abs(point[axis] - box[axis]) < Math.abs(point[axis] - box[axis + 2]) ? low : high;
    return near(nearer === low ? box[axis] : box[axis + 2], axis) ? nearer : "";
  };
  return pick(1, "n", "s") + pick(0, "w", "e") || null;
}

/**
 * Boxes shifted so that an edge or the centre line agrees with the target's.
 * @param {Box[]} boxes
 * @param {string} how  left center right top middle bottom
 * @param {Box} target
 * @returns {Box[]}
 */
export function align(boxes, how, target = bounds(boxes)) {
  const axis = ["left", "center", "right"].includes(how) ? 0 : 1;
  const at = { left: 0, top: 0, center: 0.5, middle: 0.5, right: 1, bottom: 1 }[how];
  return boxes.map((box) => {
    const shift = (target[axis] - box[axis]) * (1 - at) + (target[axis + 2] - box[axis + 2]) * at;
    return translate(box, axis ? [0, shift] : [shift, 0]);
  });
}

/**
 * Equal gaps along an axis; the outer two stay. The order of the result is the order of the argument.
 * @param {Box[]} boxes
 * @param {number} axis
 * @returns {Box[]}
 */
export function distribute(boxes, axis) {
  if (boxes.length < 3) return boxes;
  const [low, high] = [axis, axis + 2];
  const earlier = (a, b) => boxes[a][low] + boxes[a][high] - boxes[b][low] - boxes[b][high];
  const order = boxes.map((_, i) => i).sort(earlier);
  const frame = bounds(boxes);
  const filled = boxes.reduce((sum, box) => sum + box[axis + 2] - box[axis], 0);
  const gap = (frame[axis + 2] - frame[axis] - filled) / (boxes.length - 1);
  const result = [...boxes];
  let at = frame[axis];
  for (const i of order) {
    const shift = at - boxes[i][axis];
    result[i] = translate(boxes[i], axis ? [0, shift] : [shift, 0]);
    at += boxes[i][axis + 2] - boxes[i][axis] + gap;
  }
  return result;
}

/**
 * A place for a new box of this size: the grid position that covers least of what is there, in reading order.
 * @param {Box[]} boxes
 * @param {Pair} [size]
 * @returns {Box}
 */
export function freePlace(boxes, [w, h] = [0.3, 0.4]) {
  let best = null;
  for (let row = 0; row < 5; row++) {
    for (let column = 0; column < 7; column++) {
      const x = 0.02 + (0.96 - w) * (column / 6);
      const y = 0.02 + (0.96 - h) * (row / 4);
      const place = [x, y, x + w, y + h];
      const covered = boxes.reduce((sum, box) => sum + coverage(place, box) * w * h, 0);
      // The same place twice would hide one box exactly behind the other.
      const twin = boxes.some((box) => Math.abs(box[0] - x) + Math.abs(box[1] - y) < 0.01) ? 1 : 0;
      if (!best || covered + twin < best.covered - 1e-9) best = { place, covered: covered + twin };
    }
  }
  return best.place;
}
