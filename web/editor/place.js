// Where the editor's panel is: in its node or full screen, and again there after undo has made a new editor.
import { element } from "./dom.js";

export class Place {
  constructor(editor) {
    this.editor = editor;
  }

  /** What outlives this editor: {selection, focused, cover, home, editor}. */
  remembered() {
    return this.editor.host.session() ?? {};
  }

  toggleFullScreen() {
    if (this.cover) this.leave();
    else this.enter(element("div", { className: "deig-full", popover: "manual" }));
  }

  /**
   * The panel moves into a cover on top of everything; undo makes a new editor, which moves into the same one.
   * It is no <dialog>, because pages from 1.58 on do not undo while one is open.
   */
  enter(cover) {
    this.cover = this.remembered().cover = cover;
    cover.replaceChildren(this.editor.panel);
    if (!cover.isConnected) {
      cover.behind = [...document.body.children].filter((other) => !other.inert);
      for (const other of cover.behind) other.inert = true;
      document.body.append(cover);
      cover.showPopover();
    }
    this.editor.stage.root.focus({ preventScroll: true });
    this.editor.draw();
  }

  leave() {
    for (const other of this.cover.behind) other.inert = false;
    this.cover.remove();
    const memory = this.remembered();
    this.cover = memory.cover = undefined;
    (memory.home ?? this.editor.root).append(this.editor.panel);
    this.editor.draw();
    this.focusWhenShown();
  }

  /** After undo or reload: pick up what the node's earlier editor was showing. */
  resume() {
    const memory = this.remembered();
    const { selection = [], cover, focused } = memory;
    this.resumed = true;
    memory.editor = this.editor;
    this.editor.select(selection);
    this.moveIn();
    if (cover?.isConnected) this.enter(cover);
    if (focused) this.focusWhenShown();
  }

  /** Nodes 2.0 may keep showing the element of the widget that undo has replaced: then the panel moves in there. */
  moveIn(frames = 60) {
    const memory = this.remembered();
    if (memory.editor !== this.editor) return;
    const home = [this.editor.root, memory.home].find((place) => place?.isConnected);
    if (home) {
      memory.home = home;
      if (!this.cover && this.editor.panel.parentElement !== home) home.replaceChildren(this.editor.panel);
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
    // If no successor takes the cover over, the node is gone.
    setTimeout(() => this.cover?.contains(this.editor.panel) && this.leave(), 500);
  }
}
