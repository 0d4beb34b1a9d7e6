// Wildcards of regions are those of prompts.
import assert from "node:assert/strict";
import { test } from "node:test";
import { expand, expandDocument } from "../../web/editor/wildcards.js";

test("one of the words is taken", () => {
  assert.equal(expand("a {red|blue} star", () => 0), "a red star");
  assert.equal(expand("a {red|blue} star", () => 0.99), "a blue star");
  assert.equal(expand("{a|{b|c}} {d|e}", () => 0.99), "c e");
});

test("all else stays", () => {
  for (const text of ["", "a star", "a {star", "star}", "100% | {", "// no comment", "\\{a|b\\}"]) {
    assert.equal(expand(text, () => 0), text);
  }
  assert.equal(expand("\\{x\\} {a|b}", () => 0), "{x} a");
});

test("hostile text ends", () => {
  const start = performance.now();
  expand("{".repeat(1e5));
  expand("{a|b}".repeat(1e4));
  expand("\\".repeat(1e5));
  assert.ok(performance.now() - start < 2000);
});

test("a document is sent to the letter where nothing is chosen", () => {
  const text = '{"version": 1, "regions": [ {"description": "a star"} ]}';
  assert.equal(expandDocument(text), text);
  assert.equal(expandDocument("no json {a|b}"), "no json {a|b}");
  const sent = expandDocument('{"regions": [null, {"description": "{a|b}", "negative": "{c}", "box": [0]}]}', () => 0);
  assert.deepEqual(JSON.parse(sent).regions[1], { description: "a", negative: "c", box: [0] });
});
