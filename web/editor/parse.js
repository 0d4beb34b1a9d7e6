// Reading a value as a region document, and what is wrong with one: what Python finds too (tests/data/document.json).
import { empty, isSide, MAX_REGIONS, OVERLAPS, overlapOf, VERSION, VERSION_WITH_MASKS } from "./document.js";
import { isBox } from "./geometry.js";
import { isKeyframes, isStrengths } from "./keyframes.js";
import { isMask } from "./mask.js";

/** @import { Problem, RegionDocument } from "./types.js" */

const SHOWN = 60; // characters of a value in a message
export const BAD_SIZE = "Width and height must be whole numbers of pixels from 8 to 16384.";
const NO_DOCUMENT = "This is no region document: an object with a list of regions is expected.";
const OTHER_VERSION = "This document has version {version}; this editor reads versions 1 and 2.";
export const TOO_MANY = "{count} regions are too many: at most {limit} are possible.";
const BAD_VALUE = "Region {n}: {key} cannot be {value}.";
export const BAD_BOX = "Region {n}: {box} is no box inside the image.";
const BAD_MASK = "Region {n}: its mask cannot be read.";
const BAD_OVERLAP = "Where regions overlap must be shared or front; it is {value}.";
export const NEVER_THERE = "Region {n}: its start must be before its end.";
export const MOVES = "Region {n} has keyframes: it moves, and a painted shape would not move with it.";

/**
 * A document, perhaps with a problem, or an error: a value this version can't read is never replaced without asking.
 * @param {any} value
 * @returns {{ doc?: RegionDocument, problem?: Problem, error?: Problem }}
 */
export function parse(value) {
  if (value == null || (typeof value === "string" && !value.trim())) return { doc: empty() };
  let doc = value;
  if (typeof value === "string") {
    try {
      doc = JSON.parse(value);
    } catch (error) {
      return { error: ["This is no readable JSON: {reason}", { reason: error.message }] };
    }
  }
  if (!doc || typeof doc !== "object" || !Array.isArray(doc.regions)) return { error: [NO_DOCUMENT] };
  if (doc.version !== VERSION && doc.version !== VERSION_WITH_MASKS) {
    return { error: [OTHER_VERSION, { version: String(doc.version) }] };
  }
  return { doc, problem: problemOf(doc) };
}

/**
 * The first thing that Python would refuse.
 * @param {RegionDocument} doc
 * @returns {Problem | undefined}
 */
export function problemOf(doc) {
  if (!isSide(doc.width) || !isSide(doc.height)) return [BAD_SIZE];
  if (!OVERLAPS.includes(overlapOf(doc))) return [BAD_OVERLAP, { value: JSON.stringify(doc.overlap) }];
  if (doc.regions.length > MAX_REGIONS) return [TOO_MANY, { limit: MAX_REGIONS, count: doc.regions.length }];
  const at = doc.regions.findIndex((region) => !isBox(region?.box));
  if (at >= 0) return [BAD_BOX, { n: at + 1, box: JSON.stringify(doc.regions[at]?.box ?? null) }];
  const n = doc.regions.findIndex(({ mask }) => mask != null && !isMask(mask)) + 1;
  if (n) return [BAD_MASK, { n }];
  for (const [i, region] of doc.regions.entries()) {
    const key = Object.keys(IS).find((name) => region[name] !== undefined && !IS[name](region[name]));
    if (key) return [BAD_VALUE, { n: i + 1, key, value: JSON.stringify(region[key])?.slice(0, SHOWN) ?? "" }];
    if ((region.start ?? 0) >= (region.end ?? 1)) return [NEVER_THERE, { n: i + 1 }];
    if (region.keyframes && region.mask) return [MOVES, { n: i + 1 }];
  }
  return undefined;
}

// Half of a pair of characters, as a cut text ends with.
const isText = (value) => typeof value === "string" && !/\p{Surrogate}/u.test(value);
const isFlag = (value) => typeof value === "boolean";
const isShare = (value) => Number.isFinite(value) && value >= 0 && value <= 1;
/** What the values of a region must be, where it has them; undefined is what an edit took away. */
const IS = {
  id: isText, description: isText, negative: isText, color: isText, enabled: isFlag, locked: isFlag,
  behind: isFlag,
  strength: (value) => Number.isFinite(value) && value >= 0,
  start: isShare, end: isShare, keyframes: isKeyframes, strengths: isStrengths,
};
