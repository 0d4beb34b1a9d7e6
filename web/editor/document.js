// The region document and every change to it. Each function returns a new document and leaves its argument alone;
// keys this version does not know travel along.
import {
  align, bounds, boundedShift, clamp, distribute, freePlace, isBox, roundToPixels, tidy, toPixels, translate,
} from "./geometry.js";
import { isMask } from "./mask.js";

/** @import { Box, Pair, Problem, Region, RegionDocument, RegionItem, Selection } from "./types.js" */

// tests/data/document.json holds these to what Python has.
export const VERSION = 1;
const VERSION_WITH_MASKS = 2;
export const MAX_REGIONS = 64;
export const MAX_TOKENS = 128;
export const MIN_SIDE = 8;
export const MAX_SIDE = 16384;
export const PIXELS_PER_LATENT = 8;
/** What becomes of what several regions have: it is all of theirs, or the front one's. */
export const OVERLAPS = ["shared", "front"];
export const COLORS = [
  "#e6194b", "#3cb44b", "#4363d8", "#f58231", "#911eb4", "#42d4f4", "#f032e6", "#bfef45",
  "#fabed4", "#469990", "#dcbeff", "#9a6324", "#ffe119", "#800000", "#aaffc3", "#808000",
];
/** What a region is where it does not say. */
export const DEFAULTS = Object.freeze({ description: "", negative: "", strength: 1, enabled: true, locked: false });

const DEFAULT_SIDE = 512;
export const BAD_SIZE = "Width and height must be whole numbers of pixels from 8 to 16384.";
const NO_DOCUMENT = "This is no region document: an object with a list of regions is expected.";
const OTHER_VERSION = "This document has version {version}; this editor reads versions 1 and 2.";
export const TOO_MANY = "{count} regions are too many: at most {limit} are possible.";
const BAD_VALUE = "Region {n}: {key} cannot be {value}.";
export const BAD_BOX = "Region {n}: {box} is no box inside the image.";
const BAD_MASK = "Region {n}: its mask cannot be read.";
const BAD_OVERLAP = "Where regions overlap must be shared or front; it is {value}.";

/** @returns {RegionDocument} */
export const empty = () => ({ version: VERSION, width: DEFAULT_SIDE, height: DEFAULT_SIDE, regions: [] });

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
  if (!whole(doc.width) || !whole(doc.height)) return [BAD_SIZE];
  if (!OVERLAPS.includes(overlapOf(doc))) return [BAD_OVERLAP, { value: JSON.stringify(doc.overlap) }];
  if (doc.regions.length > MAX_REGIONS) return [TOO_MANY, { limit: MAX_REGIONS, count: doc.regions.length }];
  const at = doc.regions.findIndex((region) => !isBox(region?.box));
  if (at >= 0) return [BAD_BOX, { n: at + 1, box: JSON.stringify(doc.regions[at]?.box ?? null) }];
  const n = doc.regions.findIndex(({ mask }) => mask != null && !isMask(mask)) + 1;
  if (n) return [BAD_MASK, { n }];
  for (const [i, region] of doc.regions.entries()) {
    const key = Object.keys(IS).find((name) => name in region && !IS[name](region[name]));
    if (key) return [BAD_VALUE, { n: i + 1, key, value: JSON.stringify(region[key]) ?? "" }];
  }
  return undefined;
}

// Half of a pair of characters, as a cut text ends with.
const isText = (value) => typeof value === "string" && !/\p{Surrogate}/u.test(value);
const isFlag = (value) => typeof value === "boolean";
/** What the values of a region must be, where it has them. */
const IS = {
  id: isText, description: isText, negative: isText, color: isText, enabled: isFlag, locked: isFlag,
  behind: (value) => value === undefined || isFlag(value),
  strength: (value) => Number.isFinite(value) && value >= 0,
};

const whole = (value) => Number.isInteger(value) && value >= MIN_SIDE && value <= MAX_SIDE;
const sideOf = (value) => (whole(value) ? value : DEFAULT_SIDE);

/** @param {unknown} doc */
export const stringify = (doc) => JSON.stringify(doc);

/** A pack that knows no masks refuses a document with one, instead of filling the boxes. */
/** @type {(doc: RegionDocument) => RegionDocument} */
function versioned(doc) {
  const version = doc.regions.some(({ mask }) => mask) ? VERSION_WITH_MASKS : VERSION;
  return doc.version === version ? doc : { ...doc, version };
}

/**
 * Width and height in pixels, usable ones where the document's are not.
 * @param {RegionDocument} doc
 * @returns {Pair}
 */
export const sizeOf = (doc) => [sideOf(doc.width), sideOf(doc.height)];

