// The only file that knows the ComfyUI page. It shows an editor for a value, and is what the editor calls a Host
// (editor/types.js): what the editor needs of the page, behind a small contract.
// @ts-ignore: the page serves it
import { app } from "../../scripts/app.js";
// @ts-ignore: the page serves it
import { api } from "../../scripts/api.js";
import { nameChoices, useChoices } from "./choices.js";
import { Place, makeSlot } from "./place.js";
import { Runs, without } from "./runs.js";

/** @import { Box, Host, Hosted, Incoming, Pictures } from "./editor/types.js" */
/** @import { Source } from "./runs.js" */

const DEMO = "DEIGLoadDemo"; // has a text encoder of its own
const sessions = new Map();
const editors = new Set();
const panels = new WeakMap();
/** @type {Runs} */
let runs;
/** Prompts in which the regions have no effect. */
const plain = new WeakSet();
let listening = false;

function view(file) {
  if (!file) return file;
  const { filename, subfolder, type } = file;
  return api.apiURL(`/view?${new URLSearchParams({ filename, subfolder: subfolder ?? "", type: type ?? "output" })}`);
}

const workflow = () => app.extensionManager?.workflow?.activeWorkflow;
const tracker = () => workflow()?.changeTracker;
const run = (command) => app.extensionManager.command.execute(command);
const inGraph = () => !globalThis.LiteGraph?.vueNodesMode;

/**
 * Show `make(host)` for every widget of `type`.
 * name: what the extension is called; least: the smallest {width, height} in pixels; make: an editor for a Host;
 * useLanguage: is told the translations of all packs by language, and the language, at the start and at every change;
 * source: how the nodes are known whose pictures are made from the value.
 * @param {{ name: string, type: string, least: { width: number, height: number }, make: (host: Host) => Hosted,
 *   useLanguage: (translations: object, language: string) => void, source: Source }} options
 */
export function registerEditor({ name: extension, type, least, make, useLanguage, source }) {
  loadStyle();
  const makeEditor = (node, name) => {
    const host = new NodeHost(node, name);
    const editor = make(host);
    const slot = makeSlot();
    slot.append(editor.panel);
    // Lets the element grow with a node of Nodes 2.0.
    slot.classList.add("widget-expands");
    const options = {
      hideOnZoom: false,
      margin: 8,
      getMinHeight: () => least.height,
      getValue: () => editor.value,
      setValue: (value) => (editor.value = value),
    };
    return { host, editor, slot, options };
  };
  app.registerExtension({
    name: extension,
    async init() {
      listenToRuns(source);
      // Nodes are made after this, with their texts in the right language.
      await loadTexts(useLanguage);
    },
    getCustomWidgets() {
      return {
        [type](node, name) {
          const { host, editor, slot, options } = makeEditor(node, name);
          const widget = node.addDOMWidget(name, type, slot, options);
          host.attach(editor, slot, widget);
          return { widget, minWidth: least.width, minHeight: least.height };
        },
      };
    },
    afterConfigureGraph() {
      // The editors of the new graph take over their places first.
      setTimeout(() => {
        for (const { place } of sessions.values()) {
          if (place.cover && !editors.has(place.editor)) place.leaveFullScreen();
        }
      });
    },
    nodeCreated(node) {
      nameChoices(node);
      showPromoted(node, type, (owner, name, kept) => {
        const { host, editor, slot, options } = makeEditor(owner, name);
        const widget = makeElementWidget(owner, name, type, slot, options);
        editor.value = kept.value;
        widget.callback = (text) => (kept.value = text);
        host.attach(editor, slot, widget);
        return widget;
      });
    },
  });
}

function loadStyle() {
  const href = new URL("./deig.css", import.meta.url).href;
  document.head.append(Object.assign(document.createElement("link"), { rel: "stylesheet", href }));
}

