// What a region's row says without being opened: what is set in it, and what will not be drawn as it was meant (the
// cases "notes" of tests/data/document.json are those that Python says at the node too).
import { estimateTokens } from "./counts.js";
import {
  DEFAULTS, isEnabled, MAX_TOKENS, OVERLAPS, overlapOf, PIXELS_PER_LATENT, sizeOf, strengthOf,
} from "./document.js";
import { coverage, isBox, toPixels } from "./geometry.js";
import { boxAt, framesOf } from "./keyframes.js";

/** @import { Box, Keyframe, Note, Region, RegionDocument, RegionItem, TokenCount } from "./types.js" */

export const MOSTLY = 0.8; // of each other that two boxes cover before they are mixed
const BETWEEN = 31; // frames that are looked at between two keys

/**
 * The regions that cover each other for the most part and share that, each with the numbers of those it does so with.
 * @param {RegionDocument} doc
 * @returns {number[][]}
 */
export function covering(doc) {
  const [shared] = OVERLAPS;
  const counts = (region) => isBox(region.box) && isEnabled(region) && !region.mask && textOf(region)
    && Math.max(...strengthsOf(region)) > 0;
  const share = (region, other) => overlapOf(doc) === shared && counts(region) && counts(other)
    && Boolean(region.behind) === Boolean(other.behind);
  return doc.regions.map((region, i) => doc.regions.flatMap((other, j) =>
    (i !== j && share(region, other) && inOnePlace(region, other) ? [j + 1] : [])));
}

/** Whether two cover each other in each frame where one of them has a key and something of either is seen. */
function inOnePlace(region, other) {
  const frames = framesOf([region, other]);
  let seen = false;
  for (const frame of frames.length ? frames : [0]) {
    const [a, b] = [boxIn(region, frame), boxIn(other, frame)];
    if (!a && !b) continue;
    if (!a || !b || coverage(a, b) <= MOSTLY || coverage(b, a) <= MOSTLY) return false;
    seen = true;
  }
  return seen;
}

/** @type {(region: RegionItem, frame: number) => Box | null} */
const boxIn = (region, frame) => (region.keyframes ? boxAt(region.keyframes, frame) : region.box);

/**
 * Boxes that stand for those of all frames, as Python has them: of the keys, and of up to 31 frames between them.
 * Takes time in proportion to the keys, of which there may be thousands, at every drawing of a row.
 * @type {(keys: Keyframe[]) => (Box | null)[]}
 */
function someBoxes(keys) {
  const sorted = [...keys].sort((a, b) => a.frame - b.frame);
  const steps = Math.max(1, Math.floor((BETWEEN + 1) / Math.max(1, sorted.length - 1)));
  const between = sorted.slice(1).flatMap((last, i) => Array.from({ length: steps - 1 }, (_, k) => {
    const first = sorted[i];
    return boxAt([first, last], first.frame + Math.floor((last.frame - first.frame) * (k + 1) / steps));
  }));
  return [...sorted.map((key) => boxAt([key], key.frame)), ...between];
}

/** @type {(region: RegionItem) => string} */
const textOf = (region) => region.description?.trim() ?? "";

/** @type {(region: RegionItem) => number[]} all that it has over the noise schedule */
const strengthsOf = (region) => region.strengths?.map((key) => key.strength) ?? [strengthOf(region)];

/**
 * @param {RegionDocument} doc
 * @param {Region} region
 * @param {number[]} covers  numbers of the regions that it covers and that cover it
 * @param {TokenCount | undefined} counted  by the text encoder itself, where one has
 * @returns {Note[]}
 */
export function notesOf(doc, region, covers, counted) {
  const notes = [];
  const say = (short, long, values = {}) => notes.push({ short: [short, values], long: [long, values] });
  const warn = (short, long, values = {}) => {
    say(short, long, values);
    notes.at(-1).warns = true;
  };
  const strengths = strengthsOf(region);
  const [least, most] = [Math.min(...strengths), Math.max(...strengths)];
  const negative = region.negative?.trim();
  if (least < most) {
    const long = "Its strength changes between {least} and {most} over the noise schedule.";
    say("× {least} to {most}", long, { least, most });
  } else if (most !== DEFAULTS.strength) say("× {strength}", "Strength {strength}", { strength: most });
  if (region.behind) say("behind", "It gives way to all regions that are not behind.");
  if (region.keyframes) {
    const frames = region.keyframes.map(({ frame }) => frame);
    const values = { count: frames.length, first: Math.min(...frames), last: Math.max(...frames) };
    say("moves", "It moves: {count} keyframes, from frame {first} to {last}.", values);
  }
  const [start, end] = [region.start ?? 0, region.end ?? 1];
  if (start > 0 || end < 1) {
    say("from {start} to {end}", "It is there from {start} to {end} of the noise schedule only.", { start, end });
  }
  if (negative) say("not: {negative}", "Not in this box: {negative}", { negative });
  if (!isEnabled(region)) return notes;
  if (!most) warn("strength 0", "With strength 0 the region is left out.");
  const text = textOf(region);
  if (!text) warn("no text", "A region without a text is left out: write what belongs in it.");
  const tokens = counted?.tokens ?? estimateTokens(text).tokens;
  const values = { tokens, limit: MAX_TOKENS };
  if (tokens > MAX_TOKENS && counted) warn("cut", "{tokens} tokens: the text is cut after {limit}.", values);
  else if (tokens > MAX_TOKENS) warn("cut?", "About {tokens} tokens: what is beyond {limit} is cut off.", values);
  if (counted?.marks?.length) {
    const mark = counted.marks[0];
    warn("{mark}?", "{mark} is read as ordinary words here: it has no other meaning to this text encoder.", { mark });
  }
  if (counted?.nothing) {
    warn("not understood",
      "The text encoder knows nothing of this text, and a run will refuse it: write it in English.");
  } else if (counted?.unknown) {
    const { unknown, lost } = counted;
    const values = { unknown, pieces: lost.join(" ") };
    warn("{unknown} unknown", "The text encoder does not know {unknown} pieces of this text: {pieces}", values);
  }
  const cells = cellsAcross(doc, region);
  const side = PIXELS_PER_LATENT;
  if (region.keyframes && !cells) {
    warn("never seen", "It is in the picture in no frame: move one of its keyframes into it.");
  } else if (cells < 1) {
    warn("tiny", "Narrower than one cell of the latent ({side} pixels): it can hardly show.", { side });
  } else if (cells < 2) warn("small", "Narrower than two cells of the latent ({side} pixels each).", { side });
  if (covers.length) {
    const others = { regions: covers.join(", ") };
    warn("same place as {regions}", "It and region {regions} cover each other: their texts get mixed.", others);
  }
  return notes;
}

/** How many cells of the latent the shorter side of the box takes; of a region that moves, where that is largest. */
function cellsAcross(doc, region) {
  if (!isBox(region.box)) return Infinity;
  const boxes = region.keyframes ? someBoxes(region.keyframes) : [region.box];
  const sides = boxes.map((box) => {
    if (!box) return 0;
    const [x0, y0, x1, y1] = toPixels(box, sizeOf(doc));
    return Math.min(x1 - x0, y1 - y0);
  });
  return Math.max(...sides) / PIXELS_PER_LATENT;
}
