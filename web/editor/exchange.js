// Regions from and to other programs: pasted, imported and dropped JSON, and JSON for them.
import * as arranging from "./arrange.js";
import * as documents from "./document.js";
import { element } from "./dom.js";
import { join } from "./joining.js";
import { parse } from "./parse.js";
import { tell } from "./reading.js";
import { reread, takenAs } from "./rereading.js";

/** @import { Editor } from "./editor.js" */
/** @import { Taken } from "./rereading.js" */
/** @import { Reading, ReadingOptions, Region, RegionDocument, RegionItem, Selection } from "./types.js" */

export const MOST_BYTES = 4 * 1024 * 1024; // as the server reads them

/** Imports of each editor, counted. */
const turns = new WeakMap();

const asJson = (doc, regions = doc.regions) => JSON.stringify({ ...doc, regions }, null, 1);

/**
 * Regions as JSON text, so that they travel between nodes, tabs and programs.
 * @param {RegionDocument} doc
 * @param {Region[]} regions
 * @param {DataTransfer} clipboard
 */
function copy(doc, regions, clipboard) {
  clipboard.setData("text/plain", asJson(doc, regions));
}

/**
 * Fields have their own; but a new box that nothing was typed into is copied, and boxes are no text for it.
 * @param {Editor} editor
 * @param {Element} active
 * @param {ClipboardEvent} event
 */
