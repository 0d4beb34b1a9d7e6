// Regions that move: boxes at some frames, and straight lines between them. The box on the stage is one that stands
// for all of them; whatever happens to its edges happens to theirs.
import { isBox, tidy } from "./geometry.js";

/** @import { Box, Region, RegionItem } from "./types.js" */

// tests/data/document.json holds these to what Python has.
const MOST = 4096;
const LAST_FRAME = 1e6;
const FARTHEST = 1e3; // pictures away
const STRONGEST = 1e3;
const LEAST = 1e-3; // of the picture that a side keeps

/** @param {unknown} value */
export function isKeyframes(value) {
  if (!Array.isArray(value) || !value.length || value.length > MOST) return false;
  const isKey = (key) => Number.isInteger(key?.frame) && key.frame >= 0 && key.frame <= LAST_FRAME && isBox(key.box)
    && key.box.every((edge) => Math.abs(edge) <= FARTHEST);
  return value.every(isKey) && new Set(value.map(({ frame }) => frame)).size === value.length;
}

/**
 * Strengths over the noise schedule, each at a share of it.
 * @param {unknown} value
 */
export function isStrengths(value) {
  if (!Array.isArray(value) || !value.length || value.length > MOST) return false;
  const isKey = (key) => Number.isFinite(key?.at) && key.at >= 0 && key.at <= 1
    && Number.isFinite(key.strength) && key.strength >= 0 && key.strength <= STRONGEST;
  return value.every(isKey) && new Set(value.map(({ at }) => at)).size === value.length;
}

/**
 * The region with its box elsewhere, and its keyframes with it: each edge as far as the edge of the box.
 * @template {RegionItem} T
 * @param {T} region
 * @param {Box} box
 * @returns {T}
 */
export function placed(region, box) {
  const tidied = box.map(tidy);
  if (!region.keyframes) return { ...region, box: tidied };
  const by = tidied.map((edge, i) => edge - region.box[i]);
  const keyframes = region.keyframes.map((key) => ({ ...key, box: moved(key.box, by) }));
  return { ...region, box: tidied, keyframes };
}

/** @type {(box: Box, by: number[]) => Box} */
function moved(box, by) {
  const edges = box.map((edge, i) => tidy(Math.min(FARTHEST, Math.max(-FARTHEST, edge + by[i]))));
  // A box that is smaller than the one on the stage may have less than what is taken away.
  for (const axis of [0, 1]) {
    if (edges[axis + 2] - edges[axis] < LEAST) edges[axis + 2] = tidy(edges[axis] + LEAST);
  }
  return edges;
}
