// How a person likes the editor; kept in the browser, not in the workflow.

const KEY = "deig.editor";
const DEFAULTS = { tool: "draw", magnet: true, grid: 0, picture: "auto", brightness: 0.6 };

export function load() {
  try {
    return { ...DEFAULTS, ...JSON.parse(localStorage.getItem(KEY)) };
  } catch {
    return DEFAULTS;
  }
}

export function save(preferences) {
  try {
    localStorage.setItem(KEY, JSON.stringify(preferences));
  } catch {
    // A full or forbidden store costs only the memory of the choice.
  }
  return preferences;
}
