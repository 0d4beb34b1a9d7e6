// What a row says without being opened.
import assert from "node:assert/strict";
import { test } from "node:test";
import { DEFAULTS } from "../../web/editor/document.js";
import { covering, notesOf } from "../../web/editor/notes.js";

const region = (more) => ({ ...DEFAULTS, id: "a", box: [0.1, 0.1, 0.5, 0.5], description: "a cat", ...more });
const doc = (...regions) => ({ version: 1, width: 512, height: 512, regions });
const shorts = (more, counted) =>
  notesOf(doc(region(more)), region(more), [], counted).map(({ short: [text], warns }) => (warns ? `! ${text}` : text));

test("a usual region says nothing", () => assert.deepEqual(shorts({}), []));

test("strength and negative are said, and warn of nothing", () => {
  assert.deepEqual(shorts({ strength: 0.3, negative: "a hat" }), ["× {strength}", "not: {negative}"]);
  assert.deepEqual(shorts({ strength: 1, negative: "  " }), []);
});

test("regions that move, or are there for a part of the schedule, say so", () => {
  const box = [0, 0, 0.5, 0.5];
  const [{ long }] = notesOf(doc(), region({ keyframes: [{ frame: 15, box }, { frame: 2, box }] }), []);
  assert.deepEqual(long[1], { count: 2, first: 2, last: 15 });
  const strengths = [{ at: 0, strength: 1 }, { at: 0.5, strength: 0.2 }];
  assert.deepEqual(shorts({ strengths, strength: 0 }), ["× {least} to {most}"], "its one strength is not read");
  assert.deepEqual(shorts({ strengths: [{ at: 0, strength: 0 }] }), ["× {strength}", "! strength 0"]);
  assert.deepEqual(shorts({ end: 0.5 }), ["from {start} to {end}"]);
  assert.deepEqual(shorts({ start: 0, end: 1 }), []);
});

test("what does not count or does not fit", () => {
  assert.deepEqual(shorts({ description: " " }), ["! no text"]);
  assert.deepEqual(shorts({ description: undefined }), ["! no text"]);
  assert.deepEqual(shorts({ strength: 0 }), ["× {strength}", "! strength 0"]);
  assert.deepEqual(shorts({ box: [0, 0, 1, 7 / 512] }), ["! tiny"]);
  assert.deepEqual(shorts({ box: [0, 0, 8 / 512, 1] }), ["! small"]);
  assert.deepEqual(shorts({ box: [0, 0, 16 / 512, 1] }), []);
  assert.deepEqual(shorts({ description: "cat ".repeat(200) }), ["! cut?"]);
});

test("a region that is switched off warns of nothing", () => {
  assert.deepEqual(shorts({ enabled: false, description: "", box: [0, 0, 0.001, 1] }), []);
});

test("what the text encoder says counts more than the estimate", () => {
  const counted = (more) => ({ tokens: 5, unknown: 0, lost: [], marks: [], ...more });
  assert.deepEqual(shorts({ description: "cat ".repeat(200) }, counted()), []);
  assert.deepEqual(shorts({}, counted({ tokens: 129 })), ["! cut"]);
  assert.deepEqual(shorts({}, counted({ unknown: 2, lost: ["猫"] })), ["! {unknown} unknown"]);
  assert.deepEqual(shorts({}, counted({ marks: ["(cat:1.2)"] })), ["! {mark}?"]);
});

test("boxes in the same place, from four fifths of both on", () => {
  const at = (x, more) => region({ box: [x, 0, x + 0.5, 0.5], ...more });
  const large = region({ box: [0, 0, 1, 1] });
  assert.deepEqual(covering(doc(at(0), at(0.05), at(0.2), large)), [[2], [1], [], []]);
  assert.deepEqual(covering(doc(at(0), at(0, { enabled: false }), at(0, { box: null }))), [[], [], []]);
});

test("what the front one owns is in nobody else's place", () => {
  const both = [region({}), region({})];
  assert.deepEqual(covering({ ...doc(...both), overlap: "front" }), [[], []]);
  assert.deepEqual(covering(doc(both[0], { ...both[1], behind: true })), [[], []]);
  assert.deepEqual(shorts({ behind: true }), ["behind"]);
});

test("thousands of keys are looked at in proportion to them, at every drawing", () => {
  let asked = 0;
  const key = (frame) => ({
    get frame() {
      asked += 1;
      return frame;
    },
    box: [frame / 8192, 0.1, frame / 8192 + 0.3, 0.5],
  });
  const keyframes = Array.from({ length: 4096 }, (_, frame) => key(frame));
  notesOf(doc(), region({ keyframes }), []);
  assert.ok(asked < 100 * keyframes.length, `${asked} looks`);
});
