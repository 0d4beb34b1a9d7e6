// Copy and paste through the system's clipboard as JSON text, so that regions travel between nodes, tabs and programs.
// One set of listeners for the page: the editor that has the focus gets the event before the graph does.
import { asJson, paste } from "./exchange.js";

const editors = new WeakMap();

function focused() {
  const active = document.activeElement;
  if (!active || active.matches("input, textarea, select")) return null;
  return editors.get(active.closest?.(".deig-panel")) ?? null;
}

export function listen(panel, editor) {
  if (!listen.installed) {
    listen.installed = true;
    for (const type of ["copy", "cut", "paste"]) document.addEventListener(type, handle, true);
  }
  editors.set(panel, editor);
}

function handle(event) {
  const editor = focused();
  if (!editor) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  if (event.type === "paste") return paste(editor, event.clipboardData.getData("text/plain"));
  const chosen = editor.chosen();
  const regions = chosen.length ? chosen : editor.doc.regions;
  event.clipboardData.setData("text/plain", asJson(editor.doc, regions));
  if (event.type === "cut") editor.removeChosen();
  else editor.say("Copied: {count}", { count: regions.length });
}
