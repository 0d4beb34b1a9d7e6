// Texts: the English one is the key, so it needs no table. Translations come from the pack's locales/ through the host.

let table = {};

/**
 * translations: those of all packs, by language.
 * @param {Record<string, any>} translations
 * @param {string} [language]
 */
export function useLanguage(translations, language) {
  const entry = translations?.[language] ?? translations?.[language?.split("-")[0]];
  table = entry?.deig?.editor ?? {};
}

/**
 * `text` in the user's language with its {placeholders} filled in.
 * @param {string} text
 * @param {Record<string, any>} [values]
 * @returns {string}
 */
export function t(text, values = {}) {
  return (table[text] || text).replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}
