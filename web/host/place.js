// Where an editor is on the screen, and what outlives it there: its selection, its focus, full screen. Knows elements
// only, and calls nothing of the page.

/** @import { Hosted } from "../editor/types.js" */

/**
 * What a widget gives the page to show. The page may mount, move and drop it at any time, and after undo it may still
 * show the slot of a widget that is no more, or later change over to the new one: so the slots of one value share one
 * Place, and say themselves when they come and go.
 */
export class Slot extends HTMLElement {
  /** @type {Place | undefined} */
  place;
  /** @type {HTMLElement[]} where the page has put it, the newest last */
  homes = [];

  connectedCallback() {
    const home = this.parentElement;
    this.homes = [...this.homes.filter((other) => other !== home && other.isConnected), home];
    this.place?.arrived(this);
  }

  disconnectedCallback() {
    queueMicrotask(() => {
      if (this.isConnected) return;
      // A page that borrowed it for another view (App mode) does not always bring it back.
      const home = this.homes.findLast((other) => other.isConnected && !other.childElementCount);
      if (home) home.append(this);
      else this.place?.left(this);
    });
  }

  /** @param {Place} place */
  belongTo(place) {
    this.place = place;
    if (this.isConnected) place.arrived(this);
  }
}

// A page that loads this module twice keeps the first.
if (!customElements.get("deig-slot")) customElements.define("deig-slot", Slot);

/** @returns {Slot} */
export function makeSlot() {
  return /** @type {Slot} */ (Object.assign(document.createElement("deig-slot"), { className: "deig-root" }));
}

/**
 * The place of one value's editor: in the slot that came into the page last, or full screen. Undo makes the editor
 * anew; the new one takes over the place of the one before it, with its selection and its focus.
 */
export class Place {
  /** @type {Hosted | undefined} */
  editor;
  /** @type {import("../editor/types.js").Selection} */
  selection = [];
  /** What else one editor leaves to the next. */
  memory = {};
  focused = false;
  /** @type {(HTMLElement & { behind?: HTMLElement[] }) | undefined} */
  cover;
  /** @type {Set<Slot>} those in the page, the newest last */
  slots = new Set();

  /** @param {Hosted} editor  lives from now on, instead of the one before it */
  takeOver(editor) {
    const { selection, focused } = this;
    this.editor = editor;
    this.watchFocus(editor);
    editor.select(selection);
    this.show();
    if (this.cover || focused) this.focusWhenShown();
  }

  /** @param {Slot} slot */
  arrived(slot) {
    this.slots.delete(slot);
    this.slots.add(slot);
    this.show();
  }

  /** @param {Slot} slot */
  left(slot) {
    this.slots.delete(slot);
    this.show();
  }

  show() {
    const home = this.cover ?? [...this.slots].at(-1);
    const panel = this.editor?.panel;
    if (!home || !panel || panel.parentElement === home) return;
    home.replaceChildren(panel);
    this.editor.draw();
    this.editor.showChosen();
  }

  /** @param {Hosted} editor */
  watchFocus(editor) {
    const { panel } = editor;
    panel.addEventListener("focusin", () => (this.focused = true));
    panel.addEventListener("focusout", () => {
      // Undo takes the focused editor out of the page; the one after it then inherits the focus.
      setTimeout(() => {
        const alive = this.editor === editor && panel.isConnected;
        if (alive && !panel.contains(document.activeElement)) this.focused = false;
      });
    });
  }

  /** The page may give a slot its size some frames after it has put it in. */
  focusWhenShown() {
    const { editor } = this;
    if (editor.focus()) return;
    const watch = new ResizeObserver(() => {
      if (this.editor !== editor || editor.focus()) watch.disconnect();
    });
    watch.observe(editor.panel);
  }

  toggleFullScreen() {
    if (this.cover) this.leaveFullScreen();
    else this.enterFullScreen();
  }

  /** It is no <dialog>, because pages from 1.58 on do not undo while one is open. */
  enterFullScreen() {
    const cover = Object.assign(document.createElement("div"), { className: "deig-full", popover: "manual" });
    const others = /** @type {HTMLElement[]} */ ([...document.body.children]);
    this.cover = Object.assign(cover, { behind: others.filter((other) => !other.inert) });
    for (const other of this.cover.behind) other.inert = true;
    document.body.append(cover);
    cover.showPopover();
    this.show();
    this.focusWhenShown();
  }

  leaveFullScreen() {
    const { cover } = this;
    this.cover = undefined;
    for (const other of cover.behind) other.inert = false;
    this.show();
    cover.remove();
    this.editor.draw();
    this.focusWhenShown();
  }
}
