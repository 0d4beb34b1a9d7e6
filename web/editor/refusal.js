// A value that cannot be edited, kept as it is until somebody decides.
import { empty } from "./document.js";
import { element, wideButton } from "./dom.js";
import { t } from "./i18n.js";

/** @import { Editor } from "./editor.js" */

export class Refusal {
  /** @param {Editor} editor */
  constructor(editor) {
    this.editor = editor;
    this.root = element("div", { className: "deig-refusal", hidden: true });
  }

  draw() {
    const { editor, root } = this;
    root.hidden = !editor.refused;
    if (!editor.refused) return;
    const fresh = wideButton(t("Start with an empty document"), () => {
      editor.refused = undefined;
      editor.replace(empty());
    });
    root.replaceChildren(element("p", { textContent: t(...editor.refused) }),
      element("p", { textContent: t("It is kept as it is until you decide.") }), fresh);
  }
}
