// A document at one frame: what it shows there, and what an edit of that becomes.
import { sizeOf } from "./document.js";
import { boxAt, wholeBoxAt, withKey } from "./keyframes.js";

/** @import { Box, Pair, RegionDocument } from "./types.js" */

const ROUNDED = 0.51; // pixels by which the ways of two edges of a box that is moved may differ, for they are rounded

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
 * Where a box is of which only the part in the picture was edited. An edge beyond the picture stays there until it is
 * pulled into it; where that part is moved, it goes along.
 * @param {Box} whole
 * @param {Box} seen  its part in the picture
 * @param {Box} edited
 * @param {Pair} size  of the picture in pixels
 * @returns {Box}
 */
function editedWhole(whole, seen, edited, size) {
  const ways = edited.map((edge, i) => edge - seen[i]);
  return whole.map((edge, i) => {
    const other = (i + 2) % 4;
    if (edge === seen[i]) return edited[i];
    if (!ways[i]) return edge;
    return Math.abs(ways[i] - ways[other]) * size[i % 2] < ROUNDED ? edge + ways[other] : edited[i];
  });
}

/**
 * What becomes of a document when what it shows at a frame is edited: boxes of moving regions that are elsewhere now
 * are keys at that frame. One that no longer moves stays where it is shown, if it is.
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
    if (!was?.keyframes) return region;
    if (!region.keyframes) return { ...region, box: region.box ?? was.box };
    if (String(region.box) === String(seen.box)) return { ...region, box: was.box };
    const box = editedWhole(wholeBoxAt(was.keyframes, frame), seen.box, region.box, sizeOf(doc));
    return { ...region, box: was.box, keyframes: withKey(was.keyframes, frame, box) };
  });
  return { ...edited, regions };
}
