// Regions that move: boxes at some frames, and straight lines between them. The box on the stage is one that stands
// for all of them; whatever happens to its edges happens to theirs.
import { clamp, isBox, tidy } from "./geometry.js";

/** @import { Box, Keyframe, Region, RegionDocument, RegionItem } from "./types.js" */

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

/** @type {(regions: RegionItem[]) => number[]} the frames at which any of them has a key, in their order */
export function framesOf(regions) {
  const frames = regions.flatMap(({ keyframes }) => (keyframes ?? []).map(({ frame }) => frame));
  return [...new Set(frames)].sort((a, b) => a - b);
}

/** @type {(keys: Keyframe[], frame: number, box: Box) => Keyframe[]} in place of the one that is there */
export function withKey(keys, frame, box) {
  return [...withoutKey(keys, frame), { frame, box: box.map(tidy) }].sort((a, b) => a.frame - b.frame);
}

/** @type {(keys: Keyframe[], frame: number) => Keyframe[]} */
export const withoutKey = (keys, frame) => keys.filter((key) => key.frame !== frame);

/**
 * The box at a frame as Python has it, clipped to the picture; null where nothing of it is left.
 * @type {(keys: Keyframe[], frame: number) => Box | null}
 */
export function boxAt(keys, frame) {
  const sorted = [...keys].sort((a, b) => a.frame - b.frame);
  const before = sorted.findLast((key) => key.frame <= frame) ?? sorted[0];
  const after = sorted.find((key) => key.frame >= frame) ?? sorted.at(-1);
  const share = after.frame > before.frame ? (frame - before.frame) / (after.frame - before.frame) : 0;
  const box = before.box.map((edge, i) => clamp(edge + share * (after.box[i] - edge)));
  return isBox(box) ? box : null;
}

/**
 * The document with its moving regions where they are at a frame; itself where there is no frame, or nothing moves.
 * @type {(doc: RegionDocument, frame: number | null) => RegionDocument}
 */
export function atFrame(doc, frame) {
  if (frame === null || !doc.regions.some(({ keyframes }) => keyframes)) return doc;
  const there = (region) => (region.keyframes ? { ...region, box: boxAt(region.keyframes, frame) } : region);
  return { ...doc, regions: doc.regions.map(there) };
}

/**
 * What becomes of a document when what it shows at a frame is edited: boxes of moving regions that are elsewhere now
 * are keys at that frame.
 * @param {RegionDocument} doc
 * @param {RegionDocument} shown  `atFrame` of it
 * @param {RegionDocument} edited
 * @param {number | null} frame
 * @returns {RegionDocument}
 */
export function keyed(doc, shown, edited, frame) {
  if (doc === shown) return edited;
  const before = new Map(doc.regions.map((region, i) => [region.id, [region, shown.regions[i]]]));
  const regions = edited.regions.map((region) => {
    const [was, seen] = before.get(region.id) ?? [];
    if (region === seen) return was;
    if (!was?.keyframes || !region.keyframes) return region;
    const stays = String(region.box) === String(seen.box);
    const edges = stays ? region.keyframes : withKey(was.keyframes, frame, region.box);
    return { ...region, box: was.box, keyframes: edges };
  });
  return { ...edited, regions };
}
