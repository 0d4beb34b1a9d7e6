// Regions over frames: what is shown at one, and what an edit of that becomes.
import assert from "node:assert/strict";
import { test } from "node:test";
import { arrange, nudge } from "../../web/editor/arrange.js";
import { bareEditor } from "./bare.mjs";
import { add, find, remove, setBoxes, update } from "../../web/editor/document.js";
import { beginGesture, endGesture, followGesture } from "../../web/editor/gesture.js";
import { atFrame, keyed } from "../../web/editor/frames.js";
import { listenToKeys } from "../../web/editor/keyboard.js";
import { boxAt, framesOf, withKey, withoutKey } from "../../web/editor/keyframes.js";
import { problemOf } from "../../web/editor/parse.js";
import { Row } from "../../web/editor/row.js";
import { freeze, lot } from "./lot.mjs";

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

// From beyond the left edge, past the right one: at frame 5 its left edge is at -0.2, at 15 it is wholly beyond.
const PASSING = [{ frame: 0, box: [-0.7, 0.2, -0.2, 0.5] }, { frame: 10, box: [0.3, 0.2, 0.8, 0.5] },
  { frame: 20, box: [1.3, 0.2, 1.8, 0.5] }];
const passing = (frame) => {
  const region = { id: "p", box: [0.1, 0.1, 0.3, 0.3], description: "a bird", color: "#111111", keyframes: PASSING };
  const editor = bareEditor({}, freeze({ ...doc, regions: [region, still] }), frame);
  return Object.assign(editor, { selection: ["p"] });
};
const keysOf = (editor) => find(editor.stored, "p").keyframes;
const keyOf = (editor) => keysOf(editor).find(({ frame }) => frame === editor.frame)?.box;
const near = (box, other) =>
  assert.ok(box?.every((edge, i) => Math.abs(edge - other[i]) < 2e-6), `${box} is not ${other}`);
const sidesOf = ([x0, y0, x1, y1]) => [x1 - x0, y1 - y0];
const shifted = ([x0, y0, x1, y1], dx, dy = 0) => [x0 + dx, y0 + dy, x1 + dx, y1 + dy];
const typing = (editor, side, value) => {
  const row = { editor, region: find(editor.doc, "p"), i: 0, id: "p", redraw() {} };
  Object.assign(Object.create(Row.prototype), row).setSide(side, value);
};
const pull = (editor, points, mods = {}) => {
  const { doc: shown, selection } = editor;
  const scene = { doc: shown, selection, unit: [1 / 512, 1 / 512], tool: "select", grid: 0, magnet: false };
  const begun = beginGesture(scene, points[0], mods);
  editor.change(endGesture(points.slice(1).reduce((now, point) => followGesture(now, point, mods), begun)).doc);
};
const STEP = 1 / 512;
const THERE = [-0.2, 0.2, 0.3, 0.5]; // at frame 5

for (const [name, move, way] of [
  ["arrow keys", (editor) => editor.change(nudge(editor.doc, ["p"], 8, -3)), [8 * STEP, -3 * STEP]],
  ["a drag", (editor) => pull(editor, [[0.1, 0.3], [0.1 + 20 * STEP, 0.3]]), [20 * STEP, 0]],
  ["a number that is typed", (editor) => typing(editor, 0, 100), [100 * STEP, 0]],
  ["alignment", (editor) => editor.change(arrange(editor.doc, ["p"], "right")), [0.7, 0]],
]) {
  test(`${name}: what is partly outside goes as a whole`, () => {
    const editor = passing(5);
    move(editor);
    const key = keyOf(editor);
    // Numbers that are typed are whole pixels, of edges too.
    assert.ok(shifted(THERE, ...way).every((edge, i) => Math.abs(edge - key[i]) <= 0.51 * STEP), String(key));
    assert.ok(Math.abs(key[2] - key[0] - 0.5) <= 0.51 * STEP, "it keeps its width");
    assert.deepEqual(keysOf(editor).filter(({ frame }) => frame !== 5), PASSING);
  });
}

for (const [name, resize, key] of [
  ["the edge in the picture", (editor) => pull(editor, [[0.3, 0.35], [0.5, 0.35]]), [-0.2, 0.2, 0.5, 0.5]],
  ["the edge that lies beyond it", (editor) => pull(editor, [[0, 0.35], [0.125, 0.35]]), [0.125, 0.2, 0.3, 0.5]],
  ["its width as a number", (editor) => typing(editor, 2, 256), [-0.2, 0.2, 0.5, 0.5]],
  ["its height as a number", (editor) => typing(editor, 3, 256), [-0.2, 0.2, 0.3, 0.7]],
  ["a corner", (editor) => pull(editor, [[0.3, 0.5], [0.5, 0.75]]), [-0.2, 0.2, 0.5, 0.75]],
]) {
  test(`of what is partly outside a resize changes what was pulled: ${name}`, () => {
    const editor = passing(5);
    resize(editor);
    assert.ok(key.every((edge, i) => Math.abs(edge - keyOf(editor)[i]) <= 0.51 * STEP), String(keyOf(editor)));
    assert.equal(keyOf(editor)[0], key[0]);
  });
}

