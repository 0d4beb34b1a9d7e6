// Regions over frames: what is shown at one, and what an edit of that becomes.
import assert from "node:assert/strict";
import { test } from "node:test";
import { remove, setBoxes, update } from "../../web/editor/document.js";
import { atFrame, boxAt, framesOf, keyed, withKey, withoutKey } from "../../web/editor/keyframes.js";
import { freeze } from "./lot.mjs";

const KEYS = [{ frame: 10, box: [0.5, 0.5, 1.5, 1] }, { frame: 0, box: [0, 0, 0.5, 0.5] }];
const moving = { id: "a", box: [0, 0, 0.5, 0.5], description: "a cat", keyframes: KEYS };
const still = { id: "b", box: [0.1, 0.1, 0.2, 0.2], description: "a dog" };
const doc = freeze({ version: 1, width: 512, height: 512, regions: [moving, still] });
const edited = (frame, change) => {
  const shown = atFrame(doc, frame);
  return keyed(doc, shown, change(shown), frame);
};

test("a box is on the straight line, clipped, and stays before the first key and after the last", () => {
  assert.deepEqual(boxAt(KEYS, 5), [0.25, 0.25, 1, 0.75]);
  assert.deepEqual(boxAt(KEYS, 99), [0.5, 0.5, 1, 1]);
  assert.deepEqual(boxAt([KEYS[1]], 3), KEYS[1].box);
  assert.equal(boxAt([{ frame: 0, box: [2, 0, 3, 1] }], 0), null);
});

test("without a frame, or without what moves, a document is what it shows", () => {
  assert.equal(atFrame(doc, null), doc);
  const plain = { ...doc, regions: [still] };
  assert.equal(atFrame(plain, 3), plain);
  assert.equal(atFrame(doc, 3).regions[1], still);
});

test("a box that is moved at a frame is a key there, and nothing else changes", () => {
  const box = [0.3, 0.3, 0.6, 0.6];
  const after = edited(5, (shown) => setBoxes(shown, new Map([["a", box]])));
  assert.deepEqual(after.regions[0].keyframes, withKey(KEYS, 5, box));
  assert.deepEqual(after.regions[0].box, moving.box);
  assert.equal(after.regions[1], still);
  assert.deepEqual(boxAt(after.regions[0].keyframes, 5), box);
});

test("texts, other regions and removals are as without a timeline", () => {
  const said = edited(5, (shown) => update(shown, "a", { description: "a cow" }));
  assert.deepEqual(said.regions, [{ ...moving, description: "a cow" }, still]);
  assert.deepEqual(edited(5, (shown) => remove(shown, ["b"])).regions, [moving]);
  assert.deepEqual(edited(5, (shown) => remove(shown, ["a"])).regions, [still]);
  const stopped = edited(5, (shown) => {
    const { keyframes, ...rest } = shown.regions[0];
    return { ...shown, regions: [rest, still] };
  });
  assert.deepEqual(stopped.regions[0], { ...still, id: "a", description: "a cat", box: [0.25, 0.25, 1, 0.75] });
});

test("keys are set in place of each other and removed", () => {
  assert.deepEqual(framesOf([moving, still]), [0, 10]);
  assert.deepEqual(withKey(KEYS, 10, [0, 0, 1, 1]).map(({ frame, box }) => [frame, box[2]]), [[0, 0.5], [10, 1]]);
  assert.deepEqual(framesOf([{ keyframes: withoutKey(KEYS, 10) }]), [0]);
});
