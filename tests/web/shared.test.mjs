// What the editor and Python must agree on: the table that tests/unit/test_shared_facts.py reads too.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import * as documents from "../../web/editor/document.js";
import { MOST_BYTES } from "../../web/editor/exchange.js";
import { toPixels } from "../../web/editor/geometry.js";
import { isKeyframes, isStrengths } from "../../web/editor/keyframes.js";
import { MAX_GRID } from "../../web/editor/mask.js";
import { covering, MOSTLY, notesOf } from "../../web/editor/notes.js";
import { BAD_SIZE, parse, problemOf } from "../../web/editor/parse.js";
import { LAYOUTS, MAX_SOURCE_SIDE, UNITS } from "../../web/editor/reading.js";
import * as told from "../../web/host/keys.js";

const SHORTS = { strength: "strength 0", text: "no text", outside: "never seen" };
const shared = JSON.parse(readFileSync(new URL("../data/document.json", import.meta.url)));

test("limits", () => {
  assert.deepEqual([documents.VERSION, documents.VERSION_WITH_MASKS], [shared.version, shared.version_with_masks]);
  assert.deepEqual(documents.OVERLAPS, shared.overlaps);
  assert.equal(documents.MAX_REGIONS, shared.max_regions);
  assert.equal(documents.MAX_TOKENS, shared.max_tokens);
  assert.equal(documents.PIXELS_PER_LATENT, shared.pixels_per_latent);
  assert.deepEqual([documents.MIN_SIDE, documents.MAX_SIDE], [shared.min_side, shared.max_side]);
  assert.deepEqual(BAD_SIZE.match(/\d+/g).map(Number), [shared.min_side, shared.max_side]);
  assert.deepEqual([MAX_GRID, MOSTLY], [shared.max_grid, shared.mostly]);
  assert.deepEqual(documents.empty(), shared.empty);
});

test("choices of the nodes, and how much they read", () => {
  assert.deepEqual([LAYOUTS, UNITS, documents.BOXES_MODES], [shared.layouts, shared.units, shared.boxes_modes]);
  assert.deepEqual([MAX_SOURCE_SIDE, MOST_BYTES], [shared.max_source_side, shared.max_bytes]);
});

test("the names under which nodes tell something", () => {
  const { INCOMING, READING, BACKGROUND, NOTES, SAID } = told;
  const names = { incoming: INCOMING, reading: READING, background: BACKGROUND, notes: NOTES, said: SAID };
  assert.deepEqual(names, shared.told);
});

test("how many keys, how late, how far and how strong", () => {
  const { most, last_frame: last, farthest, strongest } = shared.keys;
  const boxes = (count, frame = 0) =>
    Array.from({ length: count }, (_, i) => ({ frame: frame + i, box: [-farthest, 0, farthest, 1] }));
  const strengths = (count, strength) =>
    Array.from({ length: count }, (_, i) => ({ at: i / count, strength }));
  assert.ok(isKeyframes(boxes(most)) && isKeyframes(boxes(1, last)) && isStrengths(strengths(most, strongest)));
  assert.ok(!isKeyframes(boxes(most + 1)) && !isKeyframes(boxes(1, last + 1)));
  assert.ok(!isStrengths(strengths(most + 1, strongest)) && !isStrengths(strengths(1, strongest + 1)));
  for (const box of [[-farthest - 1, 0, 1, 1], [0, 0, 1, farthest + 1]]) assert.ok(!isKeyframes([{ frame: 0, box }]));
});

test("the palette", () => {
  assert.deepEqual(documents.COLORS, shared.colors);
});

test("what a new region holds", () => {
  const [{ regions }] = documents.add(documents.empty(), [{ box: [0, 0, 1, 1] }]);
  const { id, box, color, ...rest } = regions[0];
  assert.deepEqual(rest, shared.region);
  assert.deepEqual([id, box, color], ["r1", [0, 0, 1, 1], shared.colors[0]]);
});

test("one region more than there can be", () => {
  const regions = Array(shared.max_regions).fill({ box: [0, 0, 1, 1] });
  assert.equal(problemOf({ ...shared.empty, regions }), undefined);
  assert.ok(problemOf({ ...shared.empty, regions: [...regions, regions[0]] }));
});

for (const { name, box, size, pixels } of shared.pixels) {
  test(`pixels: ${name}`, () => {
    const [x0, y0, x1, y1] = toPixels(box, size);
    if (pixels) assert.deepEqual([x0, y0, x1, y1], pixels);
    else assert.ok(0 <= x0 && x0 < x1 && x1 <= size[0] && 0 <= y0 && y0 < y1 && y1 <= size[1]);
  });
}

for (const { name, source, accepted } of shared.documents) {
  test(`document: ${name}`, () => {
    for (const given of [source, JSON.stringify(source)]) {
      const { error, problem } = parse(given);
      assert.equal(!error && !problem, accepted);
    }
  });
}

for (const { name, overlap, regions, warned, same_place: pairs } of shared.notes) {
  test(`notes: ${name}`, () => {
    const usual = { ...shared.region, box: [0.1, 0.1, 0.5, 0.5], description: "a cat" };
    const all = regions.map((region, i) => ({ ...usual, id: `r${i}`, ...region }));
    const doc = { ...shared.empty, overlap, regions: all };
    const covers = covering(doc);
    assert.deepEqual(covers.flatMap((others, i) => others.filter((n) => n > i + 1).map((n) => [i + 1, n])), pairs);
    doc.regions.forEach((region, i) => {
      const said = notesOf(doc, region, covers[i]).filter(({ warns }) => warns).map(({ short: [text] }) => text);
      const expected = (warned[i + 1] ?? []).map((word) => SHORTS[word] ?? word);
      assert.deepEqual(said, [...expected, ...(covers[i].length ? ["same place as {regions}"] : [])]);
    });
  });
}
