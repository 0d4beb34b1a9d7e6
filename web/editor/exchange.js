// Regions from and to other programs: pasted, imported and dropped JSON, and JSON for them.
import * as arranging from "./arrange.js";
import * as documents from "./document.js";
import { element } from "./dom.js";
import { isBox } from "./geometry.js";
import { parse } from "./parse.js";
import { tell } from "./reading.js";

/** @import { Editor } from "./editor.js" */
/** @import { Reading, ReadingOptions, Region, RegionDocument } from "./types.js" */

const MOST_BYTES = 4 * 1024 * 1024; // as the server reads them

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
  const regions = (ownDocument(text) ?? (await ask(editor, text))?.doc)?.regions;
  if (!regions) return;
  const placed = regions.filter((region) => isBox(region.box));
  const [doc, ids] = arranging.paste(editor.doc, placed);
  const [all, more] = documents.add(doc, regions.filter((region) => !isBox(region.box)));
  editor.append([all, [...ids, ...more]]);
}

/** A document of the editor's own, which stays to the letter; all else the server reads. */
function ownDocument(text) {
  const { doc, error, problem } = parse(text);
  return error || problem || !text.trim() ? undefined : doc;
}

/**
 * True where `text` could be read; the editor says what was wrong with it otherwise, and how it was read. Another
 * reading, once order, units or size are changed there, starts from the same document.
 * @param {Editor} editor
 * @param {string} text
 * @param {ReadingOptions & { replace?: boolean }} [options]
 * @param {RegionDocument} [before]
 */
export async function importText(editor, text, { replace = false, ...options } = {}, before = editor.doc) {
  const own = ownDocument(text);
  const turn = (turns.get(editor) ?? 0) + 1;
  turns.set(editor, turn);
  const answer = own ? { doc: own, whole: true } : await ask(editor, text, options);
  // Something newer may have been asked while the server was reading.
  if (!answer || turns.get(editor) !== turn) return false;
  const { doc: found, whole } = answer;
  if (replace && whole) editor.change(documents.completed(found), { selection: [] });
  else {
    // Colours of a foreign list are only its order's.
    const items = whole ? found.regions : found.regions.map(({ id, color, ...item }) => item);
    const [doc, ids] = documents.add(replace ? { ...before, regions: [] } : before, items);
    editor.change(doc, { selection: ids });
    const lost = items.length - ids.length;
    const limit = documents.MAX_REGIONS;
    if (lost) editor.say("{lost} regions did not fit: at most {limit} are possible.", { lost, limit });
  }
  if (own) editor.reading.hide();
  else editor.reading.show(answer, (changed) => importText(editor, text, { replace, ...changed }, before));
  return true;
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