test("whatever is moved at whatever frame keeps its size", () => {
  const r = lot(11);
  for (let n = 0; n < 300; n++) {
    const keyframes = [0, 10].map((frame) => {
      const [x, y] = [r.next() * 2 - 1, r.next() * 2 - 1];
      return { frame, box: [x, y, x + 0.05 + r.next(), y + 0.05 + r.next()] };
    });
    const start = { ...doc, regions: [{ ...still, id: "p", keyframes }] };
    const frame = r.whole(11);
    const editor = Object.assign(bareEditor({}, freeze(start), frame), { selection: ["p"] });
    const [first, last] = keyframes.map(({ box }) => sidesOf(box));
    const before = first.map((side, axis) => side + (frame / 10) * (last[axis] - side));
    editor.change(nudge(editor.doc, ["p"], r.whole(100) - 50, r.whole(100) - 50));
    const key = keyOf(editor);
    if (key) near(sidesOf(key), before);
    editor.timeline.setKey();
    near(sidesOf(keyOf(editor)), before);
    assert.equal(problemOf(editor.stored), undefined);
  }
});

test("a key that is set where a region is partly or wholly outside changes nothing of its way", () => {
  for (const [frame, left] of [[5, -0.2], [2, -0.5], [16, 0.9], [18, 1.1]]) {
    const editor = passing(frame);
    editor.timeline.setKey();
    near(keyOf(editor), [left, 0.2, left + 0.5, 0.5]);
    assert.equal(keysOf(editor).length, 4);
    assert.deepEqual(editor.said, []);
  }
});

test("what has lost its last key outside the picture has its own box again", () => {
  const keyframes = [PASSING[2]];
  const start = { ...doc, regions: [{ ...still, id: "p", keyframes }, still] };
  const editor = Object.assign(bareEditor({}, freeze(start), 20), { selection: ["p"] });
  assert.equal(editor.doc.regions[0].box, null);
  editor.timeline.dropKey();
  assert.deepEqual(editor.stored.regions[0], { ...still, id: "p" });
  assert.equal(problemOf(editor.stored), undefined);
});

test("a number that is typed for what is outside at this frame is refused, and why is said", () => {
  const editor = passing(18);
  for (const side of [0, 1, 2, 3]) typing(editor, side, 20);
  const said = "Region 1 is outside the picture at this frame.";
  assert.deepEqual(editor.said, [said, said, said, said]);
  assert.deepEqual(keysOf(editor), PASSING);
  editor.describe(editor.doc.regions[0]);
  assert.equal(editor.said.at(-1), said);
});

test("arrow keys say it too, and Enter writes in the row of what has no place on the stage", () => {
  const editor = passing(18);
  const keys = {};
  let written;
  editor.stage.root.matches = () => false;
  editor.host.takeUndoKey = () => false;
  Object.assign(editor, { panel: { addEventListener: (type, take) => (keys[type] = take) }, boxText: { open() {} } });
  editor.list.focus = (id) => (written = id);
  listenToKeys(editor);
  const press = (key, mods) => {
    keys.keydown({ key, target: editor.stage.root, stopPropagation() {}, preventDefault() {}, ...mods });
    keys.keyup();
  };
  press("ArrowRight");
  press("ArrowRight", { altKey: true });
  assert.deepEqual(editor.said, Array(2).fill("Region 1 is outside the picture at this frame."));
  assert.deepEqual(keysOf(editor), PASSING);
  press("Enter");
  assert.equal(written, "p");
});

test("a copy beside is made of what is outside at this frame too, and has the same way", () => {
  for (const frame of [5, 18]) {
    const editor = passing(frame);
    editor.duplicate();
    const [, , copy] = editor.stored.regions;
    assert.deepEqual(editor.selection, [copy.id]);
    near(copy.box, shifted([0.1, 0.1, 0.3, 0.3], 16 * STEP, 16 * STEP));
    PASSING.forEach(({ box }, i) => near(copy.keyframes[i].box, shifted(box, 16 * STEP, 16 * STEP)));
  }
});

test("copies that do not fit are said, however they are made", () => {
  const [full] = add({ ...doc, regions: [] }, Array(63).fill({ box: [0.1, 0.1, 0.2, 0.2] }));
  const selection = ["r1", "r2"];
  const editor = Object.assign(bareEditor({}, full), { selection });
  editor.duplicate();
  assert.equal(editor.said.at(-1), "One region did not fit: at most 64 are possible.");
  editor.duplicate();
  assert.equal(editor.said.at(-1), "There are 64 regions already; more are not possible.");
  editor.addBox();
  assert.equal(editor.said.at(-1), "There are 64 regions already; more are not possible.");
  const scene = { doc: full, selection, unit: [STEP, STEP], tool: "select", grid: 0, magnet: false };
  const alt = { alt: true };
  const end = endGesture(followGesture(beginGesture(scene, [0.15, 0.15], alt), [0.5, 0.5], alt));
  assert.deepEqual([end.doc.regions.length, end.lost], [64, 1]);
});
