// The picture: its size, what lies behind the boxes, how bright, and beside it the same without the regions.
import { Compare } from "./compare.js";
import { PIXELS_PER_LATENT, setSize as resized } from "./document.js";
import { BAD_SIZE, problemOf } from "./parse.js";

/** @import { Editor } from "./editor.js" */

const LEAST_USEFUL = 64; // pixels a side that a picture gives the document at least

export class Picture {
  /** @param {Editor} editor */
  constructor(editor) {
    this.editor = editor;
    this.compare = new Compare(editor);
  }

  draw() {
    const { editor: { host, preferences, stage } } = this;
    const { connected, last, without } = host.pictures();
    const url = { auto: connected ?? last, connected, last }[preferences.picture] ?? "";
    const { picture: image, root } = stage;
    if (!url) image.removeAttribute("src");
    else if (image.getAttribute("src") !== url) image.setAttribute("src", url);
    image.hidden = !url;
    this.compare.draw(url && url === last ? without : undefined);
    root.style.setProperty("--brightness", String(preferences.brightness));
    root.dataset.labels = preferences.labels;
  }

  /** The document becomes as large as the picture. */
  useSize() {
    const { editor, editor: { stage } } = this;
    const { naturalWidth: w, naturalHeight: h } = stage.picture;
    if (!w || !h) return editor.say("There is no picture yet: connect one or run the workflow.");
    const side = (pixels) => Math.max(LEAST_USEFUL, Math.round(pixels / PIXELS_PER_LATENT) * PIXELS_PER_LATENT);
    this.setSize(side(w), side(h));
  }

  /**
   * The picture's size in pixels, rounded to whole cells of the latent.
   * @param {number} width
   * @param {number} height
   */
  setSize(width, height) {
    const { editor, editor: { doc } } = this;
    const bad = problemOf({ ...doc, width, height })?.[0] === BAD_SIZE;
    const step = PIXELS_PER_LATENT;
    const [w, h] = [width, height].map((side) => Math.round(side / step) * step);
    if (bad) editor.say(BAD_SIZE);
    else if (w !== doc.width || h !== doc.height) editor.change(resized(doc, w, h));
    if (!bad && (w !== width || h !== height)) {
      editor.say("{given} became {taken}: the latent has steps of {step} pixels.",
        { given: `${width} × ${height}`, taken: `${w} × ${h}`, step });
    }
    editor.toolbar.draw();
  }
}
