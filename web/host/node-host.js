// The page for one editor: the node and the widget whose value it edits.
import { encoderOf } from "./encoder.js";
import { editors, listenFor } from "./events.js";
import { api, app, ask, run, workflow } from "./page.js";
import { Place } from "./place.js";
import { Places } from "./places.js";
import { givenTo, keepGiven, plain, runs } from "./results.js";
import { without } from "./runs.js";
import { sentBy } from "./sent.js";

/** @import { Host, Hosted, Incoming, Pictures } from "../editor/types.js" */
/** @import { Encoders } from "./encoder.js" */
/** @import { Slot } from "./place.js" */

const places = new Places();
const inGraph = () => !globalThis.LiteGraph?.vueNodesMode;

/** Once a graph has taken the place of another, whose editors are gone. */
export function settlePlaces() {
  for (const place of places) if (place.cover && !editors.has(place.editor)) place.leaveFullScreen();
  places.forget(({ editor }) => editors.has(editor));
}

/** @implements {Host} */
export class NodeHost {
  /** @param {Encoders} encoders */
  constructor(node, name, encoders) {
    this.node = node;
    this.name = name;
    this.encoders = encoders;
    // Its own until the node has its number, and with that the place of the editor before this one.
    this.place = new Place();
  }

  /**
   * @param {Hosted} editor
   * @param {Slot} slot
   */
  attach(editor, slot, widget) {
    this.editor = editor;
    this.widget = widget;
    // The page's panel of properties leaves its own width there; the editor is as wide as its node.
    Object.defineProperty(widget, "width", { get: () => undefined, set() {} });
    widget.serializeValue = (asked) => sentBy(editor, this.name, asked);
    this.place.takeOver(editor);
    slot.belongTo(this.place);
    listenFor(editor);
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
      const place = this.key ? places.of(this.key, this.place) : this.place;
      if (place !== this.place) {
        this.place = place;
        slot.belongTo(place);
        place.takeOver(editor);
      }
      const output = app.nodeOutputs?.[node.id];
      if (output) this.received(output);
    });
    this.forwardToGraph(slot);
  }

  /** What names the node as long as its workflow is open; empty before it has its number. */
  get key() {
    const { graph, id } = this.node;
    return graph && id !== -1 ? `${graph.id}/${id}` : "";
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
    const history = workflow()?.changeTracker;
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
    if (!output || !this.key) return;
    keepGiven(this.key, output);
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
    const connected = slot >= 0 ? near ?? givenTo(this.key).background : undefined;
    return { connected, last: live ?? last, without };
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
    const { incoming: { regions, overlap } = {}, reading } = givenTo(this.key);
    return { regions, overlap, mode: this.mode()?.value, reading };
  }

  setReading({ layout = "auto", units = "auto", size = [0, 0] }) {
    const values = { layout, units, source_width: size[0], source_height: size[1] };
    for (const widget of this.node.widgets ?? []) {
      const name = widget.name.replace(/^boxes_/, "");
      if (name !== widget.name && name in values) widget.value = values[name];
    }
  }

  adopted(mode) {
    const widget = this.mode();
    if (widget) widget.value = mode;
  }

  readBoxes(asked) {
    return ask("/deig/read", asked);
  }

  get reader() {
    return JSON.stringify(encoderOf(this.node, this.encoders));
  }

  async countTokens(texts) {
    return (await ask("/deig/texts", { texts, encoder: encoderOf(this.node, this.encoders) }))?.texts ?? null;
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
