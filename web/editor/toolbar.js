// The row of buttons above the stage and the panels that some of them open.
import { copyAll, importText, saveFile } from "./exchange.js";
import { arrange, reorder } from "./arrange.js";
import { MAX_SIDE, OVERLAPS, overlapOf, PIXELS_PER_LATENT, setOverlap } from "./document.js";
import { LAYOUTS, UNITS } from "./reading.js";
import { button, element, icon, wideButton, write } from "./dom.js";
import { t } from "./i18n.js";

/** @import { Editor } from "./editor.js" */

const LEAST_OFFERED = 64; // pixels a side where the arrows of the field end

/** @param {Editor} editor */
export function makeToolbar(editor) {
  const panels = element("div", { className: "deig-panels" });
  /** @type {Record<string, HTMLButtonElement & { panel?: HTMLElement }>} */
  const buttons = {};
  const make = (name, label, action, key = name) => (buttons[key] = button(name, label, action));
  const panel = (name, label, content) => {
    const node = element("div", { className: "deig-pop", hidden: true, role: "group", ariaLabel: label }, ...content);
    panels.append(node);
    /** @type {HTMLButtonElement & { panel?: HTMLElement }} */
    const opener = make(name, label, () => open(node.hidden ? name : null));
    opener.ariaExpanded = "false";
    opener.panel = node;
    return opener;
  };
  /** Said in the panel that is open; false where none is. */
  const say = (text) => {
    const opener = Object.values(buttons).find((one) => one.panel && !one.panel.hidden);
    const note = opener?.panel.lastElementChild;
    if (note?.matches(".deig-said")) note.textContent = text;
    return !!note?.matches(".deig-said");
  };
  const open = (name) => {
    for (const [key, node] of Object.entries(buttons)) {
      if (!node.panel) continue;
      node.panel.hidden = key !== name;
      node.ariaExpanded = String(key === name);
    }
    if (!name) return;
    /** @type {HTMLElement | null} */
    const first = buttons[name].panel.querySelector("button, input, select, textarea");
    first?.focus();
  };
  const gap = () => element("i", { className: "deig-gap" });
  const size = [0, 1].map((axis) => {
    const label = axis ? t("Height in pixels") : t("Width in pixels");
    const limits = { min: LEAST_OFFERED, max: MAX_SIDE, step: PIXELS_PER_LATENT };
    const input = element("input", { type: "number", ...limits, title: label, ariaLabel: label });
    input.onchange = () => editor.picture.setSize(Math.round(size[0].valueAsNumber), Math.round(size[1].valueAsNumber));
    return input;
  });
  const bar = element("div", { className: "deig-toolbar", role: "toolbar" },
    make("draw", t("Draw boxes (B)"), () => editor.setPreference("tool", "draw")),
    make("select", t("Select boxes (V)"), () => editor.setPreference("tool", "select")),
    make("paint", t("Paint a region's shape (P)"), () => editor.setPreference("tool", "paint")),
    make("erase", t("Erase from a region's shape (E)"), () => editor.setPreference("tool", "erase")),
    make("add", t("Add a box (N)"), () => editor.addBox()),
    gap(),
    make("undo", t("Undo (Ctrl+Z)"), () => editor.host.undo()),
    make("redo", t("Redo (Ctrl+Y)"), () => editor.host.redo()),
    gap(),
    make("magnet", t("Snap to boxes and edges"), () => editor.setPreference("magnet", !editor.preferences.magnet)),
    make("film", t("Frames: regions that move"), () => editor.timeline.toggle()),
    panel("arrange", t("Arrange"), arrangePanel(editor)),
    panel("picture", t("Background picture"), picturePanel(editor)),
    panel("transfer", t("Import and export"), transferPanel(editor)),
    element("span", { className: "deig-size" }, size[0],
      button("swap", t("Swap width and height"),
        () => editor.picture.setSize(editor.doc.height, editor.doc.width)), size[1]),
    make("full", t("Full screen (F)"), () => editor.host.toggleFullScreen()));
  const isOpen = () => Object.values(buttons).some((opener) => opener.panel && !opener.panel.hidden);
  /** @type {HTMLSelectElement} */
  const overlap = buttons.arrange.panel.querySelector(".deig-overlap select");
  const draw = () => {
    drawToolbar(editor, buttons, size);
    if (overlap.value !== overlapOf(editor.doc)) overlap.value = overlapOf(editor.doc);
  };
  return { bar, panels, buttons, open, isOpen, say, draw };
}

function drawToolbar(editor, buttons, size) {
  const { preferences, doc } = editor;
  const tools = ["draw", "select", "paint", "erase"];
  for (const tool of tools) buttons[tool].ariaPressed = String(preferences.tool === tool);
  buttons.film.ariaPressed = String(editor.timeline.frame !== null);
  buttons.magnet.ariaPressed = String(preferences.magnet);
  drawFull(buttons.full, editor.host.fullScreen);
  [doc.width, doc.height].forEach((value, axis) => {
    write(size[axis], value);
    size[axis].classList.toggle("warns", value % PIXELS_PER_LATENT > 0);
  });
}

