// Gestures without a page: what they make of a document, and the geometry beneath.
import assert from "node:assert/strict";
import { test } from "node:test";
import { problemOf } from "../../web/editor/parse.js";
import * as g from "../../web/editor/geometry.js";
import { beginGesture, cursorAt, endGesture, followGesture } from "../../web/editor/gesture.js";
import { freeze, lot } from "./lot.mjs";

const NONE = { shift: false, alt: false, ctrl: false };
const SIZE = [768, 512];
const doc = freeze({
  version: 1, width: SIZE[0], height: SIZE[1],
  regions: [
    { id: "a", box: [0.1, 0.1, 0.4, 0.6], description: "first" },
    { id: "b", box: [0.3, 0.4, 0.7, 0.9], description: "second" },
    { id: "c", box: [0.75, 0.05, 0.95, 0.3], locked: true },
  ],
});
const PLAIN = { doc, selection: [], unit: [1 / 500, 1 / 333], tool: "draw", grid: 0, magnet: false, touch: false };
const scene = (more = {}) => ({ ...PLAIN, ...more });
const gesture = (start, points, mods = NONE) =>
  endGesture(points.reduce((now, point) => followGesture(now, point, mods), beginGesture(start, points[0], mods)));
const boxOf = ({ doc }, id) => g.toPixels(doc.regions.find((x) => x.id === id).box, SIZE);

test("random gestures leave a valid document and the locked box alone", () => {
  const r = lot(7);
  let now = { doc, selection: [] };
  for (let i = 0; i < 1000; i++) {
    const mods = { shift: r.next() < 0.25, alt: r.next() < 0.2, ctrl: r.next() < 0.2 };
    const points = Array.from({ length: 2 + r.whole(4) }, () => [r.next() * 1.2 - 0.1, r.next() * 1.2 - 0.1]);
    const liked = { tool: r.pick(["draw", "select"]), grid: r.pick([0, 16]), magnet: r.next() < 0.5 };
    const start = scene({ ...now, ...liked, touch: r.next() < 0.2 });
    const { doc: after, selection } = gesture(start, points, mods);
    assert.equal(problemOf(after), undefined);
    const boxes = after.regions.map((x) => x.box);
    assert.ok(boxes.flat().every((v) => v >= 0 && v <= 1), JSON.stringify({ points, mods, boxes }));
    assert.deepEqual(after.regions.find((x) => x.id === "c"), doc.regions[2]);
    const few = after.regions.length > 40 ? { ...after, regions: after.regions.slice(0, 12) } : after;
    now = { doc: freeze(few), selection: selection.slice(0, 5) };
    if (!now.doc.regions.some((x) => x.id === "c")) now = { doc, selection: [] };
  }
});

test("a click selects, in an empty place it clears, and neither changes the document", () => {
  const chosen = gesture(scene(), [[0.15, 0.15]]);
  assert.deepEqual([chosen.doc, chosen.selection], [doc, ["a"]]);
  assert.deepEqual(gesture(scene({ selection: ["a"] }), [[0.02, 0.95]]).selection, []);
  assert.deepEqual(gesture(scene({ selection: ["a"] }), [[0.6, 0.8]], { ...NONE, shift: true }).selection, ["a", "b"]);
});

test("Alt-click goes through what lies on top of each other", () => {
  const at = [[0.35, 0.5]];
  assert.deepEqual(gesture(scene({ selection: ["b"] }), at, { ...NONE, alt: true }).selection, ["a"]);
  assert.deepEqual(gesture(scene({ selection: ["a"] }), at, { ...NONE, alt: true }).selection, ["b"]);
});

test("a group moves as one and stops as one", () => {
  const moved = gesture(scene({ selection: ["a", "b"] }), [[0.15, 0.15], [0.9, 0.15]]);
  const [a, b] = [0, 1].map((i) => moved.doc.regions[i].box[0] - doc.regions[i].box[0]);
  assert.ok(Math.abs(a - b) < 1e-5);
  assert.equal(boxOf(moved, "b")[2], SIZE[0]);
});

test("handles: Shift keeps the aspect, Alt the centre", () => {
  const start = scene({ selection: ["a"] });
  const points = [[0.4, 0.6], [0.6, 0.7]];
  const kept = boxOf(gesture(start, points, { ...NONE, shift: true }), "a");
  const before = boxOf({ doc }, "a");
  const ratio = ([x0, y0, x1, y1]) => (x1 - x0) / (y1 - y0);
  assert.ok(Math.abs(ratio(kept) / ratio(before) - 1) < 0.02);
  const [x0, y0, x1, y1] = boxOf(gesture(start, [[0.4, 0.6], [0.45, 0.62]], { ...NONE, alt: true }), "a");
  assert.ok(Math.abs(x0 + x1 - before[0] - before[2]) <= 1 && Math.abs(y0 + y1 - before[1] - before[3]) <= 1);
});

test("a drawn box is what was drawn, to the pixel, and too small a one is none", () => {
  const drawn = gesture(scene(), [[0.5, 0.05], [0.7, 0.3]]);
  assert.deepEqual(g.toPixels(drawn.doc.regions.at(-1).box, SIZE), [384, 26, 538, 154]);
  assert.equal(gesture(scene(), [[0.5, 0.05], [0.51, 0.055]]).doc, doc);
});

test("edges rest on the edges of other boxes, and Ctrl lets them go", () => {
  const points = [[0.15, 0.15], [0.149, 0.452]];
  const start = scene({ selection: ["a"], magnet: true });
  assert.equal(boxOf(gesture(start, points), "a")[1], boxOf({ doc }, "b")[1], "the top edge meets the other's");
  assert.notEqual(boxOf(gesture({ ...start, magnet: false }, points), "a")[1], boxOf({ doc }, "b")[1]);
});

test("the cursor says what a press would do", () => {
  assert.equal(cursorAt(scene({ selection: ["a"] }), [0.4, 0.6], NONE), "nwse-resize");
  assert.equal(cursorAt(scene(), [0.15, 0.15], NONE), "move");
  assert.equal(cursorAt(scene(), [0.02, 0.95], NONE), "crosshair");
  assert.equal(cursorAt(scene({ tool: "select" }), [0.02, 0.95], NONE), "default");
});

test("pixels: inside the image, a pixel at least, and stable", () => {
  const r = lot(8);
  for (let i = 0; i < 1000; i++) {
    const size = [8 + r.whole(2000), 8 + r.whole(2000)];
    const [x, y] = [r.next() * 0.99, r.next() * 0.99];
    const box = [x, y, x + r.next() * (1 - x) + 1e-9, y + r.next() * (1 - y) + 1e-9];
    const pixels = g.toPixels(box, size);
    const [x0, y0, x1, y1] = pixels;
    assert.ok(x0 >= 0 && y0 >= 0 && x1 <= size[0] && y1 <= size[1] && x0 < x1 && y0 < y1);
    assert.deepEqual(g.toPixels(g.fromPixels(pixels, size), size), pixels);
  }
});

test("equal gaps: the outer two stay", () => {
  const boxes = [[0, 0, 0.1, 0.1], [0.7, 0, 1, 0.1], [0.15, 0, 0.35, 0.1]];
  const placed = g.distribute(boxes, 0);
  assert.deepEqual([placed[0], placed[1]].map((b) => b.map(g.tidy)), [boxes[0], boxes[1]].map((b) => b.map(g.tidy)));
  assert.ok(Math.abs(placed[2][0] - placed[0][2] - (placed[1][0] - placed[2][2])) < 1e-9);
});