export function takesClipboard({ boxText }, active, event) {
  if (active === boxText.area && boxText.fresh) {
    return event.type !== "paste" || /^\s*[[{]/.test(event.clipboardData.getData("text/plain"));
  }
  return !active.matches("input, textarea, select");
}

/**
 * @param {Editor} editor
 * @param {ClipboardEvent} event
 */
export function handleClipboard(editor, event) {
  editor.focus();
  if (event.type === "paste") return paste(editor, event.clipboardData.getData("text/plain"));
  const { stored, selection } = editor;
  const chosen = stored.regions.filter(({ id }) => selection.includes(id));
  const regions = chosen.length ? chosen : stored.regions;
  copy(stored, regions, event.clipboardData);
  if (event.type === "cut") editor.removeChosen();
  else editor.say("Copied: {count}", { count: regions.length });
}

/**
 * @param {Editor} editor
 * @param {string} text
 */
export async function paste(editor, text) {
  const answer = await read(editor, text);
  if (answer) take(editor, text, answer, { put: arranging.paste });
  editor.focus();
}

/**
 * True where something came of `text`; the editor says what was wrong with it otherwise, and how it was read.
 * @param {Editor} editor
 * @param {string} text
 * @param {ReadingOptions & { replace?: boolean }} [options]
 */
export async function importText(editor, text, { replace = false, ...options } = {}) {
  const answer = await newest(editor, read(editor, text, options));
  return !!answer && take(editor, text, answer, { replace });
}

/**
 * A document of the editor's own stays to the letter; all else the server reads.
 * @param {Editor} editor
 * @param {string} text
 * @param {ReadingOptions} [options]
 * @returns {Promise<Partial<Reading> | null>}
 */
async function read(editor, text, options) {
  if (editor.refused) {
    editor.say(...editor.refused);
    return null;
  }
  const { doc, error, problem } = parse(text);
  return error || problem || !text.trim() ? ask(editor, text, options) : { doc, whole: true };
}

/**
 * An answer, unless something newer was asked for while the server was reading.
 * @template T
 * @param {Editor} editor
 * @param {Promise<T | null>} asked
 */
async function newest(editor, asked) {
  const turn = (turns.get(editor) ?? 0) + 1;
  turns.set(editor, turn);
  const answer = await asked;
  return turns.get(editor) === turn ? answer : null;
}

/**
 * A foreign list has no colours: those in the answer were given by its order.
 * @type {(answer: Partial<Reading>) => RegionItem[]}
 */
const itemsOf = ({ doc, whole }) => (whole ? doc.regions : doc.regions.map(({ color, ...item }) => item));

/**
 * @param {Editor} editor
 * @param {string} text
 * @param {Partial<Reading>} answer
 * @param {{ replace?: boolean, put?: (doc: RegionDocument, items: RegionItem[]) => [RegionDocument, Selection] }} how
 * @returns {boolean} whether anything came of it
 */
function take(editor, text, answer, { replace = false, put }) {
  const { doc: found, whole, said } = answer;
  const items = itemsOf(answer);
  const base = replace ? { ...editor.stored, regions: [] } : editor.stored;
  const joined = join(base, { regions: items, overlap: found.overlap }, put);
  const all = replace && whole;
  if (!all && !joined.ids.length) {
    editor.sayAll(items.length ? joined.said : [["There are no boxes in it."]]);
    return false;
  }
  // What is said in a panel goes with it.
  editor.toolbar.open(null);
  if (all) {
    editor.replace(documents.completed(found), { selection: [] });
    editor.say("");
  } else editor.take(joined);
  if (said) showReading(editor, text, /** @type {Reading} */ (answer), takenAs(joined.doc, items, joined.ids));
  else if (replace) editor.reading.hide();
  return true;
}

/**
 * How it was read, and another reading once order, units or size are changed there.
 * @param {Editor} editor
 * @param {string} text
 * @param {Reading} answer
 * @param {Taken} taken
 */
function showReading(editor, text, answer, taken) {
  editor.reading.show(answer, (changed) => readAgain(editor, text, changed, taken));
}

/**
 * @param {Editor} editor
 * @param {string} text
 * @param {ReadingOptions} options
 * @param {Taken} taken
 */
async function readAgain(editor, text, options, taken) {
  if (![...taken.values()].some(({ id }) => documents.find(editor.stored, id))) {
    editor.reading.hide();
    return editor.say("None of these boxes is here any more: import them once more.");
  }
  const answer = await newest(editor, ask(editor, text, options));
  if (!answer) return;
  const again = reread(editor.stored, taken, itemsOf(answer));
  editor.replace(again.doc);
  editor.sayAll(again.said);
  showReading(editor, text, answer, again.taken);
}

/**
 * @param {Editor} editor
 * @param {string} text
 * @param {ReadingOptions} [options]
 * @returns {Promise<Reading | null>}
 */
async function ask(editor, text, options = {}) {
  editor.say("");
  const [width, height] = documents.sizeOf(editor.doc);
  const answer = await editor.host.readBoxes({ text, width, height, ...options });
  if (!answer) editor.say("The server does not answer: is it still running?");
  else if (answer.error) editor.say(answer.error);
  else if (!answer.doc.regions.length) editor.say(answer.said.map(tell).join(" "));
  else return answer;
  return null;
}

/**
 * Through the copy event, which also works where the page is not served over https.
 * @param {Editor} editor
 */
export function copyAll(editor) {
  editor.selection = [];
  editor.focus();
  document.execCommand("copy");
  editor.draw();
}

/** @param {Editor} editor */
export function saveFile(editor) {
  const url = URL.createObjectURL(new Blob([asJson(editor.stored)], { type: "application/json" }));
  element("a", { href: url, download: "regions.json" }).click();
  setTimeout(() => URL.revokeObjectURL(url), 1000);
}

/** @param {Editor} editor */
export function listenToDrops(editor) {
  const files = (event) => event.dataTransfer?.types.includes("Files");
  editor.panel.addEventListener("dragover", (event) => {
    if (!files(event)) return;
    event.preventDefault();
    event.stopPropagation();
  });
  editor.panel.addEventListener("drop", async (event) => {
    const file = event.dataTransfer?.files[0];
    // Pictures and workflows are the page's own to open.
    if (!file || !/json|text|xml|csv/.test(file.type || file.name) || file.size > MOST_BYTES) return;
    event.preventDefault();
    event.stopPropagation();
    importText(editor, await file.text(), { replace: false });
  });
}
