// How a person likes the editor; kept in the browser, not in the workflow.

/** @import { Preferences } from "./types.js" */

const KEY = "deig.editor";
/** @type {Preferences} */
const DEFAULTS = {
  tool: "draw", magnet: true, grid: 0, picture: "auto", brightness: 0.6, labels: "all", texts: [], brushShare: 1 / 8,
};

/** @returns {Preferences} */
export function load() {
  try {
    return { ...DEFAULTS, ...JSON.parse(localStorage.getItem(KEY)) };
  } catch {
    return DEFAULTS;
  }
}

/** @param {Preferences} preferences */
export function save(preferences) {
  try {
    localStorage.setItem(KEY, JSON.stringify(preferences));
  } catch {
    // A full or forbidden store costs only the memory of the choice.
  }
  return preferences;
}
