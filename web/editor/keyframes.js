// Regions that move: boxes at some frames, and straight lines between them. The box on the stage is one that stands
// for all of them; whatever happens to its edges happens to theirs. Strengths over the noise schedule are keys alike.
import { clamp, isBox, tidy } from "./geometry.js";

/** @import { Box, Keyframe, RegionItem, StrengthKey } from "./types.js" */

// tests/data/document.json holds these to what Python has.
const MOST = 4096;
export const LAST_FRAME = 1e6;
const FARTHEST = 1e3; // pictures away
export const STRONGEST = 1e3;
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

/** @type {(keys: Keyframe[], frame: number) => Box} the box at a frame, which may lie beyond the picture */
export function wholeBoxAt(keys, frame) {
  const sorted = [...keys].sort((a, b) => a.frame - b.frame);
  const [before, after, share] = around(sorted, "frame", frame);
  return before.box.map((edge, i) => edge + share * (after.box[i] - edge));
}

/**
 * The box at a frame as Python has it, clipped to the picture; null where nothing of it is left.
 * @type {(keys: Keyframe[], frame: number) => Box | null}
 */
export function boxAt(keys, frame) {
  const box = wholeBoxAt(keys, frame).map((edge) => clamp(edge));
  return isBox(box) ? box : null;
}

/** The keys before and after a place, of keys in their order, and which part of the way between them it is. */
function around(keys, place, at) {
  const before = keys.findLast((key) => key[place] <= at) ?? keys[0];
  const after = keys.find((key) => key[place] >= at) ?? keys.at(-1);
  const length = after[place] - before[place];
  return [before, after, length > 0 ? (at - before[place]) / length : 0];
}

/** @type {(keys: StrengthKey[]) => StrengthKey[]} in their order */
export const ofSchedule = (keys) => [...keys].sort((a, b) => a.at - b.at);

/** @type {(keys: StrengthKey[], at: number) => number} the strength at a share of the schedule, as Python has it */
export function strengthAt(keys, at) {
  const [before, after, share] = around(ofSchedule(keys), "at", at);
  return before.strength + share * (after.strength - before.strength);
}

/**
 * One key more, where there is most room, which changes nothing yet: at both ends where there was none.
 * @param {StrengthKey[]} keys  in their order
 * @param {number} strength  that of a region without keys
 * @returns {StrengthKey[]}
 */
export function withNextStrength(keys, strength) {
  if (!keys.length) return [0, 1].map((at) => ({ at, strength: Math.min(strength, STRONGEST) }));
  const places = keys.map(({ at }) => at);
  const gaps = places.slice(1).map((at, i) => [at - places[i], tidy((at + places[i]) / 2)]);
  const ends = [[places[0], 0], [1 - places.at(-1), 1]];
  const [, at] = [...gaps, ...ends].reduce((best, gap) => (gap[0] > best[0] ? gap : best));
  return ofSchedule([...keys, { at, strength: tidy(strengthAt(keys, at)) }]);
}

/**
 * What a region becomes without one of its keys: of the last one only its strength is left, which is the same.
 * @param {StrengthKey[]} keys
 * @param {number} i
 * @returns {RegionItem}
 */
export function withoutStrength(keys, i) {
  const left = keys.length > 1 ? keys.filter((_, k) => k !== i) : keys;
  return left.length > 1 ? { strengths: left } : { strengths: undefined, strength: left[0].strength };
}
