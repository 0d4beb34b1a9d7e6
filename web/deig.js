// The region editor as a ComfyUI widget.
import { app, listenToRuns, loadStyle, loadTexts, makeElementWidget, NodeHost, showPromoted } from "./host.js";
import { Editor } from "./editor/editor.js";

const TYPE = "DEIG_REGION_DOCUMENT";
const LEAST = { width: 480, height: 560 };

loadStyle();

app.registerExtension({
  name: "deig.regions",
  async init() {
    listenToRuns();
    // Nodes are made after this, with their texts in the right language.
    await loadTexts();
  },
  getCustomWidgets() {
    return {
      [TYPE](node, name) {
        const { host, editor, options } = makeEditor(node, name);
        const widget = node.addDOMWidget(name, TYPE, editor.root, options);
        host.attach(editor, widget);
        return { widget, minWidth: LEAST.width, minHeight: LEAST.height };
      },
    };
  },
  nodeCreated(node) {
    showPromoted(node, TYPE, (owner, name, kept) => {
      const { host, editor, options } = makeEditor(owner, name);
      const widget = makeElementWidget(owner, name, TYPE, editor.root, options);
      editor.value = kept.value;
      widget.callback = (text) => (kept.value = text);
      host.attach(editor, widget);
      return widget;
    });
  },
});

function makeEditor(node, name) {
  const host = new NodeHost(node, name);
  const editor = new Editor(host);
  const options = {
    hideOnZoom: false,
    margin: 8,
    getMinHeight: () => LEAST.height,
    getValue: () => editor.value,
    setValue: (value) => (editor.value = value),
  };
  return { host, editor, options };
}
