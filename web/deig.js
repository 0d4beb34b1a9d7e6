// The region editor as a ComfyUI widget.
import { app, listenToRuns, loadStyle, loadTexts, NodeHost } from "./host.js";
import { Editor } from "./editor/editor.js";

const TYPE = "DEIG_REGION_DOCUMENT";
const LEAST = { width: 480, height: 560 };

loadStyle();
const texts = loadTexts();

app.registerExtension({
  name: "deig.regions",
  async init() {
    listenToRuns();
    // Nodes are made after this, with their texts in the right language.
    await texts;
  },
  getCustomWidgets() {
    return {
      [TYPE](node, name) {
        const host = new NodeHost(node, name);
        const editor = new Editor(host);
        const widget = node.addDOMWidget(name, TYPE, editor.root, {
          hideOnZoom: false,
          margin: 8,
          getMinHeight: () => LEAST.height,
          getValue: () => editor.value,
          setValue: (value) => (editor.value = value),
        });
        host.attach(editor, widget);
        return { widget, minWidth: LEAST.width, minHeight: LEAST.height };
      },
    };
  },
});
