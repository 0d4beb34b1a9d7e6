// The words of choices in the user's language. The page translates titles, sockets and tooltips of
// locales/<language>/nodeDefs.json itself; choices it leaves as they are, and asks a widget for its own labels.

let nodeTexts = {};

/**
 * translations: those of all packs, by language.
 * @param {Record<string, any>} translations
 * @param {string} [language]
 */
export function useChoices(translations, language) {
  const entry = translations?.[language] ?? translations?.[language?.split("-")[0]];
  nodeTexts = entry?.nodeDefs ?? {};
}

/** Let the choices of a node of this pack show the user's words; its value stays what Python reads. */
export function nameChoices(node) {
  const type = node.comfyClass ?? "";
  if (!type.startsWith("DEIG")) return;
  for (const widget of node.widgets ?? []) {
    if (widget.type !== "combo" || !widget.options) continue;
    widget.options.getOptionLabel = (value) =>
      nodeTexts[type]?.inputs?.[widget.name]?.options?.[value] ?? String(value ?? "");
  }
}
