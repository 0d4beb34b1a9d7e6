// Foreign boxes that are read once more, in another order, unit or size: their regions get the new boxes, and whatever
// was done since they came in stays.
import { find, remove, setBoxes, stringify } from "./document.js";
import { isBox } from "./geometry.js";
import { join } from "./joining.js";
import { placed } from "./keyframes.js";

/** @import { Joined, Region, RegionDocument, RegionItem } from "./types.js" */

/**
 * By what the reader calls an entry, which is the same in each reading: its region as it came in, with the box of the
 * last reading.
 * @typedef {Map<string, Region>} Taken
 */

const KEPT = "Changed by hand, and therefore left as they are: {regions}.";

/** @type {(now: Region, was: Region) => boolean} whether nobody has moved it, painted it, locked it or let it move */
const inPlace = (now, was) =>
  String(now.box) === String(was.box) && !now.mask && !now.keyframes && !now.locked;

/** @type {(doc: RegionDocument, items: RegionItem[], ids: string[]) => Taken} of items of which the first became ids */
export const takenAs = (doc, items, ids) => new Map(ids.map((id, i) => [items[i].id, find(doc, id)]));

/**
 * @param {RegionDocument} doc
 * @param {Taken} taken
 * @param {RegionItem[]} items  of the new reading
 * @returns {Joined & { taken: Taken }}
 */
export function reread(doc, taken, items) {
  const next = new Map(taken);
  const boxes = new Map();
  const [gone, kept] = [[], []];
  for (const [entry, was] of taken) {
    const now = find(doc, was.id);
    const item = items.find(({ id }) => id === entry);
    if (!now || (item && !isBox(item.box))) continue;
    if (item && inPlace(now, was)) {
      boxes.set(was.id, item.box);
      next.set(entry, placed(was, item.box));
    } else if (!item && stringify(now) === stringify(was)) {
      gone.push(was.id);
      next.delete(entry);
    } else kept.push(was.id);
  }
  const more = items.filter(({ id }) => !taken.has(id));
  const joined = join(remove(setBoxes(doc, boxes), gone), { regions: more });
  const numbers = joined.doc.regions.flatMap(({ id }, i) => (kept.includes(id) ? [i + 1] : []));
  return {
    ...joined,
    said: numbers.length ? [[KEPT, { regions: numbers.join(", ") }], ...joined.said] : joined.said,
    taken: new Map([...next, ...takenAs(joined.doc, more, joined.ids)]),
  };
}