/** Once the page knows its settings. */
async function loadTexts(useLanguage) {
  try {
    const answer = await api.fetchApi("/i18n");
    const translations = await answer.json();
    const chosen = () => app.extensionManager?.setting?.get("Comfy.Locale") ?? navigator.language;
    const apply = () => {
      useLanguage(translations, chosen());
      useChoices(translations, chosen());
    };
    apply();
    app.ui?.settings?.addEventListener?.("Comfy.Locale.change", apply);
  } catch {
    // English is built in.
  }
}

/** @param {Source} source */
function listenToRuns(source) {
  runs = new Runs(source);
  let queueing = Promise.resolve();
  const queue = api.queuePrompt;
  api.queuePrompt = function (number, prompt, ...rest) {
    const from = workflow();
    const answer = queue.call(this, number, prompt, ...rest);
    const begin = ({ prompt_id: run }) => run && from && runs.begin(run, prompt, from, plain.has(prompt));
    queueing = answer.then(begin, () => {});
    return answer;
  };
  // The first news of a run may be here before the answer that names it.
  const listen = (event, take) => api.addEventListener(event, async ({ detail }) => {
    await queueing;
    if (take(detail) !== false) for (const editor of editors) editor.draw();
  });
  listen("executed", ({ output, prompt_id: run, display_node: shown, node }) => {
    const picture = output?.images?.at?.(-1);
    if (!picture?.filename || !/\.(png|jpe?g|webp)$/i.test(picture.filename)) return false;
    return runs.show(run, String(shown ?? node), "last", view(picture));
  });
  listen("b_preview_with_metadata", ({ blob, promptId, jobId = promptId, displayNodeId }) => {
    const url = URL.createObjectURL(blob);
    const used = runs.show(jobId, displayNodeId, "live", url);
    if (!used) URL.revokeObjectURL(url);
    return used;
  });
  for (const event of ["execution_success", "execution_error", "execution_interrupted"]) {
    listen(event, ({ prompt_id: run }) => runs.end(run));
  }
}

/** One set of listeners for the page: the editor gets what is meant for it before the graph does. */
function listenToPage() {
  if (listening) return;
  listening = true;
  for (const type of ["copy", "cut", "paste"]) document.addEventListener(type, handleClipboard, true);
  // Nodes 2.0 zooms the graph by what it catches on the way down.
  window.addEventListener("wheel", handleWheel, { capture: true, passive: true });
}

/** @returns {Hosted | undefined} */
function editorAround(element) {
  while (element && !panels.has(element)) element = element.parentElement;
  return panels.get(element);
}

function handleClipboard(event) {
  const active = document.activeElement;
  const editor = editorAround(active);
  if (!editor?.takesClipboard(active, event)) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  editor.handleClipboard(event);
}

function handleWheel(event) {
  const editor = editorAround(event.target);
  const scroller = editor?.scrollerOf(event.target);
  if (scroller && scroller.scrollHeight > scroller.clientHeight && !event.ctrlKey) event.stopPropagation();
}

/**
 * Show a promoted widget of `type` on its subgraph's own node: show(node, name, value) makes the widget, value.value is
 * what the subgraph keeps. From frontend 1.58 on a pack's widget would be an empty place there; before, the page shows
 * the inner widget itself.
 */
function showPromoted(node, type, show) {
  const usual = node.createPromotedHostWidget;
  if (!usual) return;
  node.createPromotedHostWidget = function (input, id, source) {
    if (source.type !== type) return usual.call(this, input, id, source);
    if (this.graph?.getNodeById(this.id) !== this) return undefined;
    return show(this, input.name, this._projectPromotedWidget(input));
  };
}

/** A widget with an element that the page shows for `node`, without being one of the node's own. */
function makeElementWidget(node, name, type, element, options) {
  const { DOMWidgetImpl, addWidget } = globalThis.comfyAPI.domWidget;
  const widget = new DOMWidgetImpl({ node, name, type, element, options });
  addWidget({ graph: node.graph, addCustomWidget() {} }, widget);
  return widget;
}

