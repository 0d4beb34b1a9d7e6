// What nodes said is found again by what they ran with.
import assert from "node:assert/strict";
import { test } from "node:test";
import { remember, remembered, signatureOf } from "../../web/host/remembered.js";

const prompt = (text, more = {}) => ({
  1: { class_type: "Regions", inputs: { regions: text, ...more } },
  2: { class_type: "Encode", inputs: { regions: ["1", 0], prompt: "" } },
  3: { class_type: "Save", inputs: { images: ["4", 0] } },
});
const storage = () => {
  const all = new Map();
  return { getItem: (key) => all.get(key) ?? null, setItem: (key, text) => all.set(key, text) };
};

test("a node's signature is of it and of all before it", () => {
  const before = signatureOf(prompt("a"), "2");
  assert.equal(signatureOf({ ...prompt("a"), 3: { class_type: "Other", inputs: {} } }, "2"), before);
  assert.notEqual(signatureOf(prompt("b"), "2"), before);
  assert.notEqual(signatureOf(prompt("a"), "1"), before);
  assert.equal(signatureOf(prompt("a", { x: 1, y: 2 }), "2"), signatureOf(prompt("a", { y: 2, x: 1 }), "2"));
});

test("circles and nodes that are not there have one too", () => {
  const circle = { 1: { class_type: "A", inputs: { a: ["2", 0] } }, 2: { class_type: "B", inputs: { b: ["1", 0] } } };
  assert.ok(signatureOf(circle, "1") && signatureOf({}, "9"));
});

test("texts are kept, replaced and taken back", () => {
  const kept = storage();
  remember(kept, "1 a", "one");
  remember(kept, "1 a", "two");
  assert.equal(remembered(kept, "1 a"), "two");
  remember(kept, "1 a", "");
  assert.equal(remembered(kept, "1 a"), undefined);
});

test("the oldest are forgotten, and so is all where there is no room", () => {
  const kept = storage();
  for (let i = 0; i < 300; i++) remember(kept, String(i), "x");
  assert.deepEqual([remembered(kept, "0"), remembered(kept, "299")], [undefined, "x"]);
  const full = { getItem: () => "no JSON", setItem: () => { throw new Error("full"); } };
  remember(full, "a", "b");
  assert.equal(remembered(full, "a"), undefined);
});
