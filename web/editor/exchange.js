// Regions from and to other programs: pasted, imported and dropped JSON, and JSON for them.
import * as documents from "./document.js";
import { ImportProblem, read } from "./import.js";
import { element } from "./dom.js";
import { isBox } from "./geometry.js";

export const asJson = (doc, regions = doc.regions) => JSON.stringify({ ...doc, regions }, null, 1);

export function paste(editor, text) {
  attempt(editor, () => {
    const regions = read(text, documents.sizeOf(editor.doc)).items;
    const placed = regions.filter((region) => isBox(region.box));
    const [doc, ids] = documents.paste(editor.doc, placed);
    const [all, more] = documents.add(doc, regions.filter((region) => !isBox(region.box)));
    editor.grow([all, [...ids, ...more]]);
  });
}

export function importText(editor, text, { replace, ...options } = {}) {
  return attempt(editor, () => {
    const { items, doc: whole } = read(text, documents.sizeOf(editor.doc), options);
    if (replace && whole) return editor.change(documents.withIds(whole), { selection: [] });
    const [doc, ids] = documents.add(replace ? { ...editor.doc, regions: [] } : editor.doc, items);
    editor.change(doc, { selection: ids });
    const lost = items.length - ids.length;
    if (lost) editor.say("{lost} regions did not fit: at most {limit} are possible.", { lost, limit: documents.LIMIT });
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

/** Through the copy event, which also works where the page is not served over https. */
export function copyAll(editor) {
  editor.selection = [];
  editor.stage.root.focus({ preventScroll: true });
  document.execCommand("copy");
  editor.draw();
}

export function saveFile(editor) {
  const url = URL.createObjectURL(new Blob([asJson(editor.doc)], { type: "application/json" }));
  element("a", { href: url, download: "regions.json" }).click();
  setTimeout(() => URL.revokeObjectURL(url), 1000);
}

export function listenToDrops(editor) {
  const files = (event) => event.dataTransfer?.types.includes("Files");
  editor.panel.addEventListener("dragover", (event) => {
    if (!files(event)) return;
    event.preventDefault();
    event.stopPropagation();
  });
  editor.panel.addEventListener("drop", async (event) => {
    const file = event.dataTransfer?.files[0];
    // Pictures and workflows are ComfyUI's own to open.
    if (!file || !/json|text/.test(file.type || file.name)) return;
    event.preventDefault();
    event.stopPropagation();
    importText(editor, await file.text(), { replace: false });
  });
}
