// What nodes have to say stays true: it goes when the node that said it begins anew, and with nothing else.
import assert from "node:assert/strict";
import { test } from "node:test";
import { begunIn, Words } from "../../web/host/words.js";

const all = (words, workflow) => [...words.of(workflow)];

test("what was said in one run goes when the node begins in another, and is told to have gone", () => {
  const [words, here] = [new Words(), {}];
  words.keep(here, "run 1", 5, " off in every step \n");
  words.keep(here, "run 1", "5:12", "cut");
  assert.deepEqual(all(words, here), [["5", "off in every step"], ["5:12", "cut"]]);
  assert.deepEqual(words.begin(here, "run 2", ["4", "5:12"]), ["5:12"]);
  assert.deepEqual(all(words, here), [["5", "off in every step"], ["5:12", ""]]);
  assert.deepEqual(words.begin(here, "run 2", ["5:12"]), [], "it has nothing left to lose");
});

test("what was said in a run is not taken away in the same run: a node's news come again and again", () => {
  const [words, here] = [new Words(), {}];
  words.keep(here, "run 1", "5", "of the first of a list");
  assert.deepEqual(words.begin(here, "run 1", ["5"]), []);
  words.keep(here, "run 2", "5", "said again of what is cached");
  assert.deepEqual(words.begin(here, "run 2", ["5"]), []);
  assert.deepEqual(all(words, here), [["5", "said again of what is cached"]]);
});

test("each workflow has its own, and what is of none that is known is left alone", () => {
  const [words, here, there] = [new Words(), {}, {}];
  words.keep(here, "run 1", "5", "here");
  words.keep(undefined, "run 1", "5", "nowhere");
  assert.deepEqual(words.begin(there, "run 2", ["5"]), []);
  assert.deepEqual(words.begin(undefined, "run 2", ["5"]), []);
  assert.deepEqual([all(words, here), all(words, there)], [[["5", "here"]], []]);
});

test("a node has begun when it runs; one that is cached, or over, has not", () => {
  const nodes = {
    3: { state: "finished", node_id: "3" }, "5:12": { state: "running", node_id: "5:12" }, 7: { state: "error" },
  };
  assert.deepEqual(begunIn({ nodes }), ["5:12"]);
  assert.deepEqual(begunIn({}), []);
  assert.deepEqual(begunIn({ nodes: { 1: null } }), []);
});
