// Painted masks: run lengths over the region's own box, in step with deig_core/regions/painted.py. For painting they
// are cells of a grid over the whole picture.
import { clamp, contains } from "./geometry.js";

/** @import { Box, Mask, Pair, Region } from "./types.js" */

export const MAX_GRID = 256;
const whole = (value) => Number.isInteger(value) && value >= 0;
/** @type {WeakMap<Mask, Uint8Array>} */
const decoded = new WeakMap();

/** @returns {boolean} whether it is one that Python takes */
export function isMask(mask) {
  const { width, height, runs } = mask ?? {};
  const side = (value) => whole(value) && value >= 1 && value <= MAX_GRID;
  if (!side(width) || !side(height) || !Array.isArray(runs) || runs.length > 2 * MAX_GRID ** 2) return false;
  if (!runs.every(whole) || runs.reduce((sum, run) => sum + run, 0) !== width * height) return false;
  return runs.some((run, i) => i % 2 && run);
}

/**
 * @param {Mask} mask
 * @returns {Uint8Array} 1 or 0 for each cell, row by row
 */
export function cellsOf(mask) {
  if (!decoded.has(mask)) {
    const cells = new Uint8Array(mask.width * mask.height);
    let at = 0;
    mask.runs.forEach((run, i) => cells.fill(i % 2, at, (at += run)));
    decoded.set(mask, cells);
  }
  return decoded.get(mask);
}

/**
 * @param {Uint8Array} cells
 * @param {number} width
 * @param {number} height
 * @returns {Mask}
 */
function maskOf(cells, width, height) {
  const runs = [];
  let from = 0;
  for (let at = 0; at <= cells.length; at++) {
    if (at < cells.length && cells[at] === runs.length % 2) continue;
    runs.push(at - from);
    from = at;
  }
  return { width, height, runs };
}

/** @type {(region: Region, point: Pair) => boolean} */
export function isInside({ box, mask }, point) {
  if (!contains(box, point)) return false;
  if (!mask) return true;
  const [column, row] = [0, 1].map((axis) => {
    const sides = axis ? mask.height : mask.width;
    return clamp(Math.floor(((point[axis] - box[axis]) / (box[axis + 2] - box[axis])) * sides), 0, sides - 1);
  });
  return cellsOf(mask)[row * mask.width + column] > 0;
}

/** A grid over a picture of this size, its cells square. */
/** @type {(size: Pair) => Pair} */
const gridOf = (size) => size.map((side) => Math.max(1, Math.round((MAX_GRID * side) / Math.max(...size))));

/** Cells of the whole picture, some of them painted. A stroke makes new ones. */
export class Canvas {
  /** @type {Pair} */
  size;
  width = 0;
  height = 0;

  /**
   * @param {Pair} size  of the picture in pixels
   * @param {Region} [region]  what is painted already
   */
  constructor(size, region) {
    const [width, height] = gridOf(size);
    Object.assign(this, { size, width, height });
    this.cells = new Uint8Array(width * height);
    if (!region) return;
    for (let row = 0; row < height; row++) {
      for (let column = 0; column < width; column++) {
        if (isInside(region, [(column + 0.5) / width, (row + 0.5) / height])) this.cells[row * width + column] = 1;
      }
    }
  }

  /**
   * @param {Pair} from
   * @param {Pair} to
   * @param {number} diameter  of the brush, in pixels of the picture
   * @param {boolean} erase
   * @returns {Canvas}
   */
  stroke(from, to, diameter, erase) {
    const next = Object.assign(Object.create(Canvas.prototype), this, { cells: this.cells.slice() });
    const scale = this.width / this.size[0];
    const radius = Math.max(0.5, (diameter / 2) * scale);
    const [a, b] = [from, to].map(([x, y]) => [x * this.width, y * this.height]);
    const [dx, dy] = [b[0] - a[0], b[1] - a[1]];
    const length = dx * dx + dy * dy;
    const range = (axis, limit) => [
      clamp(Math.floor(Math.min(a[axis], b[axis]) - radius), 0, limit),
      clamp(Math.ceil(Math.max(a[axis], b[axis]) + radius), 0, limit),
    ];
    const [[left, right], [top, bottom]] = [range(0, this.width), range(1, this.height)];
    for (let row = top; row < bottom; row++) {
      for (let column = left; column < right; column++) {
        const [x, y] = [column + 0.5 - a[0], row + 0.5 - a[1]];
        const along = length ? clamp((x * dx + y * dy) / length) : 0;
        if ((x - along * dx) ** 2 + (y - along * dy) ** 2 > radius * radius) continue;
        next.cells[row * this.width + column] = erase ? 0 : 1;
      }
    }
    return next;
  }

  /**
   * @returns {{ box: Box, mask?: Mask } | null}  what a region has of it: no mask where its box is full, null where
   *   nothing is painted
   */
  shape() {
    const { width, height, cells } = this;
    let [left, top, right, bottom] = [width, height, 0, 0];
    cells.forEach((on, at) => {
      if (!on) return;
      const [column, row] = [at % width, Math.floor(at / width)];
      left = Math.min(left, column);
      right = Math.max(right, column + 1);
      top = Math.min(top, row);
      bottom = Math.max(bottom, row + 1);
    });
    if (right <= left) return null;
    const inside = new Uint8Array((right - left) * (bottom - top));
    for (let row = top; row < bottom; row++) {
      inside.set(cells.subarray(row * width + left, row * width + right), (row - top) * (right - left));
    }
    const box = [left / width, top / height, right / width, bottom / height];
    return { box, mask: inside.includes(0) ? maskOf(inside, right - left, bottom - top) : undefined };
  }
}
