// Every other way in: JSON as people, nodes and models write it, turned into region items. In step with
// deig_core/regions/formats.py; both sides run the cases of tests/data/region_formats.json.
import { clamp, isBox } from "./geometry.js";
import { BAD_BOX, MAX_REGIONS, parse, TOO_MANY } from "./document.js";

/** @import { Pair, Problem, RegionDocument, RegionItem } from "./types.js" */

const TEXTS = ["description", "desc", "label", "caption", "prompt", "text", "phrase", "name", "class", "category"];
const LISTS = ["elements", "boxes", "bboxes", "detections", "objects", "instances"];
// Beside a list of boxes.
const PARALLEL = ["labels", "phrases", "captions", "descriptions", "texts", "class_names", "names"];
const BOXES = ["box", "xyxy", "box_2d", "bbox"];
export const LAYOUTS = ["xyxy", "xywh", "yxyx"];
export const UNITS = ["auto", "pixels", "fractions", "0..1000"];
const UNREADABLE = "No boxes could be read: JSON with a list of boxes or a region document is expected.";

export class ImportProblem extends Error {
  /** @param {Problem} problem */
  constructor(...problem) {
    super(problem[0]);
    this.problem = problem;
  }
}

const isObject = (value) => value !== null && typeof value === "object" && !Array.isArray(value);
const isFour = (value) => Array.isArray(value) && value.length === 4 && value.every((v) => typeof v === "number");

/**
 * JSON text with code fences, words around it and trailing commas forgiven. Throws ImportProblem.
 * @param {string} text
 */
export function fromText(text) {
  const body = (/```[\w-]*\s*([\s\S]*?)```/.exec(text)?.[1] ?? text).trim();
  if (!body) return [];
  const starts = [body.indexOf("{"), body.indexOf("[")].filter((at) => at >= 0);
  const end = Math.max(body.lastIndexOf("}"), body.lastIndexOf("]")) + 1;
  for (const candidate of starts.length ? [body, body.slice(Math.min(...starts), end)] : [body]) {
    for (const attempt of [candidate, withoutTrailingCommas(candidate)]) {
      try {
        return JSON.parse(attempt);
      } catch {
        continue;
      }
    }
  }
  throw new ImportProblem(UNREADABLE);
}

const withoutTrailingCommas = (text) =>
  text.replace(/("(?:[^"\\]|\\.)*")|,(?=\s*[}\]])/g, (_, string) => string ?? "");

/**
 * Items to add to a document; for one of our own documents also itself. Throws ImportProblem.
 * size is what pixels refer to; layout and units are those of bare lists and detections.
 * @param {any} source
 * @param {Pair} size
 * @param {{ layout?: string, units?: string }} [options]
 * @returns {{ items: RegionItem[], doc?: RegionDocument }}
 */
export function read(source, size, { layout = "xyxy", units = "auto" } = {}) {
  const value = typeof source === "string" ? fromText(source) : source;
  if (isObject(value) && "regions" in value) {
    const { doc, error, problem } = parse(value);
    if (error || problem) throw new ImportProblem(...(error ?? problem));
    return { items: doc.regions, doc };
  }
  const entries = entriesOf(value);
  if (!entries.length) throw new ImportProblem("There are no boxes in it.");
  if (entries.length > MAX_REGIONS) throw new ImportProblem(TOO_MANY, { limit: MAX_REGIONS, count: entries.length });
  const lists = entries.filter((entry) => !hasOwnUnits(entry)).map(bare).filter(Array.isArray);
  const numbers = lists.flat().filter((value) => typeof value === "number");
  const unit = units !== "auto" ? units : numbers.every((value) => Math.abs(value) <= 1) ? "fractions" : "pixels";
  return { items: entries.map((entry, i) => itemOf(entry, i + 1, size, layout, unit)) };
}

function entriesOf(value) {
  if (isObject(value)) {
    const entries = value[LISTS.find((key) => Array.isArray(value[key]))];
    return entries ? withTexts(entries, value) : [value];
  }
  if (!Array.isArray(value)) throw new ImportProblem(UNREADABLE);
  if (isFour(value)) return [value];
  // Of several frames the first one is read.
  return Array.isArray(value[0]) && !isFour(value[0]) ? value[0] : value;
}

/** Boxes with the texts that stand beside them in a list of the same length. */
function withTexts(entries, value) {
  const texts = value[PARALLEL.find((key) => Array.isArray(value[key]) && value[key].length === entries.length)];
  if (!texts?.every((text) => typeof text === "string") || !entries.every(Array.isArray)) return entries;
  return entries.map((box, i) => ({ box, label: texts[i] }));
}

const has = (entry, ...keys) => isObject(entry) && keys.every((key) => key in entry);
const hasOwnUnits = (entry) => has(entry, "box_2d") || has(entry, "bbox", "desc")
  || has(entry, "x", "y", "w", "h") || has(entry, "x", "y", "width", "height");
const bare = (entry) => (isObject(entry) ? entry[BOXES.find((key) => key in entry)] : entry);

function itemOf(entry, n, size, layout, units) {
  const item = {};
  const description = descriptionOf(entry);
  if (description) item.description = description;
  if (isObject(entry) && typeof entry.strength === "number") item.strength = entry.strength;
  const values = boxOf(entry, size, layout, units);
  // A text alone is an object without a place: the document finds one for it.
  if (values === undefined && description) return item;
  if (!Array.isArray(values)) throw new ImportProblem(BAD_BOX, { n, box: JSON.stringify(bare(entry) ?? entry) });
  const box = values.map((v) => clamp(v));
  if (!isBox(values) || !isBox(box)) throw new ImportProblem(BAD_BOX, { n, box: JSON.stringify(bare(entry) ?? entry) });
  return { ...item, box };
}

function boxOf(entry, size, layout, units) {
  const four = (...keys) => keys.map((key) => entry[key]);
  if (typeof entry === "string") return undefined;
  if (has(entry, "x", "y", "w", "h")) return fractions(four("x", "y", "w", "h"), "xywh", [1, 1]);
  if (has(entry, "x", "y", "width", "height")) return fractions(four("x", "y", "width", "height"), "xywh", size);
  if (has(entry, "box_2d") || has(entry, "bbox", "desc")) return fractions(bare(entry), "yxyx", [1000, 1000]);
  if (bare(entry) === undefined) return isObject(entry) ? undefined : null;
  const scale = { fractions: [1, 1], pixels: size, "0..1000": [1000, 1000] }[units];
  return fractions(bare(entry), has(entry, "xyxy") ? "xyxy" : layout, scale);
}

function fractions(values, layout, scale) {
  if (!isFour(values)) return null;
  const [a, b, c, d] = values;
  const corners = { xyxy: [a, b, c, d], xywh: [a, b, a + c, b + d], yxyx: [b, a, d, c] }[layout];
  return corners.map((value, i) => value / scale[i % 2]);
}

function descriptionOf(entry) {
  if (typeof entry === "string") return entry.trim();
  if (!isObject(entry)) return "";
  for (const holder of [entry, isObject(entry.metadata) ? entry.metadata : {}]) {
    for (const key of TEXTS) {
      if (typeof holder[key] === "string" && holder[key].trim()) return holder[key].trim();
    }
  }
  return "";
}
