// The editors that live, and the events of the page that are meant for one of them before the graph gets them.
import { api } from "./page.js";

/** @import { Hosted } from "../editor/types.js" */

/** @type {Set<Hosted>} */
export const editors = new Set();
const panels = new WeakMap();
let listening = false;

/** @param {Hosted} editor */
export function listenFor(editor) {
  editors.add(editor);
  panels.set(editor.panel, editor);
  if (listening) return;
  listening = true;
  for (const type of ["copy", "cut", "paste"]) document.addEventListener(type, handleClipboard, true);
  // Nodes 2.0 zooms the graph by what it catches on the way down.
  window.addEventListener("wheel", handleWheel, { capture: true, passive: true });
  // What is connected elsewhere decides who reads the texts.
  api.addEventListener("graphChanged", drawAll);
}

export function drawAll() {
  for (const editor of editors) editor.draw();
}

/** @returns {Hosted | undefined} */
function editorAround(element) {
  while (element && !panels.has(element)) element = element.parentElement;
  return panels.get(element);
}

function handleClipboard(event) {
  const active = document.activeElement;
  const editor = editorAround(active);
  if (!editor?.takesClipboard(active, event)) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  editor.handleClipboard(event);
}

function handleWheel(event) {
  const editor = editorAround(event.target);
  const scroller = editor?.scrollerOf(event.target);
  if (scroller && scroller.scrollHeight > scroller.clientHeight && !event.ctrlKey) event.stopPropagation();
}
