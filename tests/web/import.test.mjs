// What comes from elsewhere: the table that Python reads too.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { ImportProblem, read } from "../../web/editor/import.js";

const { cases } = JSON.parse(readFileSync(new URL("../data/region_formats.json", import.meta.url)));
const close = (a, b) =>
  assert.ok(a.length === b.length && a.every((v, i) => Math.abs(v - b[i]) < 1e-6), `${a} is not ${b}`);

for (const { name, source, options, regions } of cases) {
  for (const text of [false, true]) {
    test(`${name}${text ? " as text" : ""}`, () => {
      const given = text && typeof source !== "string" ? JSON.stringify(source) : source;
      if (regions === null) return assert.throws(() => read(given, [800, 500], options), ImportProblem);
      const { items } = read(given, [800, 500], options);
      assert.deepEqual(items.map((item) => item.description ?? ""), regions.map((region) => region.description));
      items.forEach(({ box }, i) => (regions[i].box ? close(box, regions[i].box) : assert.equal(box, undefined)));
    });
  }
}

test("what cannot be read leaves a sentence", () => {
  for (const text of ["no json", "[[0, 0, 1]]", "{}", "null", "[null]", "[[1e999,0,1,1]]", "[".repeat(1e5)]) {
    const said = (error) => error instanceof ImportProblem && error.problem[0].length > 10;
    assert.throws(() => read(text, [800, 500]), said);
  }
});
