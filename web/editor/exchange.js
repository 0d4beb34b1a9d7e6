// Regions from and to other programs: pasted, imported and dropped JSON, and JSON for them.
import * as documents from "./document.js";
import { ImportProblem, read } from "./import.js";
import { element } from "./dom.js";
import { isBox } from "./geometry.js";

/** @import { Editor } from "./editor.js" */
/** @import { Region, RegionDocument } from "./types.js" */

const asJson = (doc, regions = doc.regions) => JSON.stringify({ ...doc, regions }, null, 1);

/**
 * Regions as JSON text, so that they travel between nodes, tabs and programs.
 * @param {RegionDocument} doc
 * @param {Region[]} regions
 * @param {DataTransfer} clipboard
 */
export function copy(doc, regions, clipboard) {
  clipboard.setData("text/plain", asJson(doc, regions));
}

/**
 * @param {Editor} editor
 * @param {string} text
 */
export function paste(editor, text) {
  attempt(editor, () => {
    const regions = read(text, documents.sizeOf(editor.doc)).items;
    const placed = regions.filter((region) => isBox(region.box));
    const [doc, ids] = documents.paste(editor.doc, placed);
    const [all, more] = documents.add(doc, regions.filter((region) => !isBox(region.box)));
    editor.append([all, [...ids, ...more]]);
  });
}

/**
 * True where `text` could be read; the editor says what was wrong with it otherwise.
 * @param {Editor} editor
 * @param {string} text
 * @param {{ replace?: boolean, layout?: string, units?: string }} [options]
 */
export function importText(editor, text, { replace, ...options } = {}) {
  return attempt(editor, () => {
    const { items, doc: whole } = read(text, documents.sizeOf(editor.doc), options);
    if (replace && whole) return editor.change(documents.completed(whole), { selection: [] });
    const [doc, ids] = documents.add(replace ? { ...editor.doc, regions: [] } : editor.doc, items);
    editor.change(doc, { selection: ids });
    const lost = items.length - ids.length;
    const limit = documents.MAX_REGIONS;
    if (lost) editor.say("{lost} regions did not fit: at most {limit} are possible.", { lost, limit });
  });
}

function attempt(editor, action) {
  try {
    editor.say("");
    action();
    return true;
  } catch (error) {
    if (!(error instanceof ImportProblem)) throw error;
    editor.say(...error.problem);
    return false;
  }
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
  const url = URL.createObjectURL(new Blob([asJson(editor.doc)], { type: "application/json" }));
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
    if (!file || !/json|text/.test(file.type || file.name)) return;
    event.preventDefault();
    event.stopPropagation();
    importText(editor, await file.text(), { replace: false });
  });
}
