// Shows an editor for a value in the ComfyUI page. This file and those in host/ alone know the page; what the editor
// needs of it stands in the contract Host (editor/types.js).
import { nameChoices } from "./host/choices.js";
import { NodeHost, settlePlaces } from "./host/node-host.js";
import { app } from "./host/page.js";
import { makeSlot } from "./host/place.js";
import { makeElementWidget, showPromoted } from "./host/promoted.js";
import { listenToRuns } from "./host/results.js";
import { listenToWords, sayAgain } from "./host/said.js";
import { loadStyle, loadTexts } from "./host/texts.js";

/** @import { Host, Hosted } from "./editor/types.js" */
/** @import { Encoders } from "./host/encoder.js" */
/** @import { Source } from "./host/runs.js" */

/**
 * Show `make(host)` for every widget of `type`.
 * name: what the extension is called; least: the smallest {width, height} in pixels; make: an editor for a Host;
 * useLanguage: is told the translations of all packs by language, and the language, at the start and at every change;
 * source: how the nodes are known whose pictures are made from the value; encoders: and those that read its texts.
 * @param {{ name: string, type: string, least: { width: number, height: number }, make: (host: Host) => Hosted,
 *   useLanguage: (translations: object, language: string) => void, source: Source, encoders: Encoders }} options
 */
export function registerEditor({ name: extension, type, least, make, useLanguage, source, encoders }) {
  loadStyle();
  const makeEditor = (node, name) => {
    const host = new NodeHost(node, name, encoders);
    const editor = make(host);
    const slot = makeSlot();
    slot.append(editor.panel);
    // Lets the element grow with a node of Nodes 2.0.
    slot.classList.add("widget-expands");
    const options = {
      hideOnZoom: false,
      // The panel of properties would keep as much room empty: it does not show elements of packs.
      surfaces: { canvas: "shown", vueNode: "shown", panel: "never" },
      hideInPanel: true, // the same for pages before those
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
      listenToWords();
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
        settlePlaces();
        sayAgain();
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
