// The pack's texts in the page's language, now and whenever it changes, and its style.
import { useChoices } from "./choices.js";
import { api, app } from "./page.js";

export function loadStyle() {
  const href = new URL("../deig.css", import.meta.url).href;
  document.head.append(Object.assign(document.createElement("link"), { rel: "stylesheet", href }));
}

/**
 * Once the page knows its settings.
 * @param {(translations: object, language: string) => void} useLanguage
 */
export async function loadTexts(useLanguage) {
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
    // Without the translations the texts stay English.
  }
}
