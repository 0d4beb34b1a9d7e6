// One editor: holds one value, lets the parts draw it and turns what people do into new documents.
import { paste } from "./arrange.js";
import { BoxText } from "./boxtext.js";
import { Brush } from "./brush.js";
import { Counts } from "./counts.js";
import * as documents from "./document.js";
import { element, keepTyping } from "./dom.js";
import { handleClipboard, listenToDrops, takesClipboard } from "./exchange.js";
import { atFrame, keyed } from "./frames.js";
import { isBox, toPixels } from "./geometry.js";
import { t } from "./i18n.js";
import { IncomingBoxes } from "./incoming.js";
import { join } from "./joining.js";
import { listenToKeys } from "./keyboard.js";
import { List } from "./list.js";
import { parse } from "./parse.js";
import { Picture } from "./picture.js";
import { listenToPointer } from "./pointer.js";
import * as preferences from "./preferences.js";
import { ReadingBar } from "./reading.js";
import { Refusal } from "./refusal.js";
import { Stage } from "./stage.js";
import { OUTSIDE, Timeline } from "./timeline.js";
import { makeToolbar } from "./toolbar.js";
import { View } from "./view.js";
import { expandDocument } from "./wildcards.js";

const NONE = [];
let count = 0;

/** @import { Gesture, Host, Hosted, Joined, Problem, Region, RegionDocument, Selection } from "./types.js" */

/** @implements {Hosted} */
export class Editor {
  /** @param {Host} host */
  constructor(host) {
    this.host = host;
    /** @type {RegionDocument} */
    this.doc = documents.empty();
    /** The value itself; `doc` is what it shows at the timeline's frame. @type {RegionDocument} */
    this.stored = this.doc;
    /** @type {number | null}  that `doc` is of */
    this.frame = null;
    this.text = documents.stringify(this.doc);
    /** @type {Selection} */
    this.selection = NONE;
    /** @type {Gesture | null} */
    this.gesture = null;
    /** @type {number | null}  the pointer that makes it */
    this.pointer = null;
    /** @type {Problem | undefined}  why the value cannot be edited */
    this.refused = undefined;
    this.preferences = preferences.load();
    this.stage = new Stage();
    this.stage.root.id = `deig-stage-${++count}`;
    this.counts = new Counts(host, () => this.draw());
    this.list = new List(this);
    this.timeline = new Timeline(this);
    this.toolbar = makeToolbar(this);
    this.message = element("span", { role: "status" });
    this.incoming = new IncomingBoxes(this);
    this.reading = new ReadingBar();
    this.refusal = new Refusal(this);
    this.brush = new Brush(this);
    this.picture = new Picture(this);
    const tools = [this.picture.compare.root, this.brush.root];
    this.area = element("div", { className: "deig-area" }, this.stage.root, ...tools, this.refusal.root);
    const status = element("div", { className: "deig-status" }, this.message, this.incoming.offer, this.reading.root);
    const body = element("div", { className: "deig-body" }, this.area, status, this.list.root);
    this.panel = element("div", { className: "deig-panel", tabIndex: -1 }, this.toolbar.bar, this.toolbar.panels,
      this.timeline.root, body);
    keepTyping(this.panel);
    this.boxText = new BoxText(this);
    listenToPointer(this);
    listenToKeys(this);
    listenToDrops(this);
    this.view = new View(this);
    this.draw();
  }

  get value() {
    return this.text;
  }

  /** What a run gets: the value with its wildcards expanded. */
  get sent() {
    return expandDocument(this.text);
  }

  /** From outside: loading, undo, API tools. Kept to the letter until something is edited here. */
  set value(value) {
    const text = typeof value === "string" ? value : documents.stringify(value ?? documents.empty());
    if (text === this.text && !this.refused) return;
    const { doc, error, problem } = parse(value);
    this.text = text;
    this.refused = error;
    this.stored = documents.completed(doc ?? documents.empty());
    this.doc = atFrame(this.stored, this.frame);
    this.gesture = null;
    this.selection = this.selection.filter((id) => documents.find(this.doc, id));
    this.say(...(problem ?? [""]));
    this.draw();
  }

  /**
   * What is shown, `doc`, was edited. quiet: part of an undo step that is added later.
   * @param {RegionDocument} doc
   * @param {{ selection?: Selection, quiet?: boolean }} [options]
   */
  change(doc, options) {
    this.replace(doc === this.doc ? this.stored : keyed(this.stored, this.doc, doc, this.frame), options);
  }

  /**
   * The one way in which editing changes the value: `doc` takes the place of `stored`, whatever frame is shown.
   * @param {RegionDocument} doc
   * @param {{ selection?: Selection, quiet?: boolean }} [options]
   */
  replace(doc, { selection = this.selection, quiet = false } = {}) {
    const kept = selection.filter((id) => documents.find(doc, id));
    const same = kept.length === this.selection.length && kept.every((id, i) => id === this.selection[i]);
    if (!same) this.selection = kept;
    if (doc !== this.stored && !this.refused) {
      this.stored = doc;
      this.doc = atFrame(doc, this.frame);
      this.text = documents.stringify(doc);
      // It would leave behind what it began with.
      this.gesture = null;
      this.host.changed(this.text);
      if (!quiet) this.host.addUndoStep();
    }
    this.draw();
    if (!same) this.showChosen();
  }

  showChosen() {
    this.list.show(this.selection.at(-1));
  }

