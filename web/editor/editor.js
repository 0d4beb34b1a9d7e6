// One editor: holds the value of one widget, lets the parts draw it and turns what people do into new documents.
import * as documents from "./document.js";
import { cursorAt, drag, press, release } from "./interaction.js";
import { ImportProblem, read } from "./import.js";
import { asJson, fromClipboard, listen } from "./clipboard.js";
import { isBox, toPixels } from "./geometry.js";
import { keyDown, keyUp } from "./keyboard.js";
import { List } from "./list.js";
import { Stage } from "./view.js";
import { element, icon } from "./dom.js";
import { makeToolbar } from "./toolbar.js";
import * as preferences from "./preferences.js";
import { t } from "./i18n.js";

const NONE = [];
const modsOf = (event) => ({ shift: event.shiftKey, alt: event.altKey, ctrl: event.ctrlKey || event.metaKey });
let count = 0;

export class Editor {
  /** host: {changed(), remember(), undo(), redo(), session(), pictures(), incoming(), adopted(), forward(event)}. */
  constructor(host) {
    this.host = host;
    this.doc = documents.empty();
    this.text = documents.stringify(this.doc);
    this.selection = NONE;
    this.ghosts = NONE;
    this.preferences = preferences.load();
    this.stage = new Stage();
    this.stage.root.id = `deig-stage-${++count}`;
    this.list = new List(this);
    this.toolbar = makeToolbar(this);
    this.message = element("span", { role: "status" });
    this.offer = element("button", { type: "button", className: "deig-wide", hidden: true });
    this.refusal = element("div", { className: "deig-refusal", hidden: true });
    this.panel = element("div", { className: "deig-panel", tabIndex: -1 }, this.toolbar.bar, this.toolbar.panels,
      element("div", { className: "deig-body" },
        element("div", { className: "deig-area" }, this.stage.root, this.refusal),
        element("div", { className: "deig-status" }, this.message, this.offer), this.list.root));
    this.root = element("div", { className: "deig-root widget-expands" }, this.panel);
    this.listenToPointer();
    this.listenToKeys();
    this.listenToDrops();
    listen(this.panel, this);
    this.draw();
  }

  // --- the value ---------------------------------------------------------------------------------------------------

  get value() {
    return this.text;
  }

  /** From outside: loading, undo, API tools. Kept to the letter until something is edited here. */
  set value(value) {
    const text = typeof value === "string" ? value : documents.stringify(value ?? documents.empty());
    if (text === this.text && !this.refused) return;
    const { doc, error, problem } = documents.parse(value);
    this.text = text;
    this.refused = error;
    if (doc) this.doc = documents.withIds(doc);
    this.gesture = null;
    this.selection = this.selection.filter((id) => documents.find(this.doc, id));
    this.say(...(problem ?? [""]));
    this.draw();
  }

  /** The one way in which editing changes the value. quiet: part of a step that is remembered later. */
  change(doc, { selection = this.selection, quiet = false } = {}) {
    const kept = selection.filter((id) => documents.find(doc, id));
    if (kept.length !== this.selection.length || kept.some((id, i) => id !== this.selection[i])) this.selection = kept;
    if (doc !== this.doc) {
      this.doc = doc;
      this.text = documents.stringify(doc);
      this.refused = undefined;
      this.host.changed(this.text);
      if (!quiet) this.host.remember();
    }
    this.draw();
  }

  chosen = (ids = this.selection) => this.doc.regions.filter((region) => ids.includes(region.id));

  select(ids, focus = false) {
    this.change(this.doc, { selection: [...new Set(ids)] });
    if (focus) this.stage.root.focus({ preventScroll: true });
  }

  // --- drawing -----------------------------------------------------------------------------------------------------

  draw() {
    const { gesture, doc, selection } = this;
    const shown = gesture?.moved ? { ...gesture, marquee: gesture.kind === "marquee" } : { doc, selection };
    this.ghosts = this.ghostRegions();
    this.stage.draw({ ...shown, ghosts: this.ghosts });
    if (gesture?.moved) return;
    this.list.draw(doc, selection);
    this.toolbar.draw();
    this.drawOffer();
    this.drawRefusal();
    this.drawPicture();
    this.stage.hint.textContent = t("Drag to draw a box");
    this.stage.root.ariaLabel = t("Regions of the picture");
    // Before it has resumed, this editor would overwrite what its predecessor left.
    if (this.resumed) this.remembered().selection = selection;
  }

