// The region document and every change to it. Each function returns a new document and leaves its argument alone;
// keys this version does not know travel along.
import { clamp, freePlace, isBox, roundToPixels, tidy } from "./geometry.js";
import { placed } from "./keyframes.js";

/** @import { Box, Pair, Region, RegionDocument, RegionItem, Selection } from "./types.js" */

// tests/data/document.json holds these to what Python has.
export const VERSION = 1;
export const VERSION_WITH_MASKS = 2;
export const MAX_REGIONS = 64;
export const MAX_TOKENS = 128;
export const MIN_SIDE = 8;
export const MAX_SIDE = 16384;
export const PIXELS_PER_LATENT = 8;
/** What becomes of what several regions have: it is all of theirs, or the front one's. */
export const OVERLAPS = ["shared", "front"];
/** When incoming boxes count: as long as nothing is drawn, instead of what is drawn, or beside it. */
export const BOXES_MODES = ["when empty", "always", "add"];
export const COLORS = [
  "#e6194b", "#3cb44b", "#4363d8", "#f58231", "#911eb4", "#42d4f4", "#f032e6", "#bfef45",
  "#fabed4", "#469990", "#dcbeff", "#9a6324", "#ffe119", "#800000", "#aaffc3", "#808000",
];
/** What a region is where it does not say. */
export const DEFAULTS = Object.freeze({ description: "", negative: "", strength: 1, enabled: true, locked: false });

const DEFAULT_SIDE = 512;
/** @returns {RegionDocument} */
export const empty = () => ({ version: VERSION, width: DEFAULT_SIDE, height: DEFAULT_SIDE, regions: [] });

/** @type {(value: unknown) => value is number} */
export const isSide = (value) => Number.isInteger(value) && value >= MIN_SIDE && value <= MAX_SIDE;
const sideOf = (value) => (isSide(value) ? value : DEFAULT_SIDE);

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
  const at = (region) => placed(region, boxes.get(region.id));
  return { ...doc, regions: doc.regions.map((region) => (boxes.has(region.id) ? at(region) : region)) };
}

/**
 * Locked regions stay: a slip of the Delete key must not take what was locked against slips.
 * @type {(doc: RegionDocument, ids: Selection) => RegionDocument}
 */
export function remove(doc, ids) {
  return versioned({ ...doc, regions: doc.regions.filter((region) => !ids.includes(region.id) || region.locked) });
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
