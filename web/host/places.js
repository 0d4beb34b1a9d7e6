// What outlives the editors, which undo rebuilds: the place of each node's editor. Those of graphs that are gone are
// dropped in the end, the longest unused first. Knows nothing of the page.

/** @import { Place } from "./place.js" */

const KEPT = 32; // places whose editor lives no more

export class Places {
  constructor() {
    /** @type {Map<string, Place>}  the newest used last */
    this.places = new Map();
  }

  /**
   * The place under a key, or `place` from now on.
   * @param {string} key
   * @param {Place} place
   * @returns {Place}
   */
  of(key, place) {
    const kept = this.places.get(key) ?? place;
    this.places.delete(key);
    this.places.set(key, kept);
    return kept;
  }

  /** @param {(place: Place) => boolean} lives */
  forget(lives) {
    const left = [...this.places].filter(([, place]) => !lives(place));
    for (const [key] of left.slice(0, Math.max(0, left.length - KEPT))) this.places.delete(key);
  }

  [Symbol.iterator]() {
    return this.places.values();
  }
}