  remembered = () => this.host.session() ?? {};

  drawPicture() {
    const { picture, brightness } = this.preferences;
    const { connected, last } = this.host.pictures();
    const url = { auto: connected ?? last, connected, last }[picture] ?? "";
    const { picture: image, root } = this.stage;
    if (image.getAttribute("src") !== url) url ? image.setAttribute("src", url) : image.removeAttribute("src");
    image.hidden = !url;
    root.style.setProperty("--brightness", brightness);
  }

  usePictureSize() {
    const { naturalWidth: w, naturalHeight: h } = this.stage.picture;
    if (!w || !h) return this.say(t("There is no picture yet: connect one or run the workflow."));
    this.resize(Math.max(64, Math.round(w / 8) * 8), Math.max(64, Math.round(h / 8) * 8));
  }

  drawRefusal() {
    this.refusal.hidden = !this.refused;
    if (!this.refused) return;
    const fresh = element("button", { type: "button", className: "deig-wide", textContent: t("Start with an empty document") });
    fresh.onclick = () => this.change(documents.empty());
    this.refusal.replaceChildren(element("p", { textContent: t(...this.refused) }),
      element("p", { textContent: t("It is kept as it is until you decide.") }), fresh);
  }

  say(text, values) {
    this.message.textContent = text ? t(text, values) : "";
  }

  // --- boxes from the node's input ---------------------------------------------------------------------------------

  ghostRegions() {
    const { regions, mode } = this.host.incoming() ?? {};
    if (!regions?.length || (mode === "when empty" && this.doc.regions.length)) return NONE;
    return regions === this.ghostSource ? this.ghosts : ((this.ghostSource = regions), regions.filter((region) => isBox(region.box)));
  }

  drawOffer() {
    this.offer.hidden = !this.ghosts.length;
    this.offer.textContent = t("Edit the {n} incoming boxes", { n: this.ghosts.length });
    this.offer.onclick = () => {
      const { mode } = this.host.incoming();
      const [doc, selection] = documents.add(mode === "always" ? { ...this.doc, regions: [] } : this.doc, this.ghosts);
      this.host.adopted();
      this.ghostSource = null;
      this.change(doc, { selection });
    };
  }

  // --- actions -----------------------------------------------------------------------------------------------------

  addBox() {
    this.grow(documents.add(this.doc, [{}]));
  }

  duplicate(ids = this.selection) {
    this.grow(documents.duplicate(this.doc, ids));
  }

  /** Take over an operation that appends regions. */
  grow([doc, ids]) {
    if (doc !== this.doc) this.change(doc, { selection: ids });
    else if (doc.regions.length >= documents.LIMIT) this.say("There are {limit} regions already; more are not possible.", { limit: documents.LIMIT });
    this.stage.root.focus({ preventScroll: true });
  }

  removeChosen(ids = this.selection) {
    const doc = documents.remove(this.doc, ids);
    if (doc.regions.length < this.doc.regions.length) this.change(doc);
    else if (ids.length) this.say("A locked region is not deleted: unlock it first.");
  }

  selectAll() {
    this.select(this.doc.regions.filter(documents.movable).map((region) => region.id));
  }

  toggle(key) {
    const regions = this.chosen();
    const off = key === "locked" ? regions.every((region) => region.locked) : regions.some((region) => region.enabled !== false);
    if (regions.length) this.change(documents.update(this.doc, this.selection, { [key]: !off }));
  }

  /** Tab: the next box, and past the last one on to the next control. */
  step(by) {
    const { regions } = this.doc;
    const next = regions.findIndex((region) => region.id === this.selection.at(-1)) + by;
    const target = this.selection.length ? regions[next] : by > 0 ? regions[0] : undefined;
    if (!target) return false;
    this.select([target.id]);
    this.list.show(target.id);
    this.describe(target);
    return true;
  }

  describe(region) {
    const box = isBox(region.box) ? toPixels(region.box, documents.sizeOf(this.doc)) : [0, 0, 0, 0];
    const values = { n: this.doc.regions.indexOf(region) + 1, x: box[0], y: box[1], w: box[2] - box[0], h: box[3] - box[1] };
    this.say("Region {n}: {text}, {w} × {h} at {x}, {y}", { ...values, text: region.description || t("no text yet") });
  }