/**
 * The page for one editor: the node and the widget whose value it edits.
 * @implements {Host}
 */
class NodeHost {
  constructor(node, name) {
    this.node = node;
    this.name = name;
    // Its own until the node has its number, and with that the place of the editor before this one.
    this.place = new Place();
  }

  /**
   * @param {Hosted} editor
   * @param {import("./place.js").Slot} slot
   */
  attach(editor, slot, widget) {
    this.editor = editor;
    this.widget = widget;
    // The page's panel of properties leaves its own width there; the editor is as wide as its node.
    Object.defineProperty(widget, "width", { get: () => undefined, set() {} });
    // As the page does with its own prompts: the workflow keeps the wildcards, a run gets what was chosen.
    widget.serializeValue = () => editor.sent;
    this.place.takeOver(editor);
    slot.belongTo(this.place);
    editors.add(editor);
    panels.set(editor.panel, editor);
    listenToPage();
    const { node } = this;
    const executed = node.onExecuted;
    node.onExecuted = (output) => {
      executed?.call(node, output);
      this.received(output);
    };
    const connected = node.onConnectionsChange;
    node.onConnectionsChange = (...change) => {
      connected?.apply(node, change);
      editor.draw();
    };
    const removed = widget.onRemove;
    widget.onRemove = () => {
      removed?.call(widget);
      editors.delete(editor);
    };
    // Only now is the node in its graph, has its number and its value.
    setTimeout(() => {
      const session = this.session();
      if (session && session.place !== this.place) {
        this.place = session.place;
        slot.belongTo(this.place);
        this.place.takeOver(editor);
      }
      const output = app.nodeOutputs?.[node.id];
      if (output) this.received(output);
    });
    this.forwardToGraph(slot);
  }

  /**
   * What outlives the editor, which undo rebuilds: its place, and the pictures and boxes of the last run.
   */
  session() {
    const { node } = this;
    if (!node.graph || node.id === -1) return null;
    const key = `${node.graph.id}/${node.id}`;
    if (!sessions.has(key)) sessions.set(key, { place: this.place });
    return sessions.get(key);
  }

  changed(text) {
    this.widget?.callback?.(text);
    this.node.graph?.setDirtyCanvas?.(true, false);
  }

  selected(ids) {
    this.place.selection = ids;
  }

  /** The graph's own history compares the workflow with the last one it saw. */
  addUndoStep() {
    const history = tracker();
    (history?.captureCanvasState ?? history?.checkState)?.call(history);
  }

  undo() {
    run("Comfy.Undo");
  }

  redo() {
    run("Comfy.Redo");
  }

  takeUndoKey(event, inField, typed) {
    const { key, shiftKey, altKey, ctrlKey, metaKey } = event;
    if (!(ctrlKey || metaKey)) return false;
    if (!inField) {
      // The page undoes; left alone, the browser would also take back the last letter typed into a field.
      if ("zy".includes(key.toLowerCase())) event.preventDefault();
      return false;
    }
    // The page leaves Ctrl+Z to fields, for what is being typed; where nothing was typed it is meant for the graph.
    if (altKey || typed) return false;
    const command = { z: shiftKey ? "redo" : "undo", y: "redo" }[key.toLowerCase()];
    if (command) this[command]();
    return !!command;
  }

  get memory() {
    return this.place.memory;
  }

  get fullScreen() {
    return !!this.place.cover;
  }

  toggleFullScreen() {
    this.place.toggleFullScreen();
  }

  received(output) {
    const session = this.session();
    if (!session || !output) return;
    const picture = output.deig_background?.[0];
    if (picture) session.background = view(picture);
    const boxes = output.deig_incoming?.[0];
    if (boxes !== undefined) {
      session.incoming = parseRegions(boxes);
      session.reading = output.deig_reading?.[0];
    }
    this.editor.draw();
  }

