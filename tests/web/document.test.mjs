// The document and everything that changes it, in random sequences of 1000 operations.
import assert from "node:assert/strict";
import { test } from "node:test";
import * as arranging from "../../web/editor/arrange.js";
import { estimateTokens } from "../../web/editor/counts.js";
import * as documents from "../../web/editor/document.js";
import { isBox, toPixels } from "../../web/editor/geometry.js";
import { freeze, lot } from "./lot.mjs";
import { parse, problemOf } from "../../web/editor/parse.js";

const STEPS = 1000;
const box = (r) => {
  const [x, y] = [r.next() * 0.9, r.next() * 0.9];
  return [x, y, x + 0.02 + r.next() * (0.98 - x), y + 0.02 + r.next() * (0.98 - y)].map((v) => Math.min(1, v));
};

const OPERATIONS = {
  add: (doc, ids, r) =>
    documents.add(doc, [r.next() < 0.3 ? {} : { box: box(r), description: `thing ${r.whole(99)}` }])[0],
  update: (doc, ids, r) => documents.update(doc, ids, r.pick([
    { locked: r.next() < 0.2 }, { enabled: r.next() < 0.5 }, { strength: r.next() * 3 },
    { description: "é \"quoted\" 赤い" },
  ])),
  setBoxes: (doc, ids, r) => documents.setBoxes(doc, new Map(ids.map((id) => [id, box(r)]))),
  remove: (doc, ids, r) => (r.next() < 0.3 ? documents.remove(doc, ids) : doc),
  paste: (doc, ids, r) => arranging.paste(doc, doc.regions.filter((x) => ids.includes(x.id)), r.whole(40))[0],
  nudge: (doc, ids, r) => arranging.nudge(doc, ids, r.whole(401) - 200, r.whole(401) - 200),
  arrange: (doc, ids, r) =>
    arranging.arrange(doc, ids, r.pick(["left", "center", "right", "top", "middle", "bottom", "across", "down"])),
  reorder: (doc, ids, r) => arranging.reorder(doc, ids, r.pick([-1, 1, Infinity, -Infinity])),
  moveTo: (doc, ids, r) => arranging.moveTo(doc, ids[0], r.whole(doc.regions.length + 1)),
  setOverlap: (doc, ids, r) => documents.setOverlap(doc, r.pick(documents.OVERLAPS)),
  behind: (doc, ids, r) => documents.update(doc, ids, { behind: r.next() < 0.5 }),
  setSize: (doc, ids, r) => documents.setSize(doc, 8 + r.whole(2000), 8 + r.whole(2000)),
};

function play(seed, check) {
  const r = lot(seed);
  const history = [freeze({ ...documents.empty(), note: { kept: [1, null] } })];
  for (let i = 0; i < STEPS; i++) {
    const doc = history.at(-1);
    const name = r.pick(Object.keys(OPERATIONS));
    const after = freeze(OPERATIONS[name](doc, r.some(doc.regions.map((x) => x.id)), r));
    check(after, doc, name);
    history.push(after);
  }
  return history;
}

for (const seed of [1, 2, 3]) {
  test(`after each of ${STEPS} operations the document is one that Python reads, seed ${seed}`, () => {
    play(seed, (doc, before, name) => {
      assert.equal(problemOf(doc), undefined, name);
      const boxes = doc.regions.map((x) => x.box);
      const inside = boxes.every((x) => isBox(x) && x.every((v) => v >= 0 && v <= 1));
      assert.ok(inside, `${name} leaves the picture: ${JSON.stringify(boxes)}`);
      assert.equal(new Set(doc.regions.map((x) => x.id)).size, doc.regions.length, name);
      assert.ok(doc.regions.length <= documents.MAX_REGIONS);
      assert.deepEqual(doc.note, { kept: [1, null] });
      assert.deepEqual(parse(documents.stringify(doc)).doc, doc);
      assert.equal(documents.completed(doc), doc);
    });
  });
}

test("undo of everything gives the start: no operation touches the document that it was given", () => {
  const texts = [];
  const history = play(4, (doc, before) => texts.push(documents.stringify(before)));
  texts.push(documents.stringify(history.at(-1)));
  while (history.length) assert.equal(documents.stringify(history.pop()), texts.pop());
});

test("locked regions stay where they are, and stay", () => {
  play(5, (doc, before, name) => {
    if (["update", "setBoxes", "reorder", "moveTo"].includes(name)) return;
    for (const region of before.regions.filter((x) => x.locked)) {
      assert.deepEqual(documents.find(doc, region.id)?.box, region.box, name);
    }
  });
});

test("a nudge is whole pixels and keeps sizes", () => {
  const [doc, [id]] = documents.add(documents.empty(), [{ box: [0.25, 0.25, 0.5, 0.5] }]);
  const moved = documents.find(arranging.nudge(doc, [id], 3, -8), id).box;
  assert.deepEqual(toPixels(moved, [512, 512]), [131, 120, 259, 248]);
  const far = documents.find(arranging.nudge(doc, [id], 9999, 0), id).box;
  assert.deepEqual(toPixels(far, [512, 512]), [384, 128, 512, 256]);
});

test("ids and colours that are missing are given, ids used twice become distinct, and nothing else changes", () => {
  const whole = { box: [0, 0, 1, 1], color: "#112233" };
  const doc = { version: 1, width: 8, height: 8, regions: [{ id: "a", ...whole }, { id: "a", ...whole, x: 1 }, whole] };
  const { regions } = documents.completed(freeze(doc));
  assert.equal(new Set(regions.map((x) => x.id)).size, 3);
  assert.deepEqual(regions.map(({ id, ...rest }) => rest), doc.regions.map(({ id, ...rest }) => rest));
  const bare = { ...doc, regions: Array.from({ length: 20 }, () => ({ box: [0, 0, 1, 1] })) };
  const colors = documents.completed(freeze(bare)).regions.map((x) => x.color);
  assert.deepEqual(colors, [...documents.COLORS, ...documents.COLORS.slice(0, 4)], "as Python gives them");
});

test("a value of another version or of no JSON is refused and not replaced", () => {
  for (const text of ["{", '{"version": 3, "regions": []}', "[]", "7", '{"version": 1}']) {
    const { doc, error } = parse(text);
    assert.ok(error && !doc, text);
  }
  assert.deepEqual(parse("").doc, documents.empty());
});

test("the 65th region is not added, and the document stays the same", () => {
  const [full] = documents.add(documents.empty(), Array(64).fill({ box: [0, 0, 1, 1] }));
  const [after, ids] = documents.add(full, [{}]);
  assert.equal(after, full);
  assert.deepEqual(ids, []);
});

test("new boxes find room beside each other before they cover each other", () => {
  let doc = documents.empty();
  for (let i = 0; i < 6; i++) [doc] = documents.add(doc, [{}]);
  const boxes = doc.regions.map((x) => x.box);
  const apart = (a, b) => [0, 1].some((axis) => a[axis + 2] <= b[axis] + 1e-3 || b[axis + 2] <= a[axis] + 1e-3);
  boxes.forEach((a, i) => boxes.slice(i + 1).forEach((b) => assert.ok(apart(a, b))));
});

test("tokens are counted as the warning says", () => {
  assert.deepEqual(estimateTokens(""), { words: 0, tokens: 0 });
  const { words, tokens } = estimateTokens("a woman in a red hoodie with white stripes and round glasses");
  assert.equal(words, 12);
  assert.ok(tokens >= 13 && tokens <= 18);
});
