// Regions that move: their keyframes go wherever their box goes.
import assert from "node:assert/strict";
import { test } from "node:test";
import * as arranging from "../../web/editor/arrange.js";
import { add, empty, setBoxes } from "../../web/editor/document.js";
import { beginGesture, endGesture, followGesture } from "../../web/editor/gesture.js";
import {
  isKeyframes, isStrengths, placed, strengthAt, withNextStrength, withoutStrength,
} from "../../web/editor/keyframes.js";
import { problemOf } from "../../web/editor/parse.js";
import { lot } from "./lot.mjs";

const KEYS = [{ frame: 0, box: [0.1, 0.1, 0.4, 0.6], note: "kept" }, { frame: 15, box: [0.7, 0.5, 1.2, 0.9] }];
const [DOC, [ID]] = add(empty(), [{ box: [0.1, 0.1, 0.4, 0.6], keyframes: KEYS }]);
const near = (a, b) => a.forEach((value, i) => assert.ok(Math.abs(value - b[i]) < 2e-6, `${a} is not ${b}`));

/** How far each edge went, of the box and of all keyframes. */
function ways({ regions: [before] }, { regions }) {
  const after = regions.at(-1);
  const way = (a, b) => b.map((value, i) => value - a[i]);
  return [way(before.box, after.box), ...before.keyframes.map((key, i) => way(key.box, after.keyframes[i].box))];
}

const drag = (from, to, mods = {}) => {
  const scene = { doc: DOC, selection: [ID], unit: [1 / 512, 1 / 512], tool: "draw", grid: 0, magnet: false };
  return endGesture(followGesture(beginGesture(scene, from, mods), to, mods)).doc;
};

for (const [name, after] of Object.entries({
  "a drag": () => drag([0.2, 0.2], [0.3, 0.35]),
  "a handle": () => drag([0.4, 0.6], [0.5, 0.5]),
  "a copy that is pulled off": () => drag([0.2, 0.2], [0.4, 0.3], { alt: true }),
  "arrow keys": () => arranging.nudge(DOC, [ID], 8, -3),
  alignment: () => arranging.arrange(DOC, [ID], "right"),
  "a copy beside": () => arranging.paste(DOC, DOC.regions)[0],
  "numbers that are typed": () => setBoxes(DOC, new Map([[ID, [0.2, 0.2, 0.9, 0.8]]])),
})) {
  test(`${name} takes all keyframes along`, () => {
    const [way, ...others] = ways(DOC, after());
    assert.ok(way.some((value) => Math.abs(value) > 0.001));
    for (const other of others) near(other, way);
  });
}

test("frames, and what stands beside them, stay", () => {
  const [{ keyframes }] = drag([0.2, 0.2], [0.3, 0.35]).regions;
  assert.deepEqual(keyframes.map(({ frame, note }) => [frame, note]), [[0, "kept"], [15, undefined]]);
});

test("whatever is done, they are keyframes that Python reads", () => {
  const r = lot(7);
  let region = { ...DOC.regions[0], keyframes: [{ frame: 0, box: [0, 0, 0.01, 0.01] }, ...KEYS.slice(1)] };
  for (let n = 0; n < 500; n++) {
    const [x, y] = [r.next() * 0.9, r.next() * 0.9];
    region = placed(region, [x, y, x + 0.01 + r.next() * 0.09, y + 0.01 + r.next() * 0.09]);
    assert.ok(isKeyframes(region.keyframes), JSON.stringify(region));
    assert.equal(problemOf({ ...empty(), regions: [region] }), undefined);
  }
});

test("a key of the strength that is added or the last that goes changes nothing", () => {
  const r = lot(3);
  let keys = withNextStrength([], 0.7);
  assert.deepEqual(keys, [{ at: 0, strength: 0.7 }, { at: 1, strength: 0.7 }]);
  for (let n = 0; n < 20; n++) {
    keys = keys.map((key) => ({ ...key, strength: Math.round(r.next() * 40) / 20 }));
    const more = withNextStrength(keys, 1);
    assert.ok(isStrengths(more) && more.length === keys.length + 1);
    for (let share = 0; share <= 1; share += 0.05) {
      assert.ok(Math.abs(strengthAt(more, share) - strengthAt(keys, share)) < 1e-5);
    }
    keys = more;
  }
  assert.deepEqual(withNextStrength([{ at: 0.2, strength: 2 }], 1)[1], { at: 1, strength: 2 }, "where most room is");
  assert.deepEqual(withoutStrength(keys.slice(0, 2), 0), { strengths: undefined, strength: keys[1].strength });
  assert.deepEqual(withoutStrength(keys.slice(0, 1), 0), { strengths: undefined, strength: keys[0].strength });
  const region = { ...DOC.regions[0], strengths: undefined, start: undefined, behind: undefined };
  assert.equal(problemOf({ ...empty(), regions: [region] }), undefined, "as an edit leaves it");
});
