// Where the editor's panel is: in its node or full screen, and again there after undo has made a new editor.
import { element } from "./dom.js";

export class Place {
  constructor(editor) {
    this.editor = editor;
  }

  /** What outlives this editor: {selection, focused, dialog, home, editor}. */
  remembered() {
    return this.editor.host.session() ?? {};
  }

  toggleFullScreen() {
    if (this.dialog) return this.dialog.close();
    this.enterDialog(element("dialog", { className: "deig-dialog" }));
  }

  /** The panel moves into a dialog on top of everything; undo makes a new editor, which moves into the same one. */
  enterDialog(dialog) {
    this.dialog = dialog;
    this.remembered().dialog = dialog;
    dialog.replaceChildren(this.editor.panel);
    dialog.onclose = () => {
      dialog.remove();
      this.dialog = this.remembered().dialog = undefined;
      (this.remembered().home ?? this.editor.root).append(this.editor.panel);
      this.editor.draw();
    };
    if (!dialog.isConnected) document.body.append(dialog);
    if (!dialog.open) dialog.showModal();
    this.editor.stage.root.focus({ preventScroll: true });
    this.editor.draw();
  }

  /** After undo or reload: pick up what the node's earlier editor was showing. */
  resume() {
    const memory = this.remembered();
    const { selection = [], dialog, focused } = memory;
    this.resumed = true;
    memory.editor = this.editor;
    this.editor.select(selection);
    this.moveIn();
    if (dialog?.isConnected) this.enterDialog(dialog);
    if (focused) this.focusWhenShown();
  }

  /** Nodes 2.0 may keep showing the element of the widget that undo has replaced: then the panel moves in there. */
  moveIn(frames = 60) {
    const memory = this.remembered();
    if (memory.editor !== this.editor) return;
    const home = [this.editor.root, memory.home].find((place) => place?.isConnected);
    if (home) {
      memory.home = home;
      if (!this.dialog && this.editor.panel.parentElement !== home) home.replaceChildren(this.editor.panel);
    }
    if (frames) requestAnimationFrame(() => this.moveIn(frames - 1));
  }

  /** The page mounts a widget's element some frames after it has made the widget. */
  focusWhenShown(frames = 60) {
    const { root } = this.editor.stage;
    if (root.offsetParent) root.focus({ preventScroll: true });
    else if (frames) requestAnimationFrame(() => this.focusWhenShown(frames - 1));
  }

  dispose() {
    const { dialog, editor: { panel } } = this;
    // If no successor takes the dialog over, the node is gone.
    if (dialog) setTimeout(() => dialog.contains(panel) && dialog.close(), 500);
  }
}
