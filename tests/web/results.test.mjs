// What a node's output holds for its editor; a page's scripts stand in for the page.
import assert from "node:assert/strict";
import { register } from "node:module";
import { test } from "node:test";

// What page.js asks the page for.
const page = `data:text/javascript,${encodeURIComponent(
  "export const app = {}; export const api = { apiURL: (path) => path, addEventListener() {} };",
)}`;
register(`data:text/javascript,${encodeURIComponent(
  `export const resolve = (name, ...rest) => name.includes("/scripts/")
    ? { url: ${JSON.stringify(page)}, shortCircuit: true } : rest[1](name, rest[0]);`,
)}`);
const { givenTo, keepGiven } = await import("../../web/host/results.js");

const BOXES = "[[0, 0, 1, 1]]";

for (const nothing of [null, undefined, {}, { deig_incoming: null, deig_background: null, deig_reading: null }]) {
  test(`an output of ${JSON.stringify(nothing)} is none, and what was kept before stays`, () => {
    keepGiven("1", { deig_incoming: [BOXES], deig_reading: ["Read as"] });
    keepGiven("1", nothing);
    assert.deepEqual(givenTo("1"), { incoming: [[0, 0, 1, 1]], reading: "Read as" });
    keepGiven("2", nothing);
    assert.deepEqual(givenTo("2"), {});
  });
}

test("boxes of null, and what is no JSON, are none", () => {
  for (const [i, boxes] of ["null", null, "{"].entries()) {
    keepGiven(`3 ${i}`, { deig_incoming: [boxes], deig_reading: [null] });
    const { incoming: { regions } = {}, reading } = givenTo(`3 ${i}`);
    assert.ok(regions === undefined && !reading);
  }
});
