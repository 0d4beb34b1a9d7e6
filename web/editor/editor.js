// One editor: holds the value of one widget, lets the parts draw it and turns what people do into new documents.
import * as documents from "./document.js";
import { listen } from "./clipboard.js";
import { listenToDrops } from "./exchange.js";
import { isBox, toPixels } from "./geometry.js";
import { listenToKeys } from "./keyboard.js";
import { List } from "./list.js";
import { Place } from "./place.js";
import { listenToPointer } from "./pointer.js";
import { Stage } from "./view.js";
import { element } from "./dom.js";
import { makeToolbar } from "./toolbar.js";
import * as preferences from "./preferences.js";
import { t } from "./i18n.js";

const NONE = [];
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
    this.place = new Place(this);
    listenToPointer(this);
    listenToKeys(this);
    listenToDrops(this);
    listen(this.panel, this);
    this.draw();
  }

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
    this.doc = documents.withIds(doc ?? documents.empty());
    this.gesture = null;
    this.selection = this.selection.filter((id) => documents.find(this.doc, id));
    this.say(...(problem ?? [""]));
    this.draw();
  }

  /** The one way in which editing changes the value. quiet: part of a step that is remembered later. */
  change(doc, { selection = this.selection, quiet = false } = {}) {
    const kept = selection.filter((id) => documents.find(doc, id));
    if (kept.length !== this.selection.length || kept.some((id, i) => id !== this.selection[i])) this.selection = kept;
    if (doc !== this.doc && !this.refused) {
      this.doc = doc;
      this.text = documents.stringify(doc);
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
    if (this.place.resumed) this.place.remembered().selection = selection;
  }

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
    if (!w || !h) return this.say("There is no picture yet: connect one or run the workflow.");
    this.resize(Math.max(64, Math.round(w / 8) * 8), Math.max(64, Math.round(h / 8) * 8));
  }

  drawRefusal() {
    this.refusal.hidden = !this.refused;
    if (!this.refused) return;
    const fresh = element("button", { type: "button", className: "deig-wide", textContent: t("Start with an empty document") });
    fresh.onclick = () => {
      this.refused = undefined;
      this.change(documents.empty());
    };
    this.refusal.replaceChildren(element("p", { textContent: t(...this.refused) }),
      element("p", { textContent: t("It is kept as it is until you decide.") }), fresh);
  }

  say(text, values) {
    this.message.textContent = text ? t(text, values) : "";
  }

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
    else if (this.place.cover) this.place.leave();
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
}
