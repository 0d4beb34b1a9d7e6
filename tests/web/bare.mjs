// An editor without a page: what becomes of its value, and in their order what it says and that panels are closed.
import { empty } from "../../web/editor/document.js";
import { Editor } from "../../web/editor/editor.js";
import { atFrame } from "../../web/editor/frames.js";
import { Timeline } from "../../web/editor/timeline.js";

/**
 * @param {object} [host]  what is asked of it
 * @param {import("../../web/editor/types.js").RegionDocument} [stored]
 * @param {number | null} [frame]  that the timeline shows
 */
export function bareEditor(host = {}, stored = empty(), frame = null) {
  const editor = Object.create(Editor.prototype);
  const said = [];
  return Object.assign(editor, {
    stored, frame, said, doc: atFrame(stored, frame), selection: [], gesture: null, message: {}, steps: 0,
    host: { memory: { frame }, changed() {}, addUndoStep: () => (editor.steps += 1), selected() {}, ...host },
    toolbar: { say: (text) => said.push(text), open: () => said.push("closed") },
    reading: {
      show: (reading, again) => (editor.bar = { reading, again }),
      hide: () => (editor.bar = undefined),
    },
    timeline: Object.assign(Object.create(Timeline.prototype), { editor }),
    list: { show() {} },
    stage: { root: {} },
    draw() {},
  });
}
