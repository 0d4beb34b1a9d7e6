// Where regions are beside each other: copies, steps of the arrow keys, alignment, and their order.
import { add, find, MAX_REGIONS, movable, setBoxes, sizeOf } from "./document.js";
import { align, bounds, boundedShift, clamp, distribute, isBox, toPixels, translate } from "./geometry.js";
import { placed } from "./keyframes.js";

/** @import { RegionDocument, RegionItem, Selection } from "./types.js" */

const chosenMovable = (doc, ids) => doc.regions.filter((region) => ids.includes(region.id) && movable(region));

/**
 * Copies of whole regions appended, shifted by `offset` pixels where one lies exactly there already; those without a
 * box where there is room.
 * @param {RegionDocument} doc
 * @param {RegionItem[]} regions
 * @param {number} [offset]
 * @returns {[RegionDocument, Selection]} with the ids of the copies
 */
export function paste(doc, regions, offset = 16) {
  const size = sizeOf(doc);
  const copies = regions.map((region) => {
    let box = region.box;
    if (!isBox(box)) return { ...region, locked: false };
    const pixels = (candidate) => isBox(candidate) && String(toPixels(candidate, size));
    const taken = (candidate) => doc.regions.some((other) => pixels(other.box) === pixels(candidate));
    for (let tries = 0; offset && tries < MAX_REGIONS && taken(box); tries++) {
      const shift = boundedShift(box, [offset / size[0], offset / size[1]]);
      const back = [-offset / size[0], -offset / size[1]];
      box = translate(box, shift[0] || shift[1] ? shift : boundedShift(box, back));
    }
    return { ...placed(region, box), locked: false };
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
