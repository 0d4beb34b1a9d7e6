// Where a moving edge should come to rest: edges and centres of the image and of other boxes, else the grid.

/** @import { Box, Guide, Line, Snap } from "./types.js" */

/**
 * Lines per axis, sorted out once per gesture: of the picture and of these boxes.
 * @param {Box[]} boxes
 * @returns {Line[][]}
 */
export function linesFor(boxes) {
  /** @type {Line[][]} */
  const lines = [[{ at: 0 }, { at: 0.5 }, { at: 1 }], [{ at: 0 }, { at: 0.5 }, { at: 1 }]];
  for (const box of boxes) {
    for (const axis of [0, 1]) {
      const across = 1 - axis;
      for (const at of [box[axis], (box[axis] + box[axis + 2]) / 2, box[axis + 2]]) {
        lines[axis].push({ at, from: box[across], to: box[across + 2] });
      }
    }
  }
  return lines;
}

/**
 * The shift that brings one of `candidates` onto a line of this axis, or onto the grid.
 * reach: how far a line attracts; grid: its step in fractions, or 0.
 * @param {number[]} candidates
 * @param {Line[]} lines
 * @param {number} reach
 * @returns {Snap}
 */
export function snapAxis(candidates, lines, reach, grid = 0) {
  let best = null;
  for (const line of lines) {
    for (const value of candidates) {
      const shift = line.at - value;
      if (Math.abs(shift) <= reach && (!best || Math.abs(shift) < Math.abs(best.shift))) best = { shift, line };
    }
  }
  if (best) return best;
  if (!grid) return { shift: 0 };
  return { shift: Math.round(candidates[0] / grid) * grid - candidates[0] };
}

/**
 * Guides to draw: the line, drawn from the box it came from to the box that rests on it.
 * @param {Box} box
 * @param {Snap[]} snaps  per axis
 * @returns {Guide[]}
 */
export function guides(box, snaps) {
  return snaps.flatMap((snap, axis) => {
    if (!snap?.line) return [];
    const across = 1 - axis;
    const { at, from = 0, to = 1 } = snap.line;
    return [{ axis, at, from: Math.min(from, box[across]), to: Math.max(to, box[across + 2]) }];
  });
}
