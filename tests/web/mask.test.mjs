// Painted masks: what Python reads too, and what a brush leaves.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import * as arranging from "../../web/editor/arrange.js";
import * as documents from "../../web/editor/document.js";
import { beginGesture, endGesture, followGesture } from "../../web/editor/gesture.js";
import { Canvas, cellsOf, isInside, isMask } from "../../web/editor/mask.js";
import { lot } from "./lot.mjs";

const shared = JSON.parse(readFileSync(new URL("../data/document.json", import.meta.url)));
const keys = { shift: false, alt: false, ctrl: false };
const rows = ({ width, height }, cells) =>
  Array.from({ length: height }, (_, y) => [...cells.slice(y * width, (y + 1) * width)].map((c) => ".#"[c]).join(""));

for (const { name, mask, rows: expected } of shared.masks) {
  test(`reads ${name}`, () => {
    assert.ok(isMask(mask));
    if (expected) assert.deepEqual(rows(mask, cellsOf(mask)), expected);
  });
}

test("what is no mask", () => {
  for (const mask of shared.bad_masks) assert.ok(!isMask(mask), JSON.stringify(mask));
});

const usual = { selection: [], unit: [0.002, 0.002], tool: "paint", grid: 0, magnet: true, touch: false, brush: 64 };
const scene = (doc, more) => ({ doc, ...usual, ...more });
function paint(from, [first, ...rest], mods = keys) {
  const begun = beginGesture(from, first, mods);
  return endGesture(rest.reduce((gesture, point) => followGesture(gesture, point, mods), begun));
}

test("a stroke where nothing is chosen is a region of its own, and the document says that it has masks", () => {
  const { doc, selection } = paint(scene(documents.empty()), [[0.2, 0.2], [0.6, 0.6]]);
  const [region] = doc.regions;
  assert.deepEqual(selection, [region.id]);
  assert.equal(doc.version, 2);
  assert.ok(isMask(region.mask));
  assert.ok(isInside(region, [0.4, 0.4]) && !isInside(region, [0.2, 0.6]) && !isInside(region, [0.9, 0.9]));
  assert.ok(JSON.stringify(region.mask).length < 4096);
  region.box.forEach((edge, i) => assert.ok(Math.abs(edge - (i < 2 ? 0.2 - 0.0625 : 0.6 + 0.0625)) < 1 / 128));
});

test("with several chosen, or none, each stroke is one new region, as long as there is room", () => {
  const [start, ids] = documents.add(documents.empty(), [{ box: [0, 0, 0.5, 0.5] }, { box: [0.5, 0.5, 1, 1] }]);
  const points = [[0.2, 0.2], [0.4, 0.3], [0.6, 0.6]];
  const { doc, selection } = paint(scene(start, { selection: ids }), points);
  assert.equal(doc.regions.length, 3);
  assert.deepEqual(doc.regions.slice(0, 2), start.regions);
  assert.deepEqual(selection, [doc.regions[2].id]);
  const [full] = documents.add(documents.empty(), Array(64).fill({ box: [0, 0, 1, 1] }));
  const none = paint(scene(full), points);
  assert.deepEqual([none.doc, none.lost], [full, 1]);
});

test("a press alone is a dot; the brush of a chosen region adds to it and the other takes away", () => {
  const [start, ids] = documents.add(documents.empty(), [{ box: [0.25, 0.25, 0.5, 0.5], description: "a cat" }]);
  const more = paint(scene(start, { selection: ids }), [[0.5, 0.375]]);
  const [grown] = more.doc.regions;
  assert.ok(isInside(grown, [0.54, 0.375]) && isInside(grown, [0.3, 0.3]) && !isInside(grown, [0.54, 0.27]));
  assert.equal(grown.description, "a cat");
  const less = paint(scene(more.doc, { selection: ids, tool: "erase" }), [[0.375, 0.375]]);
  assert.ok(!isInside(less.doc.regions[0], [0.375, 0.375]));
  const swapped = paint(scene(more.doc, { selection: ids, tool: "paint" }), [[0.375, 0.375]], { ...keys, alt: true });
  assert.deepEqual(swapped.doc, less.doc, "Alt is the other brush");
});

test("what is erased whole stays, and a shape that fills its box needs no mask", () => {
  const [start, ids] = documents.add(documents.empty(), [{ box: [0.25, 0.25, 0.5, 0.5] }]);
  const none = paint(scene(start, { selection: ids, tool: "erase", brush: 1024 }), [[0.4, 0.4]]);
  assert.equal(none.doc, start);
  const full = new Canvas([512, 512], start.regions[0]).shape();
  assert.deepEqual(full, { box: [0.25, 0.25, 0.5, 0.5], mask: undefined });
});

test("a mask moves and grows with its box", () => {
  const { doc, selection: [id] } = paint(scene(documents.empty()), [[0.2, 0.2], [0.4, 0.4]]);
  const moved = documents.find(arranging.nudge(doc, [id], 64, 0), id);
  assert.equal(moved.mask, doc.regions[0].mask);
  assert.ok(isInside(moved, [0.3 + 0.125, 0.3]) && !isInside(moved, [0.21, 0.4]));
});

test("without its mask the document is one of version 1 again", () => {
  const { doc, selection } = paint(scene(documents.empty()), [[0.2, 0.2], [0.4, 0.4]]);
  assert.equal(documents.update(doc, selection, { mask: undefined }).version, 1);
  assert.equal(documents.remove(doc, selection).version, 1);
});

test("random strokes: the runs are Python's and say what was painted", () => {
  for (let seed = 0; seed < 40; seed++) {
    const { next, whole } = lot(seed);
    let canvas = new Canvas([8 + whole(900), 8 + whole(900)]);
    for (let n = 0; n < 6; n++) canvas = canvas.stroke([next(), next()], [next(), next()], 4 + whole(200), n > 3);
    const shape = canvas.shape();
    if (!shape) continue;
    if (shape.mask) assert.ok(isMask(shape.mask));
    const again = new Canvas(canvas.size, { id: "a", ...shape });
    assert.deepEqual(again.cells, canvas.cells);
  }
});