  /** @returns {Region[]} the selection's, in the document's order */
  chosen() {
    return this.doc.regions.filter((region) => this.selection.includes(region.id));
  }

  /**
   * @param {Selection} ids
   * @param {boolean} [focus]
   */
  select(ids, focus = false) {
    this.change(this.doc, { selection: [...new Set(ids)] });
    if (focus) this.focus();
  }

  focus() {
    const { root } = this.stage;
    if (!root.offsetParent) return false;
    root.focus({ preventScroll: true });
    return true;
  }

  /** @param {Element} element */
  scrollerOf(element) {
    return element.closest(".deig-list, .deig-pop");
  }

  takesClipboard(active, event) {
    return takesClipboard(this, active, event);
  }

  handleClipboard(event) {
    return handleClipboard(this, event);
  }

  draw() {
    if (this.frame !== this.timeline.frame) {
      this.frame = this.timeline.frame;
      this.doc = atFrame(this.stored, this.frame);
      this.gesture = null;
    }
    const { gesture, doc, selection } = this;
    const shown = gesture?.moved ? { ...gesture, marquee: gesture.kind === "marquee" } : { doc, selection };
    this.stage.draw({ ...shown, ghosts: this.incoming.find() });
    if (gesture?.moved) return;
    this.list.draw(doc, selection);
    this.boxText.draw();
    this.toolbar.draw();
    this.timeline.draw();
    this.incoming.draw();
    this.refusal.draw();
    this.picture.draw();
    this.brush.draw();
    this.view.draw();
    this.stage.hint.textContent = t("Drag to draw a box");
    this.list.root.dataset.hint = t("Each box gets a row here, for its text and its strength");
    this.stage.root.ariaLabel = t("Regions of the picture");
    this.host.selected(selection);
  }

  /**
   * @param {string} text
   * @param {Record<string, unknown>} [values]
   */
  say(text, values) {
    const said = text ? t(text, values) : "";
    this.message.textContent = this.toolbar.say(said) ? "" : said;
  }

  /** @param {Problem[]} problems */
  sayAll(problems) {
    this.say(problems.map((problem) => t(...problem)).join(" "));
  }

  addBox() {
    const { doc, ids, said } = join(this.doc, { regions: [{}] });
    if (ids.length) this.change(doc, { selection: ids });
    this.sayAll(said);
    this.focus();
    if (ids.length) this.write(ids[0], true);
  }

  /**
   * Put the caret into the text of a box, or of its row where the box is not in the picture.
   * @param {string} id
   * @param {boolean} [fresh]  the box is new: until something is typed, keys that write nothing act on the box
   */
  write(id, fresh = false) {
    const region = documents.find(this.doc, id);
    if (this.refused || !region) return;
    if (region.box) this.boxText.open(id, fresh);
    else this.list.focus(id);
  }

  duplicate(ids = this.selection) {
    const regions = this.stored.regions.filter(({ id }) => ids.includes(id));
    this.take(join(this.stored, { regions }, paste));
    this.focus();
  }

  /**
   * Regions have joined the value.
   * @param {Joined} joined
   */
  take({ doc, ids, said }) {
    if (ids.length) this.replace(doc, { selection: ids });
    this.sayAll(said);
  }

  removeChosen(ids = this.selection) {
    const doc = documents.remove(this.doc, ids);
    if (doc.regions.length < this.doc.regions.length) this.change(doc);
    else if (ids.length) this.say("A locked region is not deleted: unlock it first.");
  }

  selectAll() {
    this.select(this.doc.regions.filter(documents.movable).map((region) => region.id));
  }

  /** @param {"locked" | "enabled"} key */
  toggle(key) {
    const regions = this.chosen();
    const on = key === "locked" ? regions.every((region) => region.locked) : regions.some(documents.isEnabled);
    if (regions.length) this.change(documents.update(this.doc, this.selection, { [key]: !on }));
  }

  /**
   * Tab: the next box; false past the last one, where the next control has its turn.
   * @param {1 | -1} by
   */
  selectNext(by) {
    const { regions } = this.doc;
    const next = regions.findIndex((region) => region.id === this.selection.at(-1)) + by;
    const target = this.selection.length ? regions[next] : by > 0 ? regions[0] : undefined;
    if (!target) return false;
    this.select([target.id]);
    this.describe(target);
    return true;
  }

  /** @param {Region} region */
  describe(region) {
    const n = this.doc.regions.indexOf(region) + 1;
    if (!isBox(region.box)) return this.say(OUTSIDE, { n });
    const [x, y, x1, y1] = toPixels(region.box, documents.sizeOf(this.doc));
    const text = region.description || t("no text yet");
    this.say("Region {n}: {text}, {w} × {h} at {x}, {y}", { n, text, x, y, w: x1 - x, h: y1 - y });
  }

  /** Leave the innermost thing; false where there is nothing to leave. */
  escape() {
    if (this.gesture) this.gesture = null;
    else if (this.toolbar.isOpen()) this.toolbar.open(null);
    else if (this.selection.length) this.selection = NONE;
    else if (this.host.fullScreen) this.host.toggleFullScreen();
    else return false;
    this.draw();
    return true;
  }

  /**
   * @param {keyof import("./types.js").Preferences} name
   * @param {string | number | boolean | string[]} value
   */
  setPreference(name, value) {
    this.preferences = preferences.save({ ...this.preferences, [name]: value });
    this.draw();
  }
}
