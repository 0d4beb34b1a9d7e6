// Regions from elsewhere, and copies, join a document: what it is then, and what is to be said of that.
import { add, MAX_REGIONS, OVERLAPS, overlapOf, setOverlap } from "./document.js";

/** @import { Joined, Problem, RegionDocument, RegionItem, Selection } from "./types.js" */

const LOST = "{lost} regions did not fit: at most {limit} are possible.";
const ONE_LOST = "One region did not fit: at most {limit} are possible.";
const FULL = "There are {limit} regions already; more are not possible.";
const OWNED = "What boxes share belongs to the front one from now on, as it did where these come from.";

/** @type {(lost: number, added: number) => Problem[]} what is said of regions that there was no room for */
export function noRoom(lost, added) {
  if (!lost) return [];
  if (added && lost > 1) return [[LOST, { lost, limit: MAX_REGIONS }]];
  return [[added ? ONE_LOST : FULL, { limit: MAX_REGIONS }]];
}

/**
 * What boxes share is the front one's where either side says so, as where nodes join them (deig_core/regions/rules.py).
 * @param {RegionDocument} doc
 * @param {{ regions: RegionItem[], overlap?: string }} coming
 * @param {(doc: RegionDocument, items: RegionItem[]) => [RegionDocument, Selection]} [put]
 * @returns {Joined}
 */
export function join(doc, { regions, overlap }, put = add) {
  const [, front] = OVERLAPS;
  const [joined, ids] = put(doc, regions);
  const said = noRoom(regions.length - ids.length, ids.length);
  if (!ids.length || overlap !== front || overlapOf(doc) === front) return { doc: joined, ids, said };
  return { doc: setOverlap(joined, front), ids, said: doc.regions.length ? [...said, [OWNED]] : said };
}