/** @type {(doc: RegionDocument, id: string) => Region | undefined} */
export const find = (doc, id) => doc.regions.find((region) => region.id === id);
/** @param {Region} region */
export const movable = (region) => !region.locked && isBox(region.box);
/** @param {RegionDocument} doc */
export const overlapOf = (doc) => (doc.overlap === undefined ? OVERLAPS[0] : doc.overlap);
/** @param {RegionItem} region */
export const isEnabled = (region) => region.enabled !== false;
/** @param {RegionItem} region */
export const strengthOf = (region) => region.strength ?? DEFAULTS.strength;
/** @param {RegionItem} region */
export const colorOf = (region) => region.color || "#888888";

/**
 * Regions need distinct ids and colours to be told apart; a document from elsewhere may lack them.
 * @param {RegionDocument} doc
 * @returns {RegionDocument}
 */
export function completed(doc) {
  const seen = new Set();
  let changed = false;
  const regions = doc.regions.map((region, i) => {
    /** @type {RegionItem} */
    const usable = region && typeof region === "object" && !Array.isArray(region) ? region : { box: null };
    const named = typeof usable.id === "string" && usable.id && !seen.has(usable.id);
    const id = named ? usable.id : freshId(doc, seen);
    seen.add(id);
    if (named && usable.color) return region;
    changed = true;
    return /** @type {Region} */ ({ ...usable, id, color: usable.color || COLORS[i % COLORS.length] });
  });
  return changed ? { ...doc, regions } : doc;
}

function freshId(doc, taken = new Set()) {
  const used = new Set([...taken, ...doc.regions.map((region) => region?.id)]);
  let number = doc.regions.length + 1;
  while (used.has(`r${number}`)) number += 1;
  return `r${number}`;
}

/**
 * The palette's least used colour, so that neighbours differ.
 * @param {RegionDocument} doc
 */
export function freshColor(doc) {
  const count = (color) => doc.regions.filter((region) => region.color?.toLowerCase() === color).length;
  return COLORS.reduce((best, color) => (count(color) < count(best) ? color : best));
}

/**
 * `items` appended as regions of their own. Beyond the limit nothing is added.
 * @param {RegionDocument} doc
 * @param {RegionItem[]} items
 * @returns {[RegionDocument, Selection]} with the ids of the new regions
 */
export function add(doc, items) {
  const ids = [];
  let result = doc;
  for (const item of items) {
    if (result.regions.length >= MAX_REGIONS) break;
    const boxes = result.regions.map((region) => region.box).filter(isBox);
    const given = isBox(item.box) && item.box.map((value) => tidy(clamp(value)));
    const box = given || roundToPixels(freePlace(boxes), sizeOf(doc));
    const region = { ...DEFAULTS, ...item, id: freshId(result), box, color: item.color ?? freshColor(result) };
    ids.push(region.id);
    result = { ...result, regions: [...result.regions, region] };
  }
  return [versioned(result), ids];
}

/**
 * @param {RegionDocument} doc
 * @param {string | Selection} ids
 * @param {RegionItem} patch
 * @returns {RegionDocument}
 */
export function update(doc, ids, patch) {
  const chosen = new Set([ids].flat());
  const regions = doc.regions.map((region) => (chosen.has(region.id) ? { ...region, ...patch } : region));
  return versioned({ ...doc, regions });
}

/**
 * `boxes` by id; regions not in it stay the same objects.
 * @param {RegionDocument} doc
 * @param {Map<string, Box>} boxes
 * @returns {RegionDocument}
 */
export function setBoxes(doc, boxes) {
  if (!boxes.size) return doc;
  const placed = (region) => ({ ...region, box: boxes.get(region.id).map(tidy) });
  return { ...doc, regions: doc.regions.map((region) => (boxes.has(region.id) ? placed(region) : region)) };
}

const chosenMovable = (doc, ids) => doc.regions.filter((region) => ids.includes(region.id) && movable(region));

/**
 * Locked regions stay: a slip of the Delete key must not take what was locked against slips.
 * @type {(doc: RegionDocument, ids: Selection) => RegionDocument}
 */
export function remove(doc, ids) {
  return versioned({ ...doc, regions: doc.regions.filter((region) => !ids.includes(region.id) || region.locked) });
}

/** @type {(doc: RegionDocument, ids: Selection, offset?: number) => [RegionDocument, Selection]} */
export function duplicate(doc, ids, offset = 16) {
  return paste(doc, doc.regions.filter((region) => ids.includes(region.id)), offset);
}

/**
 * Copies of whole regions appended, shifted by `offset` pixels where one lies exactly there already.
 * @param {RegionDocument} doc
 * @param {RegionItem[]} regions
 * @param {number} [offset]
 * @returns {[RegionDocument, Selection]} with the ids of the copies
 */
