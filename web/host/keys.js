// The names under which the pack's nodes tell the page something, as nodes/host/keys.py has them
// (tests/data/document.json holds both to them).

/** Of a node's output: what it holds for its editor, and what was said at it. */
export const INCOMING = "deig_incoming";
export const READING = "deig_reading";
export const BACKGROUND = "deig_background";
export const NOTES = "deig_notes";
/** The event by which the page is told at once what is said. */
export const SAID = "deig.said";
