// Boxes that arrive from outside: those that count are shown, those that do not are offered.
import { BOXES_MODES } from "./document.js";
import { wideButton } from "./dom.js";
import { isBox } from "./geometry.js";
import { t } from "./i18n.js";
import { join } from "./joining.js";

/** @import { Editor } from "./editor.js" */
/** @import { Reading, Region } from "./types.js" */

const NONE = [];
const [WHEN_EMPTY, ALWAYS] = BOXES_MODES;

export class IncomingBoxes {
  /** @param {Editor} editor */
  constructor(editor) {
    this.editor = editor;
    /** @type {Region[]}  all that count */
    this.ghosts = NONE;
    /** @type {Region[] | null}  what they were made of */
    this.source = null;
    /** @type {Reading | undefined}  how the last run read them */
    this.reading = undefined;
    this.offer = wideButton("", () => this.adopt());
    this.offer.hidden = true;
  }

  /** @returns {Region[]} */
  find() {
    const { regions, mode } = this.editor.host.incoming() ?? {};
    const counting = regions?.length && !(mode === WHEN_EMPTY && this.editor.doc.regions.length) ? regions : null;
    if (counting !== this.source) this.ghosts = counting?.filter((region) => isBox(region.box)) ?? NONE;
    this.source = counting;
    return this.ghosts;
  }

  /** Those that do not count beside what is drawn, and are not what is drawn. */
  idle() {
    const { regions = NONE, mode } = this.editor.host.incoming() ?? {};
    if (mode !== WHEN_EMPTY || !this.editor.doc.regions.length) return NONE;
    const drawn = new Set(this.editor.stored.regions.map((region) => String(region.box)));
    return regions.filter((region) => isBox(region.box) && !drawn.has(String(region.box)));
  }

  draw() {
    const { offer, ghosts, editor } = this;
    const reading = editor.host.incoming()?.reading;
    if (reading && reading !== this.reading) {
      editor.reading.show(reading, (options) => {
        editor.host.setReading(options);
        editor.say("The boxes are read so at the next run.");
      });
    }
    this.reading = reading;
    const idle = this.idle();
    offer.hidden = !ghosts.length && !idle.length;
    offer.textContent = ghosts.length ? toEdit(ghosts.length) : toAdd(idle.length);
    offer.classList.toggle("warns", !ghosts.length);
  }

  adopt() {
    const { editor } = this;
    const { mode, overlap } = editor.host.incoming();
    const base = mode === ALWAYS ? { ...editor.stored, regions: [] } : editor.stored;
    const joined = join(base, { regions: this.ghosts.length ? this.ghosts : this.idle(), overlap });
    if (joined.ids.length) editor.host.adopted(WHEN_EMPTY);
    editor.take(joined);
  }
}

const toEdit = (n) => n === 1 ? t("Edit the incoming box") : t("Edit the {n} incoming boxes", { n });

const toAdd = (n) =>
  n === 1 ? t("One incoming box does not count: add it") : t("{n} incoming boxes do not count: add them", { n });
