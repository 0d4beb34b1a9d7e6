// Keys in the editor. What is not named here goes on to the page: undo, save and queue are its own.
import { nudge, reorder } from "./arrange.js";
import { isEnabled, movable, setBoxes, sizeOf } from "./document.js";
import { roundToPixels } from "./geometry.js";

/** @import { Editor } from "./editor.js" */

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/** @param {Editor} editor */
export function listenToKeys(editor) {
  editor.panel.addEventListener("keydown", (event) => {
    const used = keyInPanel(editor, event);
    if (used) event.stopPropagation();
    if (used === true) event.preventDefault();
  });
  editor.panel.addEventListener("keyup", () => keyUp(editor));
  // What a field held when it was entered or last changed: only what differs from it has an undo of its own.
  const settle = (field) => (field.before = field.value);
  editor.panel.addEventListener("change", (event) => settle(event.target));
  editor.panel.addEventListener("focusin", (event) => settle(event.target));
  editor.panel.addEventListener("focusout", () => keyUp(editor));
}

/**
 * A key anywhere in the editor: true where it was the editor's, "kept" where the browser may still act on it but not
 * the page.
 */
function keyInPanel(editor, event) {
  const { key } = event;
  const target = fieldOf(event);
  const inField = target.matches("input, textarea, select");
  const letter = isLetter(key) && !commanded(event);
  // What is being composed is the input method's, with its Enter and Escape.
  if (event.isComposing) return "kept";
  const typed = inField && (target.matches("select") || target.value !== target.before);
  if (editor.host.takeUndoKey(event, inField, typed)) return true;
  const inBox = target === editor.boxText.area;
  if (inBox && editor.boxText.fresh && !letter && actsOnBox(event)) editor.focus();
  if (target === editor.stage.root || (inBox && editor.boxText.id === null)) return keyDown(editor, event, letter);
  const done = inBox && key === "Enter" && !event.shiftKey && !commanded(event);
  if (done || (key === "Escape" && (inField || editor.toolbar.isOpen()))) {
    editor.toolbar.open(null);
    editor.focus();
    return true;
  }
  // Letters are text here, and Delete must not reach the page.
  if (inField) return !(event.ctrlKey || event.metaKey) && "kept";
  // On a button they are the commands that they are on the stage.
  if (letter) return keyDown(editor, event, letter);
  return ["Delete", "Backspace"].includes(key) && "kept";
}

const isLetter = (key) => [...key].length === 1 && key !== " ";
const commanded = (event) => event.ctrlKey || event.metaKey || event.altKey;
/** Keys that write nothing into an empty text. */
const actsOnBox = ({ key, ctrlKey, metaKey }) =>
  key in ARROWS || ["Delete", "Tab"].includes(key) || ((ctrlKey || metaKey) && ["a", "d"].includes(key.toLowerCase()));

/** @returns {any} the element that a key came to: a field, or not */
const fieldOf = (event) => event.target;

/** A key on the stage. Letters that mean nothing here stop too: the page would take them for its own shortcuts. */
function keyDown(editor, event, letter) {
  const { key, shiftKey: shift, altKey: alt } = event;
  const command = event.ctrlKey || event.metaKey;
  const { doc, selection } = editor;
  if (ARROWS[key] && !command) {
    if (!selection.length) return false;
    const [dx, dy] = ARROWS[key].map((step) => step * (shift ? 8 : 1));
    // A held key is one step for undo, which is added when the key comes up.
    const after = alt ? stretch(doc, editor.chosen(), dx, dy) : nudge(doc, selection, dx, dy);
    editor.change(after, { quiet: true });
    editor.nudged = true;
    const outside = editor.chosen().find(({ box }) => !box);
    if (outside) editor.describe(outside);
    return true;
  }
  if (command) {
    const action = { a: () => editor.selectAll(), d: () => editor.duplicate() }[key.toLowerCase()];
    action?.();
    // The clipboard's own events follow these keys; only the page must not see them.
    return action ? true : ["c", "x", "v"].includes(key.toLowerCase()) && "kept";
  }
  if (alt && isLetter(key)) return false;
  if (key === "Tab") return editor.selectNext(shift ? -1 : 1);
  if (key === "Escape") return editor.escape();
  const action = {
    Delete: () => editor.removeChosen(),
    Backspace: () => editor.removeChosen(),
    Enter: () => editor.write(selection.at(-1)),
    F2: () => editor.write(selection.at(-1)),
    Insert: () => editor.addBox(),
    n: () => editor.addBox(),
    "+": () => editor.addBox(),
    "[": () => (editor.brush.isOn ? editor.brush.grow(-1) : editor.change(reorder(doc, selection, -1))),
    "]": () => (editor.brush.isOn ? editor.brush.grow(1) : editor.change(reorder(doc, selection, 1))),
    Home: () => editor.change(reorder(doc, selection, -Infinity)),
    End: () => editor.change(reorder(doc, selection, Infinity)),
    k: () => editor.timeline.setKey(),
    l: () => switchChosen(editor, "locked"),
    h: () => switchChosen(editor, "enabled"),
    b: () => editor.setPreference("tool", "draw"),
    v: () => editor.setPreference("tool", "select"),
    p: () => editor.setPreference("tool", "paint"),
    e: () => editor.setPreference("tool", "erase"),
    0: () => editor.view.zoomBy(0),
    f: () => editor.host.toggleFullScreen(),
  }[key.length === 1 ? key.toLowerCase() : key];
  action?.();
  // Whoever types a text over a box that has one sees why nothing is written.
  if (!action && letter && selection.length) {
    editor.say("Letters are commands here: Enter or a double-click writes in the box.");
  }
  return action ? true : letter && "kept";
}

/**
 * By a letter, and said: it may have been meant as the beginning of a text.
 * @param {Editor} editor
 * @param {"locked" | "enabled"} key
 */
function switchChosen(editor, key) {
  editor.toggle(key);
  const chosen = editor.chosen();
  if (!chosen.length) return;
  const regions = chosen.map((region) => editor.doc.regions.indexOf(region) + 1).join(", ");
  if (key === "locked") {
    if (chosen[0].locked) editor.say("Locked: {regions}. L unlocks, Enter writes a text.", { regions });
    else editor.say("Unlocked: {regions}.", { regions });
    return;
  }
  if (isEnabled(chosen[0])) editor.say("Used again: {regions}.", { regions });
  else editor.say("Left out: {regions}. H takes it back, Enter writes a text.", { regions });
}

function keyUp(editor) {
  if (!editor.nudged) return;
  editor.nudged = false;
  editor.host.addUndoStep();
}

/** The regions' right and lower edges moved by whole pixels. */
function stretch(doc, regions, dx, dy) {
  const size = sizeOf(doc);
  const stretched = ({ box }) => roundToPixels([box[0], box[1], box[2] + dx / size[0], box[3] + dy / size[1]], size);
  return setBoxes(doc, new Map(regions.filter(movable).map((region) => [region.id, stretched(region)])));
}
