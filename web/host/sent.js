// What a run gets of a value: as the page does with its own prompts, the workflow keeps the wildcards and a run gets
// what was chosen. Where the editor is promoted, also through several subgraphs, the page puts the outermost widget's
// value as it is in place of the inner widget's answer; so that answer has to be from it, and to be the last one.
import { editors } from "./events.js";

/** @import { Hosted } from "../editor/types.js" */

/**
 * @param {Hosted} editor
 * @param {string} name  of its widget
 * @param {any} [asked]  the page's stand-in for the node in one run
 * @returns {string}
 */
export function sentBy(editor, name, asked) {
  const slot = asked?.inputs?.findIndex((input) => input.name === name) ?? -1;
  const promoted = slot >= 0 ? asked.resolveInput?.(slot)?.widgetInfo : undefined;
  if (typeof promoted?.value !== "string") return editor.sent;
  asked.inputs[slot].linkId = null;
  return sentAs(promoted.value);
}

/** Each widget that shows the value has an editor with it. */
function sentAs(value) {
  for (const editor of editors) if (editor.value === value) return editor.sent;
  return value;
}
