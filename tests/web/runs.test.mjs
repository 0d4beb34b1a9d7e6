// Which picture belongs to which regions.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Runs, sourcesOf, without } from "../../web/host/runs.js";

const off = { node: "Apply", input: "strength", value: 0 };
const source = { node: "Regions", output: 0, shownBy: ["Draw"], off };
const node = (type, ...links) => ({ class_type: type, inputs: { text: "a", ...Object.fromEntries(links.entries()) } });
const prompt = {
  1: node("Regions"),
  2: node("Encode", ["1", 0]),
  3: node("Latent", ["1", 1]),
  4: node("Sampler", ["2", 0], ["2", 1], ["3", 0]),
  5: node("Save", ["4", 0]),
  6: node("Draw", ["4", 0], ["1", 0]),
  7: node("Save", ["6", 0]),
  8: node("Sampler", ["3", 0]),
  9: node("Save", ["8", 0]),
  "10:1": node("Regions"),
  "10:2": node("Sampler", ["10:1", 0]),
};

const sent = { output: prompt };

test("what comes from the regions, not from their size alone, and without them drawn over it", () => {
  const found = Object.fromEntries([...sourcesOf(prompt, source)].sort());
  assert.deepEqual(found, { 2: ["1"], 4: ["1"], 5: ["1"], "10:2": ["10:1"] });
});

test("nodes that nobody reads, links into nothing and odd inputs", () => {
  const odd = { 1: node("Regions"), 2: { class_type: "X" }, 3: node("Y", ["7", 0], [1, 2, 3], ["1", 0]) };
  assert.deepEqual([...sourcesOf(odd, source).keys()], ["3"]);
});

test("each workflow and each node has its own pictures", () => {
  const runs = new Runs(source);
  const [here, there] = [{}, {}];
  runs.begin("a", sent, here);
  assert.ok(runs.show("a", "5", "last", "one"));
  assert.ok(!runs.show("a", "9", "last", "two"), "made without the regions");
  assert.ok(!runs.show("b", "5", "last", "three"), "a run from elsewhere");
  assert.equal(runs.of(here, (id) => id === "1").last, "one");
  assert.equal(runs.of(here, (id) => id === "10:1").last, undefined);
  assert.equal(runs.of(there, () => true).last, undefined);
  assert.equal(runs.of(undefined, () => true).last, undefined);
});

test("what is being made is shown until it is there, or until the run ends without it", () => {
  const runs = new Runs(source);
  const here = {};
  const newest = () => {
    const { live, last } = runs.of(here, (id) => id === "1");
    return live ?? last;
  };
  runs.begin("a", sent, here);
  runs.show("a", "4", "live", "first");
  assert.equal(newest(), "first");
  runs.show("a", "5", "last", "done");
  assert.equal(newest(), "done");
  runs.begin("b", sent, here);
  runs.show("b", "4", "live", "second");
  runs.end("b");
  assert.equal(newest(), "done");
  assert.ok(!runs.show("b", "4", "live", "late"));
});

test("the same without the regions, until there is a newer picture with them", () => {
  const applied = { ...prompt, 11: { class_type: "Apply", inputs: { strength: 0.7, model: ["4", 0] } } };
  const plain = without(applied, source);
  assert.deepEqual(plain, { ...prompt, 11: { class_type: "Apply", inputs: { strength: 0, model: ["4", 0] } } });
  assert.equal(applied[11].inputs.strength, 0.7);
  assert.equal(without(prompt, source), null);
  const runs = new Runs(source);
  const here = {};
  const of = () => runs.of(here, (id) => id === "1");
  runs.begin("a", sent, here);
  runs.show("a", "5", "last", "one");
  assert.equal(of().prompt, sent);
  runs.begin("b", { output: plain }, here, true);
  runs.show("b", "5", "last", "two");
  assert.deepEqual([of().last, of().plain, of().prompt], ["one", "two", sent]);
  runs.begin("c", sent, here);
  runs.show("c", "5", "last", "three");
  assert.deepEqual([of().last, of().plain], ["three", undefined]);
});
