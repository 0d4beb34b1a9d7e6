// What the text encoder itself makes of the texts, where the host can ask it; each text is asked about once.

import { expand } from "./wildcards.js";

/** @import { Host, TokenCount } from "./types.js" */

const PATIENCE = 500; // milliseconds after the last change
const KEPT = 1000;

export class Counts {
  /**
   * @param {Host} host
   * @param {() => void} arrived
   */
  constructor(host, arrived) {
    this.host = host;
    this.arrived = arrived;
    /** @type {Map<string, TokenCount | null>}  null while it is asked for, or where nobody knows */
    this.known = new Map();
    this.reader = host.reader;
    /** @type {Set<string>} */
    this.wanted = new Set();
    this.timer = undefined;
  }

  /**
   * @param {string} text
   * @returns {TokenCount | undefined}  undefined as long as it is not known
   */
  of(text) {
    if (!text.trim()) return undefined;
    if (!this.known.has(text)) this.want(text);
    return this.known.get(text) ?? undefined;
  }

  /** What is wanted from now on; texts that were only passed through while typing are not asked about. */
  restart() {
    this.wanted.clear();
    const { reader } = this.host;
    if (reader !== this.reader) this.known.clear();
    this.reader = reader;
  }

  want(text) {
    this.wanted.add(text);
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.ask(), PATIENCE);
  }

  async ask() {
    const texts = [...this.wanted];
    this.wanted.clear();
    if (this.known.size > KEPT) this.known.clear();
    for (const text of texts) this.known.set(text, null);
    const { reader } = this;
    const found = await this.host.countTokens(texts.map((text) => expand(text, () => 0)));
    if (!found || reader !== this.reader) return;
    texts.forEach((text, i) => this.known.set(text, found[i]));
    this.arrived();
  }
}

/**
 * T5 splits words of a caption into about 1.3 pieces and counts every mark; an end token is added.
 * @param {string} text
 */
export function estimateTokens(text) {
  const words = [...text.matchAll(/[\p{L}\p{N}]+/gu)];
  const marks = [...text.matchAll(/[^\p{L}\p{N}\s]/gu)];
  const pieces = words.reduce((sum, [word]) => sum + Math.max(1, Math.round(word.length / 4.8)), 0);
  return { words: words.length, tokens: words.length || marks.length ? pieces + marks.length + 1 : 0 };
}
