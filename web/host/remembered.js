// What nodes said when they ran, for as long as the browser's tab lives: servers before `has_intermediate_output` tell
// nothing of a node that need not run again, and a page that was loaded anew has forgotten it. Knows prompts and a
// storage, nothing of the page.

/** @import { Prompt } from "./runs.js" */

const KEPT = 200; // nodes' texts
const NAME = "deig.said";

/**
 * What a node runs with, it and all before it, in a few letters: the same for what the server takes from its cache.
 * @param {Prompt} prompt
 * @param {string} id
 * @returns {string}
 */
export function signatureOf(prompt, id) {
  const known = new Map();
  const of = (id) => {
    if (!known.has(id)) {
      known.set(id, ""); // of a node in a circle
      const { class_type: type, inputs } = prompt[id] ?? {};
      const linked = (value) => Array.isArray(value) && value.length === 2 && prompt[value[0]];
      const values = Object.entries(inputs ?? {}).map(([k, v]) => [k, linked(v) ? [of(String(v[0])), v[1]] : v]);
      known.set(id, hashed(JSON.stringify([type, values.sort()])));
    }
    return known.get(id);
  };
  return `${id} ${of(id)}`;
}

/** Two numbers of 32 bits; made for tables, not against forgers. */
function hashed(text) {
  let [a, b] = [0xdeadbeef, 0x41c6ce57];
  for (let i = 0; i < text.length; i++) {
    a = Math.imul(a ^ text.charCodeAt(i), 2654435761);
    b = Math.imul(b ^ text.charCodeAt(i), 1597334677);
  }
  return ((a ^ (a >>> 16)) >>> 0).toString(36) + ((b ^ (b >>> 13)) >>> 0).toString(36);
}

/**
 * @param {Storage} storage
 * @param {string} signature
 * @param {string} text  empty: the node had nothing to say
 */
export function remember(storage, signature, text) {
  const all = read(storage).filter(([known]) => known !== signature);
  if (text) all.push([signature, text]);
  try {
    storage.setItem(NAME, JSON.stringify(all.slice(-KEPT)));
  } catch {
    // The storage is full: this is not kept.
  }
}

/**
 * @param {Storage} storage
 * @param {string} signature
 * @returns {string | undefined}
 */
export const remembered = (storage, signature) => read(storage).find(([known]) => known === signature)?.[1];

/** @returns {[string, string][]}  signatures and texts, the newest last */
function read(storage) {
  try {
    return JSON.parse(storage.getItem(NAME)) ?? [];
  } catch {
    return [];
  }
}
