// The only file that knows the ComfyUI page: what the editor needs from it, behind a small interface.
import { app } from "../../scripts/app.js";
import { api } from "../../scripts/api.js";
import { useLanguage } from "./editor/i18n.js";

export { app };

const sessions = new Map();
const editors = new Set();
let lastPicture;

const view = (file) => file && api.apiURL(`/view?${new URLSearchParams({ filename: file.filename, subfolder: file.subfolder ?? "", type: file.type ?? "output" })}`);
const tracker = () => app.extensionManager?.workflow?.activeWorkflow?.changeTracker;
const run = (command) => app.extensionManager.command.execute(command);
const inGraph = () => !globalThis.LiteGraph?.vueNodesMode;

/** Once the page knows its settings. */
export async function loadTexts() {
  try {
    const answer = await api.fetchApi("/i18n");
    const translations = await answer.json();
    const apply = () => useLanguage(translations, app.extensionManager?.setting?.get("Comfy.Locale") ?? navigator.language);
    apply();
    app.ui?.settings?.addEventListener?.("Comfy.Locale.change", apply);
  } catch {
    // English is built in.
  }
}

export function loadStyle() {
  const href = new URL("./deig.css", import.meta.url).href;
  document.head.append(Object.assign(document.createElement("link"), { rel: "stylesheet", href }));
}

/** Pictures of a run: what the node was given, and what any node made last. */
export function listenToRuns() {
  api.addEventListener("executed", ({ detail }) => {
    const picture = detail?.output?.images?.at?.(-1);
    if (!picture?.filename || !/\.(png|jpe?g|webp)$/i.test(picture.filename)) return;
    lastPicture = view(picture);
    for (const editor of editors) editor.draw();
  });
}

/**
 * Show a promoted widget of `type` on its subgraph's own node: show(node, name, value) makes the widget, value.value is what the subgraph keeps.
 * From frontend 1.58 on a pack's widget would be an empty place there; before, the page shows the inner widget itself.
 */
export function showPromoted(node, type, show) {
  const usual = node.createPromotedHostWidget;
  if (!usual) return;
  node.createPromotedHostWidget = function (input, id, source) {
    if (source.type !== type) return usual.call(this, input, id, source);
    if (this.graph?.getNodeById(this.id) !== this) return undefined;
    return show(this, input.name, this._projectPromotedWidget(input));
  };
}

/** A widget with an element that the page shows for `node`, without being one of the node's own. */
export function makeElementWidget(node, name, type, element, options) {
  const { DOMWidgetImpl, addWidget } = globalThis.comfyAPI.domWidget;
  const widget = new DOMWidgetImpl({ node, name, type, element, options });
  addWidget({ graph: node.graph, addCustomWidget() {} }, widget);
  return widget;
}

export class NodeHost {
  constructor(node, name) {
    this.node = node;
    this.name = name;
  }

  attach(editor, widget) {
    this.editor = editor;
    this.widget = widget;
    editors.add(editor);
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
      editor.place.dispose();
      editors.delete(editor);
    };
    // Only now is the node in its graph and has its number.
    setTimeout(() => {
      const output = app.nodeOutputs?.[node.id];
      if (output) this.received(output);
      editor.place.resume();
    });
    this.forwardToGraph(editor.root);
  }

  /** What outlives the editor, which undo rebuilds: selection, full screen, focus, pictures. */
  session() {
    const { node } = this;
    if (!node.graph || node.id === -1) return null;
    const key = `${node.graph.id}/${node.id}`;
    if (!sessions.has(key)) sessions.set(key, {});
    return sessions.get(key);
  }

  changed(text) {
    this.widget?.callback?.(text);
    this.node.graph?.setDirtyCanvas?.(true, false);
  }

  /** One step for undo: the graph's own history compares the workflow with the last one it saw. */
  remember() {
    const history = tracker();
    (history?.captureCanvasState ?? history?.checkState)?.call(history);
  }

  undo() {
    run("Comfy.Undo");
  }

  redo() {
    run("Comfy.Redo");
  }

  received(output) {
    const session = this.session();
    if (!session || !output) return;
    const picture = output.deig_background?.[0];
    if (picture) session.background = view(picture);
    const boxes = output.deig_incoming?.[0];
    if (boxes !== undefined) session.incoming = parseRegions(boxes);
    this.editor.draw();
  }

  input(name) {
    const slot = this.node.inputs?.findIndex((input) => input.name === name) ?? -1;
    return slot >= 0 && this.node.inputs[slot].link != null ? slot : -1;
  }

  pictures() {
    const slot = this.input("background");
    // An image node next door already shows its picture before any run.
    const near = slot >= 0 ? this.node.getInputNode?.(slot)?.imgs?.[0]?.src : undefined;
    return { connected: slot >= 0 ? near ?? this.session()?.background : undefined, last: lastPicture };
  }

  mode() {
    return this.node.widgets?.find((widget) => widget.name === "boxes_mode");
  }

  incoming() {
    if (this.input("boxes") < 0) return null;
    return { regions: this.session()?.incoming, mode: this.mode()?.value };
  }

  /** Incoming boxes became the editor's own: from now on those count. */
  adopted() {
    const mode = this.mode();
    if (mode) mode.value = "when empty";
  }

  /** The stage covers the graph: zooming by wheel and panning by middle button go on to it. */
  forwardToGraph(root) {
    const pass = (name) => (event) => {
      if (inGraph() && !this.editor.place.cover) app.canvas[name]?.(event);
    };
    const [down, move, up, wheel] = ["processMouseDown", "processMouseMove", "processMouseUp", "processMouseWheel"].map(pass);
    root.addEventListener("pointerdown", (event) => (event.button === 1 ? down(event) : event.stopPropagation()));
    root.addEventListener("pointermove", (event) => (event.buttons & 4 ? move(event) : event.stopPropagation()));
    root.addEventListener("pointerup", (event) => (event.button === 1 ? up(event) : event.stopPropagation()));
    root.addEventListener("dblclick", (event) => event.stopPropagation());
    root.addEventListener("wheel", (event) => {
      const list = event.target.closest(".deig-list, .deig-pop");
      if (list && list.scrollHeight > list.clientHeight && !event.ctrlKey) return event.stopPropagation();
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