  escape() {
    if (this.gesture) this.gesture = null;
    else if (this.toolbar.isOpen()) this.toolbar.open(null);
    else if (this.selection.length) this.selection = NONE;
    else return false;
    this.draw();
    return true;
  }

  resize(width, height) {
    const doc = documents.setSize(this.doc, width, height);
    if (documents.problemOf(doc)?.[0] === documents.BAD_SIZE) this.say(documents.BAD_SIZE);
    else if (width !== this.doc.width || height !== this.doc.height) this.change(doc);
    this.toolbar.draw();
  }

  setPreference(name, value) {
    this.preferences = preferences.save({ ...this.preferences, [name]: value });
    this.draw();
  }

  // --- import and export -------------------------------------------------------------------------------------------

  paste(text) {
    this.attempt(() => {
      const regions = fromClipboard(text, this.doc);
      const placed = regions.filter((region) => isBox(region.box));
      const [doc, ids] = documents.paste(this.doc, placed);
      const [all, more] = documents.add(doc, regions.filter((region) => !isBox(region.box)));
      this.grow([all, [...ids, ...more]]);
    });
  }

  import(text, { replace, ...options } = {}) {
    return this.attempt(() => {
      const { items, doc: whole } = read(text, documents.sizeOf(this.doc), options);
      if (replace && whole) return this.change(documents.withIds(whole), { selection: NONE });
      const [doc, ids] = documents.add(replace ? { ...this.doc, regions: [] } : this.doc, items);
      this.change(doc, { selection: ids });
      const lost = items.length - ids.length;
      if (lost) this.say("{lost} regions did not fit: at most {limit} are possible.", { lost, limit: documents.LIMIT });
    });
  }

  attempt(action) {
    try {
      this.say("");
      action();
      return true;
    } catch (error) {
      if (!(error instanceof ImportProblem)) throw error;
      this.say(...error.problem);
      return false;
    }
  }

  /** Through the copy event, which also works where the page is not served over https. */
  copyAll() {
    this.selection = NONE;
    this.stage.root.focus({ preventScroll: true });
    document.execCommand("copy");
    this.draw();
  }

  saveFile() {
    const url = URL.createObjectURL(new Blob([asJson(this.doc)], { type: "application/json" }));
    element("a", { href: url, download: "regions.json" }).click();
    setTimeout(() => URL.revokeObjectURL(url), 1000);
  }

  listenToDrops() {
    const files = (event) => event.dataTransfer?.types.includes("Files");
    this.panel.addEventListener("dragover", (event) => {
      if (!files(event)) return;
      event.preventDefault();
      event.stopPropagation();
    });
    this.panel.addEventListener("drop", async (event) => {
      const file = event.dataTransfer?.files[0];
      // Pictures and workflows are ComfyUI's own to open.
      if (!file || !/json|text/.test(file.type || file.name)) return;
      event.preventDefault();
      event.stopPropagation();
      this.import(await file.text(), { replace: false });
    });
  }

  // --- pointer -----------------------------------------------------------------------------------------------------

  scene(event, unit) {
    const { doc, selection, preferences: { tool, grid, magnet } } = this;
    return { doc, selection, unit, tool, grid, magnet, touch: event.pointerType === "touch" };
  }

  listenToPointer() {
    const { root } = this.stage;
    root.addEventListener("pointerdown", (event) => {
      if (event.button !== 0 || this.gesture || this.refused) return;
      root.focus({ preventScroll: true });
      root.setPointerCapture(event.pointerId);
      this.toolbar.open(null);
      const { point, unit } = this.stage.locate(event);
      this.gesture = press(this.scene(event, unit), point, modsOf(event));
      this.pointer = event.pointerId;
      if (this.gesture.selection !== this.selection) this.select(this.gesture.selection);
    });
    root.addEventListener("pointermove", (event) => {
      if (!this.gesture) return this.hover(event);
      if (event.pointerId !== this.pointer) return;
      this.gesture = drag(this.gesture, this.stage.locate(event, false).point, modsOf(event));
      if (this.gesture.moved) this.draw();
    });
    root.addEventListener("pointerup", (event) => event.pointerId === this.pointer && this.finish());
    root.addEventListener("pointercancel", () => this.escape());
    root.addEventListener("dblclick", () => this.selection.length === 1 && this.list.focus(this.selection[0]));
  }

