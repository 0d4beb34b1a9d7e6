// Keys in the editor. What is not named here goes on to ComfyUI: undo, save and queue are its own.
import { movable, nudge, reorder, setBoxes, sizeOf } from "./document.js";
import { roundToPixels } from "./geometry.js";

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

export function listenToKeys(editor) {
  editor.panel.addEventListener("keydown", (event) => {
    const typing = event.target.matches("input, textarea, select");
    // The graph undoes; left alone, the browser would also take back the last letter typed into a field.
    if (!typing && (event.ctrlKey || event.metaKey) && "zy".includes(event.key.toLowerCase())) event.preventDefault();
    if (typing && undoOrRedo(editor, event)) {
      event.stopPropagation();
      event.preventDefault();
    } else if (event.target === editor.stage.root && !event.isComposing) {
      const handled = keyDown(editor, event);
      if (handled) event.stopPropagation();
      if (handled === true) event.preventDefault();
    } else if (event.key === "Escape" && (typing || editor.toolbar.isOpen())) {
      editor.toolbar.open(null);
      editor.stage.root.focus({ preventScroll: true });
      event.stopPropagation();
      event.preventDefault();
    } else if (typing && !(event.ctrlKey || event.metaKey)) {
      // Letters are text here, and Delete must not reach the graph.
      event.stopPropagation();
    } else if (["Delete", "Backspace"].includes(event.key)) {
      event.stopPropagation();
    }
  });
  editor.panel.addEventListener("keyup", () => keyUp(editor));
  editor.panel.addEventListener("change", ({ target }) => (target.before = target.value));
  editor.panel.addEventListener("focusin", ({ target }) => {
    target.before = target.value;
    editor.place.remembered().focused = true;
  });
  editor.panel.addEventListener("focusout", () => {
    keyUp(editor);
    // Undo takes the focused editor out of the page; its successor then inherits the focus.
    setTimeout(() => {
      if (editor.panel.isConnected && !editor.panel.contains(document.activeElement)) editor.place.remembered().focused = false;
    });
  });
}

/** The page leaves Ctrl+Z to fields, for what is being typed; where nothing has been typed it is meant for the graph. */
function undoOrRedo(editor, { target, key, shiftKey, altKey, ctrlKey, metaKey }) {
  if (!(ctrlKey || metaKey) || altKey || target.matches("select") || target.value !== target.before) return false;
  const command = { z: shiftKey ? "redo" : "undo", y: "redo" }[key.toLowerCase()];
  if (command) editor.host[command]();
  return !!command;
}

/** A key on the stage: true where it was the editor's. */
function keyDown(editor, event) {
  const { key, shiftKey: shift, altKey: alt } = event;
  const command = event.ctrlKey || event.metaKey;
  const { doc, selection } = editor;
  if (ARROWS[key] && !command) {
    if (!selection.length) return false;
    const [dx, dy] = ARROWS[key].map((step) => step * (shift ? 8 : 1));
    // A held key is one step for undo: it is remembered when the key comes up.
    editor.change(alt ? grow(doc, editor.chosen(), dx, dy) : nudge(doc, selection, dx, dy), { quiet: true });
    editor.nudged = true;
    return true;
  }
  if (command) {
    const action = { a: () => editor.selectAll(), d: () => editor.duplicate() }[key.toLowerCase()];
    action?.();
    // The clipboard's own events follow these keys; only the graph must not see them.
    return action ? true : ["c", "x", "v"].includes(key.toLowerCase()) && "pass";
  }
  if (key === "Tab") return editor.step(shift ? -1 : 1);
  if (key === "Escape") return editor.escape();
  const action = {
    Delete: () => editor.removeChosen(),
    Backspace: () => editor.removeChosen(),
    Enter: () => editor.list.focus(selection.at(-1)),
    F2: () => editor.list.focus(selection.at(-1)),
    Insert: () => editor.addBox(),
    n: () => editor.addBox(),
    "+": () => editor.addBox(),
    "[": () => editor.change(reorder(doc, selection, -1)),
    "]": () => editor.change(reorder(doc, selection, 1)),
    Home: () => editor.change(reorder(doc, selection, -Infinity)),
    End: () => editor.change(reorder(doc, selection, Infinity)),
    l: () => editor.toggle("locked"),
    h: () => editor.toggle("enabled"),
    b: () => editor.setPreference("tool", "draw"),
    v: () => editor.setPreference("tool", "select"),
    f: () => editor.place.toggleFullScreen(),
  }[key.length === 1 ? key.toLowerCase() : key];
  action?.();
  return !!action;
}

function keyUp(editor) {
  if (!editor.nudged) return;
  editor.nudged = false;
  editor.host.remember();
}

function grow(doc, regions, dx, dy) {
  const size = sizeOf(doc);
  const grown = ({ box }) => roundToPixels([box[0], box[1], box[2] + dx / size[0], box[3] + dy / size[1]], size);
  return setBoxes(doc, new Map(regions.filter(movable).map((region) => [region.id, grown(region)])));
}
