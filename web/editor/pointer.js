// The pointer on the stage: its events become a gesture.
import { beginGesture, cursorAt, endGesture, followGesture } from "./gesture.js";
import { noRoom } from "./joining.js";
import { MOVES } from "./parse.js";

/** @import { Editor } from "./editor.js" */
/** @import { Mods, Pair, Scene } from "./types.js" */

/** @returns {Mods} */
const modsOf = (event) => ({ shift: event.shiftKey, alt: event.altKey, ctrl: event.ctrlKey || event.metaKey });

/**
 * @param {Editor} editor
 * @param {PointerEvent} event
 * @param {Pair} unit
 * @returns {Scene}
 */
function sceneOf(editor, event, unit) {
  const { doc, selection, preferences: { tool, grid, magnet }, brush: { diameter: brush } } = editor;
  return { doc, selection, unit, tool, grid, magnet, brush, touch: event.pointerType === "touch" };
}

/** @param {Editor} editor */
export function listenToPointer(editor) {
  const { root } = editor.stage;
  root.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || editor.gesture || editor.refused) return;
    const { point, unit } = editor.stage.locate(event);
    if (event.target === editor.boxText.area && editor.boxText.takes(point)) return;
    editor.focus();
    const gesture = beginGesture(sceneOf(editor, event, unit), point, modsOf(event));
    const painted = editor.doc.regions.findIndex(({ id, keyframes }) => id === gesture.target && keyframes);
    if (painted >= 0) return editor.say(MOVES, { n: painted + 1 });
    root.setPointerCapture(event.pointerId);
    editor.toolbar.open(null);
    editor.gesture = gesture;
    editor.pointer = event.pointerId;
    if (editor.gesture.selection !== editor.selection) editor.select(editor.gesture.selection);
  });
  root.addEventListener("pointermove", (event) => {
    if (!editor.gesture) return hover(editor, event);
    if (event.pointerId !== editor.pointer) return;
    const { point } = editor.stage.locate(event, false);
    editor.gesture = followGesture(editor.gesture, point, modsOf(event));
    editor.stage.showBrush(point);
    if (editor.gesture.moved) editor.draw();
  });
  root.addEventListener("pointerup", (event) => event.pointerId === editor.pointer && finish(editor));
  root.addEventListener("pointercancel", () => editor.gesture && editor.escape());
  root.addEventListener("pointerleave", () => editor.stage.showBrush(null));
  root.addEventListener("dblclick", (event) => {
    if (editor.selection.length !== 1 || editor.boxText.takes(editor.stage.locate(event).point)) return;
    editor.write(editor.selection[0]);
  });
}

function hover(editor, event) {
  if (event.buttons || event.pointerType === "touch") return;
  const { point, unit } = editor.stage.locate(event);
  editor.stage.showBrush(point);
  const cursor = cursorAt(sceneOf(editor, event, unit), point, modsOf(event));
  if (cursor !== editor.cursor) editor.stage.root.style.cursor = editor.cursor = cursor;
}

function finish(editor) {
  const { gesture } = editor;
  editor.gesture = editor.pointer = null;
  if (!gesture) return;
  const { doc, selection, lost } = endGesture(gesture);
  const added = doc.regions.length - editor.doc.regions.length;
  editor.sayAll(noRoom(lost, added));
  const drawn = ["draw", "paint"].includes(gesture.kind) && added > 0;
  editor.change(doc, { selection });
  // A finger would call up the keyboard of the screen after every box.
  if (drawn && !gesture.scene.touch) editor.write(selection[0], true);
}