  hover(event) {
    if (event.buttons || event.pointerType === "touch") return;
    const { point, unit } = this.stage.locate(event);
    const cursor = cursorAt(this.scene(event, unit), point, modsOf(event));
    if (cursor !== this.cursor) this.stage.root.style.cursor = this.cursor = cursor;
  }

  finish() {
    const { gesture } = this;
    this.gesture = this.pointer = null;
    if (!gesture) return;
    const { doc, selection, full } = release(gesture);
    this.say("");
    if (full) this.grow([doc, []]);
    this.change(doc, { selection });
    if (this.selection.length === 1) this.list.show(this.selection[0]);
  }

  // --- keys --------------------------------------------------------------------------------------------------------

  listenToKeys() {
    this.panel.addEventListener("keydown", (event) => {
      const typing = event.target.matches("input, textarea, select");
      if (event.target === this.stage.root && !event.isComposing) {
        const handled = keyDown(this, event);
        if (handled) event.stopPropagation();
        if (handled === true) event.preventDefault();
      } else if (event.key === "Escape" && (typing || this.toolbar.isOpen())) {
        this.toolbar.open(null);
        this.stage.root.focus({ preventScroll: true });
        event.stopPropagation();
        event.preventDefault();
      } else if (typing && !(event.ctrlKey || event.metaKey)) {
        // Letters are text here, and Delete must not reach the graph.
        event.stopPropagation();
      } else if (["Delete", "Backspace"].includes(event.key)) {
        event.stopPropagation();
      }
    });
    this.panel.addEventListener("keyup", () => keyUp(this));
    this.panel.addEventListener("focusin", () => (this.remembered().focused = true));
    this.panel.addEventListener("focusout", () => {
      keyUp(this);
      // Undo takes the focused editor out of the page; its successor then inherits the focus.
      setTimeout(() => {
        if (this.panel.isConnected && !this.panel.contains(document.activeElement)) this.remembered().focused = false;
      });
    });
  }

  // --- full screen -------------------------------------------------------------------------------------------------

  toggleFullScreen() {
    if (this.dialog) return this.dialog.close();
    this.enterDialog(element("dialog", { className: "deig-dialog" }));
  }

  /** The panel moves into a dialog on top of everything; undo makes a new editor, which moves into the same one. */
  enterDialog(dialog) {
    this.dialog = dialog;
    this.remembered().dialog = dialog;
    dialog.replaceChildren(this.panel);
    dialog.onclose = () => {
      dialog.remove();
      this.dialog = this.remembered().dialog = undefined;
      (this.remembered().home ?? this.root).append(this.panel);
      this.draw();
    };
    if (!dialog.isConnected) document.body.append(dialog);
    if (!dialog.open) dialog.showModal();
    this.stage.root.focus({ preventScroll: true });
    const full = this.toolbar.buttons.full;
    full.title = full.ariaLabel = t("Back to the node (F)");
    full.replaceChildren(icon("small"));
  }

  /** After undo or reload: pick up what the node's earlier editor was showing. */
  resume() {
    const memory = this.remembered();
    const { selection = NONE, dialog, focused } = memory;
    this.resumed = true;
    memory.editor = this;
    this.select(selection);
    this.moveIn();
    if (dialog?.isConnected) this.enterDialog(dialog);
    if (focused) this.focusWhenShown();
  }

  /** Nodes 2.0 may keep showing the element of the widget that undo has replaced: then the panel moves in there. */
  moveIn(frames = 60) {
    const memory = this.remembered();
    if (memory.editor !== this) return;
    const home = [this.root, memory.home].find((place) => place?.isConnected);
    if (home) {
      memory.home = home;
      if (!this.dialog && this.panel.parentElement !== home) home.replaceChildren(this.panel);
    }
    if (frames) requestAnimationFrame(() => this.moveIn(frames - 1));
  }

  /** The page mounts a widget's element some frames after it has made the widget. */
  focusWhenShown(frames = 60) {
    const { root } = this.stage;
    if (root.offsetParent) root.focus({ preventScroll: true });
    else if (frames) requestAnimationFrame(() => this.focusWhenShown(frames - 1));
  }

  dispose() {
    const { dialog, panel } = this;
    // If no successor takes the dialog over, the node is gone.
    if (dialog) setTimeout(() => dialog.contains(panel) && dialog.close(), 500);
  }
}