function drawFull(full, isFull) {
  const label = isFull ? t("Back to the node (F)") : t("Full screen (F)");
  if (full.title === label) return;
  full.title = full.ariaLabel = label;
  full.replaceChildren(icon(isFull ? "small" : "full"));
}

function choice(label, options, value, onchange) {
  const option = ([key, text]) =>
    element("option", { value: key, textContent: text, selected: String(key) === String(value) });
  const select = element("select", { ariaLabel: label }, ...options.map(option));
  select.onchange = () => onchange(select.value);
  return element("label", {}, element("span", { textContent: label }), select);
}

function arrangePanel(editor) {
  const act = (name, label, action) => button(name, label, () => action(editor.doc, editor.selection));
  const placing = (how, label, name = how) => act(name, label, (doc, ids) => editor.change(arrange(doc, ids, how)));
  return [
    element("div", { className: "deig-grid" },
      placing("left", t("Align left")), placing("center", t("Align centres")), placing("right", t("Align right")),
      placing("top", t("Align top")), placing("middle", t("Align middles")), placing("bottom", t("Align bottom")),
      placing("across", t("Equal gaps across")), placing("down", t("Equal gaps down"), "down2"),
      act("up", t("Further back, earlier in the list ([)"), (doc, ids) => editor.change(reorder(doc, ids, -1))),
      act("down", t("Further front, later in the list (])"), (doc, ids) => editor.change(reorder(doc, ids, 1))),
      act("copy", t("Duplicate (Ctrl+D)"), () => editor.duplicate()),
      act("remove", t("Delete (Del)"), () => editor.removeChosen())),
    overlapChoice(editor),
    choice(t("Grid"), [[0, t("none")], ...[8, 16, 32, 64].map((step) => [step, `${step} px`])], editor.preferences.grid,
      (value) => editor.setPreference("grid", Number(value))),
  ];
}

function overlapChoice(editor) {
  const [shared, front] = OVERLAPS;
  const owners = [[shared, t("belongs to each of them")], [front, t("belongs to the front one")]];
  const label = choice(t("What boxes share"), owners, overlapOf(editor.doc),
    (value) => editor.change(setOverlap(editor.doc, value)));
  label.className = "deig-overlap";
  return label;
}

function picturePanel(editor) {
  const slider = element("input", { type: "range", min: 0, max: 1, step: 0.05, value: editor.preferences.brightness });
  slider.oninput = () => editor.setPreference("brightness", slider.valueAsNumber);
  const sources = [
    ["auto", t("Connected, else last result")], ["connected", t("Connected image")], ["last", t("Last result")],
    ["none", t("none")],
  ];
  return [
    choice(t("Picture"), sources, editor.preferences.picture, (value) => editor.setPreference("picture", value)),
    element("label", {}, element("span", { textContent: t("Brightness") }), slider),
    choice(t("Texts in the boxes"), [["all", t("all")], ["chosen", t("of chosen boxes")], ["none", t("none")]],
      editor.preferences.labels, (value) => editor.setPreference("labels", value)),
    wideButton(t("Use the picture's size"), () => editor.picture.useSize()),
    wideButton(t("Compare: the same without the regions"), () => editor.picture.compare.start()),
    element("p", { className: "deig-said", role: "status" }),
  ];
}

function transferPanel(editor) {
  const options = {};
  const label = t("Paste boxes here: a region document, boxes of other nodes, annotations, or a model's answer");
  const text = element("textarea", { rows: 4, placeholder: label, ariaLabel: label, spellcheck: false });
  const accept = ".json,.txt,.csv,.xml";
  const file = element("input", { type: "file", accept, hidden: true, ariaLabel: t("Open a file") });
  file.onchange = async () => {
    text.value = await file.files[0].text();
    file.value = "";
  };
  const named = (values) => values.map((value) => [value, t(value)]);
  const take = async (replace) => {
    if (await importText(editor, text.value, { replace, ...options })) text.value = "";
  };
  return [
    text,
    choice(t("Order of four numbers"), named(LAYOUTS), LAYOUTS[0], (value) => (options.layout = value)),
    choice(t("Unit"), named(UNITS), UNITS[0], (value) => (options.units = value)),
    element("div", { className: "deig-actions" },
      wideButton(t("Add"), () => take(false)), wideButton(t("Replace all"), () => take(true)),
      wideButton(t("Copy as JSON"), () => copyAll(editor)),
      wideButton(t("Open a file"), () => file.click()), wideButton(t("Save as file"), () => saveFile(editor)), file),
    element("p", { className: "deig-said", role: "status" }),
  ];
}