  input(name) {
    const slot = this.node.inputs?.findIndex((input) => input.name === name) ?? -1;
    return slot >= 0 && this.node.inputs[slot].link != null ? slot : -1;
  }

  /** @returns {Pictures} */
  pictures() {
    const slot = this.input("background");
    // An image node next door already shows its picture before any run.
    const near = slot >= 0 ? this.node.getInputNode?.(slot)?.imgs?.[0]?.src : undefined;
    const { live, last, plain: without } = this.made();
    return { connected: slot >= 0 ? near ?? this.session()?.background : undefined, last: live ?? last, without };
  }

  made() {
    return runs.of(workflow(), (id) => this.isIn(id));
  }

  compare() {
    const { prompt } = this.made();
    const output = prompt && without(prompt.output, runs.source);
    if (!output) return false;
    const again = { ...prompt, output };
    plain.add(again);
    api.queuePrompt(0, again).catch((error) => console.error(error));
    return true;
  }

  /** Whether a run's id means this node; one inside a subgraph has the numbers of those around it before its own. */
  isIn(id) {
    const { node } = this;
    const path = id.split(":");
    const at = path.indexOf(String(node.id));
    // A subgraph's own node shows what belongs to a node within.
    return (node.graph?.rootGraph ?? node.graph) === node.graph ? at === 0 : at > 0;
  }

  mode() {
    return this.node.widgets?.find((widget) => widget.name === "boxes_mode");
  }

  /** @returns {Incoming | null} */
  incoming() {
    if (this.input("boxes") < 0) return null;
    const { incoming: regions, reading } = this.session() ?? {};
    return { regions, mode: this.mode()?.value, reading };
  }

  setReading({ layout = "auto", units = "auto", size = [0, 0] }) {
    const values = { layout, units, source_width: size[0], source_height: size[1] };
    for (const widget of this.node.widgets ?? []) {
      const name = widget.name.replace(/^boxes_/, "");
      if (name !== widget.name && name in values) widget.value = values[name];
    }
  }

  readBoxes(asked) {
    return this.ask("/deig/read", asked);
  }

  /** What a route of the pack answers, an error's sentence included; null where the server does not. */
  async ask(path, asked) {
    try {
      const headers = { "Content-Type": "application/json" };
      const answer = await api.fetchApi(path, { method: "POST", headers, body: JSON.stringify(asked) });
      return await answer.json();
    } catch {
      return null;
    }
  }

  async countTokens(texts) {
    const demo = app.graph.nodes.some((node) => node.type === DEMO);
    return (await this.ask("/deig/texts", { texts, demo }))?.texts ?? null;
  }

  adopted() {
    const mode = this.mode();
    if (mode) mode.value = "when empty";
  }

  /** The stage covers the graph: zooming by wheel and panning by middle button go on to it. */
  forwardToGraph(root) {
    const pass = (name) => (event) => {
      if (inGraph() && !this.fullScreen) app.canvas[name]?.(event);
    };
    const names = ["processMouseDown", "processMouseMove", "processMouseUp", "processMouseWheel"];
    const [down, move, up, wheel] = names.map(pass);
    root.addEventListener("pointerdown", (event) => (event.button === 1 ? down(event) : event.stopPropagation()));
    root.addEventListener("pointermove", (event) => (event.buttons & 4 ? move(event) : event.stopPropagation()));
    root.addEventListener("pointerup", (event) => (event.button === 1 ? up(event) : event.stopPropagation()));
    root.addEventListener("dblclick", (event) => event.stopPropagation());
    root.addEventListener("wheel", (event) => {
      if (!inGraph()) return;
      event.preventDefault();
      wheel(event);
    }, { passive: false });
  }
}

function parseRegions(text) {
  try {
    return JSON.parse(text).regions;
  } catch {
    return undefined;
  }
}
