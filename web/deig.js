// What the page loads: the editor for every value of the type.
import { registerEditor } from "./host.js";
import { Editor } from "./editor/editor.js";
import { useLanguage } from "./editor/i18n.js";

registerEditor({
  name: "deig.regions",
  type: "DEIG_REGION_DOCUMENT",
  least: { width: 480, height: 560 },
  make: (host) => new Editor(host),
  useLanguage,
  source: {
    node: "DEIGRegions",
    output: 0,
    shownBy: ["DEIGDrawRegions", "DEIGAttentionMaps"],
    off: { node: "DEIGApply", input: "strength", value: 0 },
  },
  encoders: {
    demo: "DEIGLoadDemo",
    loader: "DEIGLoadTextEncoder",
    choice: "encoder_name",
    reader: "DEIGEncode",
    input: "text_encoder",
  },
});