export function paste(doc, regions, offset = 16) {
  const size = sizeOf(doc);
  const copies = regions.filter((region) => isBox(region.box)).map((region) => {
    let box = region.box;
    const pixels = (candidate) => isBox(candidate) && String(toPixels(candidate, size));
    const taken = (candidate) => doc.regions.some((other) => pixels(other.box) === pixels(candidate));
    for (let tries = 0; offset && tries < MAX_REGIONS && taken(box); tries++) {
      const shift = boundedShift(box, [offset / size[0], offset / size[1]]);
      const back = [-offset / size[0], -offset / size[1]];
      box = translate(box, shift[0] || shift[1] ? shift : boundedShift(box, back));
    }
    return { ...region, box, locked: false };
  });
  return add(doc, copies);
}

/**
 * Whole pixels, the whole selection stopping together at the picture's edge.
 * @type {(doc: RegionDocument, ids: Selection, dx: number, dy: number) => RegionDocument}
 */
export function nudge(doc, ids, dx, dy) {
  const regions = chosenMovable(doc, ids);
  if (!regions.length) return doc;
  const size = sizeOf(doc);
  const shift = boundedShift(bounds(regions.map((region) => region.box)), [dx / size[0], dy / size[1]]);
  const nudged = ({ box }) => translate(box, shift).map((value) => clamp(value));
  return setBoxes(doc, new Map(regions.map((region) => [region.id, nudged(region)])));
}

/**
 * how: left center right top middle bottom, or across / down for equal gaps. One box alone aligns to the picture.
 * @type {(doc: RegionDocument, ids: Selection, how: string) => RegionDocument}
 */
export function arrange(doc, ids, how) {
  const regions = chosenMovable(doc, ids);
  if (!regions.length) return doc;
  const boxes = regions.map((region) => region.box);
  const placed = how === "across" || how === "down"
    ? distribute(boxes, how === "down" ? 1 : 0)
    : align(boxes, how, regions.length > 1 ? bounds(boxes) : [0, 0, 1, 1]);
  // Gaps of boxes that overlap are negative, and can push one beyond the edge.
  const inside = (box) => translate(box, boundedShift(box, [0, 0])).map((v) => clamp(v));
  return setBoxes(doc, new Map(regions.map((region, i) => [region.id, inside(placed[i])])));
}

/**
 * Move the chosen regions one place up or down the list (steps ±1), or to its end (±Infinity).
 * @type {(doc: RegionDocument, ids: Selection, steps: number) => RegionDocument}
 */
export function reorder(doc, ids, steps) {
  const regions = [...doc.regions];
  const chosen = new Set(ids);
  if (Math.abs(steps) > 1) {
    const [moved, rest] = [regions.filter((r) => chosen.has(r.id)), regions.filter((r) => !chosen.has(r.id))];
    return { ...doc, regions: steps > 0 ? [...rest, ...moved] : [...moved, ...rest] };
  }
  const order = steps > 0 ? [...regions.keys()].reverse() : [...regions.keys()];
  for (const i of order) {
    const j = i + steps;
    if (!chosen.has(regions[i].id) || !regions[j] || chosen.has(regions[j].id)) continue;
    [regions[i], regions[j]] = [regions[j], regions[i]];
  }
  return { ...doc, regions };
}

/**
 * Put one region at a place of the list, for rows that are pulled.
 * @type {(doc: RegionDocument, id: string, index: number) => RegionDocument}
 */
export function moveTo(doc, id, index) {
  const rest = doc.regions.filter((region) => region.id !== id);
  if (rest.length === doc.regions.length) return doc;
  return { ...doc, regions: [...rest.slice(0, index), find(doc, id), ...rest.slice(index)] };
}

/**
 * Boxes are fractions and stay where they are in the picture.
 * @type {(doc: RegionDocument, width: number, height: number) => RegionDocument}
 */
export const setSize = (doc, width, height) => ({ ...doc, width, height });

/**
 * A document of which all that overlaps is shared does not say so.
 * @type {(doc: RegionDocument, overlap: string) => RegionDocument}
 */
export function setOverlap(doc, overlap) {
  const { overlap: before, ...rest } = doc;
  return overlap === OVERLAPS[0] ? rest : { ...rest, overlap };
}

/**
 * T5 splits words of a caption into about 1.3 pieces and counts every mark; an end token is added.
 * @param {string} text
 */
export function estimateTokens(text) {
  const words = [...text.matchAll(/[\p{L}\p{N}]+/gu)];
  const marks = [...text.matchAll(/[^\p{L}\p{N}\s]/gu)];
  const pieces = words.reduce((sum, [word]) => sum + Math.max(1, Math.round(word.length / 4.8)), 0);
  return { words: words.length, tokens: words.length || marks.length ? pieces + marks.length + 1 : 0 };
}
