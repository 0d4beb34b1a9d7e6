// The list of regions, a row for each. Rows are kept and only what differs is written to them, so that
// the caret stays where it is while the document changes around it.
import { sizeOf } from "./document.js";
import { element } from "./dom.js";
import { covering, notesOf } from "./notes.js";
import { Row } from "./row.js";

/** @import { Editor } from "./editor.js" */
/** @import { RegionDocument, Selection } from "./types.js" */

export class List {
  /** @param {Editor} editor */
  constructor(editor) {
    this.editor = editor;
    this.rows = new Map();
    this.root = element("ol", { className: "deig-list" });
  }

  /**
   * @param {RegionDocument} doc
   * @param {Selection} selection
   */
  draw(doc, selection) {
    const size = sizeOf(doc).join();
    const covers = covering(doc);
    const { counts } = this.editor;
    counts.restart();
    doc.regions.forEach((region, i) => {
      let row = this.rows.get(region.id);
      if (!row) this.rows.set(region.id, (row = new Row(this.editor, region.id)));
      if (this.root.children[i] !== row.root) this.root.insertBefore(row.root, this.root.children[i] ?? null);
      const chosen = selection.includes(region.id);
      const alone = chosen && selection.length === 1;
      const counted = counts.of(region.description ?? "");
      const state = { region, i, chosen, alone, size, counted, covers: covers[i].join() };
      if (Object.keys(state).every((key) => row[key] === state[key])) return;
      Object.assign(row, state);
      row.draw(doc);
      row.drawNotes(notesOf(doc, region, covers[i], counted));
    });
    while (this.root.children.length > doc.regions.length) this.root.lastChild.remove();
    for (const [id, row] of this.rows) {
      if (!row.root.isConnected && row.root.parentNode !== this.root) this.rows.delete(id);
    }
  }

  /**
   * Put the caret into a region's description.
   * @param {string} id
   */
  focus(id) {
    this.show(id);
    this.rows.get(id)?.text.focus({ preventScroll: true });
  }

  /**
   * scrollIntoView would also push the page around when the editor is partly outside it.
   * @param {string} id
   */
  show(id) {
    const row = this.rows.get(id)?.root;
    if (!row) return;
    const top = row.offsetTop - this.root.offsetTop;
    this.root.scrollTop = Math.min(top, Math.max(this.root.scrollTop, top + row.offsetHeight - this.root.clientHeight));
  }
}
