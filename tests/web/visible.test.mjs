// What nodes of a run say is seen in the open graph: at themselves, or at the node of the subgraph that they are in.
import assert from "node:assert/strict";
import { test } from "node:test";
import { textsIn } from "../../web/host/visible.js";

/** A graph of nodes by their ids; a subgraph is one of them. */
function graphOf(nodes, rootGraph) {
  const graph = { getNodeById: (id) => graph.nodes[id] ?? null };
  graph.rootGraph = rootGraph ?? graph;
  graph.nodes = Object.fromEntries(Object.entries(nodes).map(([id, inner]) =>
    [id, { id: Number(id), subgraph: inner && (inner.getNodeById ? inner : graphOf(inner, graph.rootGraph)) }]));
  return graph;
}

const seen = (open, said) => [...textsIn(open, Object.entries(said))].map(([node, text]) => [node.id, text]);

test("at themselves in the graph that is open, and at the outermost subgraph of those within", () => {
  const root = graphOf({ 1: null, 12: { 3: null, 4: { 5: null } } });
  const said = { "1": "one", "12:3": "three", "12:4:5": "five" };
  assert.deepEqual(seen(root, said), [[1, "one"], [12, "three\nfive"]]);
  const outer = root.nodes[12].subgraph;
  outer.rootGraph = root;
  assert.deepEqual(seen(outer, said), [[3, "three"], [4, "five"]]);
  const inner = outer.nodes[4].subgraph;
  inner.rootGraph = root;
  assert.deepEqual(seen(inner, said), [[5, "five"]]);
});

test("a node with nothing left to say is told too, and takes nothing from the others of its subgraph", () => {
  const root = graphOf({ 1: null, 12: { 3: null, 4: null } });
  assert.deepEqual(seen(root, { "1": "", "12:3": "", "12:4": "four" }), [[1, ""], [12, "four"]]);
  assert.deepEqual(seen(root, { "12:3": "", "12:4": "" }), [[12, ""]]);
});

test("nodes that are no more, and those of subgraphs that are no more, are not seen", () => {
  const root = graphOf({ 1: null, 12: { 3: null } });
  assert.deepEqual(seen(root, { "2": "two", "12:4": "four", "1:3": "three", "13:3": "three" }), []);
});

test("what two nodes of a subgraph say alike is seen once", () => {
  const root = graphOf({ 12: { 3: null, 4: null } });
  const said = { "12:3": "no text\ntoo large", "12:4": "no text\ncut" };
  assert.deepEqual(seen(root, said), [[12, "no text\ntoo large\ncut"]]);
});

test("in a subgraph that two nodes show, a node says once what it says in both", () => {
  const root = graphOf({});
  const shared = graphOf({ 3: null }, root);
  for (const id of [12, 13]) root.nodes[id] = { id, subgraph: shared };
  assert.deepEqual(seen(shared, { "12:3": "three", "13:3": "three" }), [[3, "three"]]);
  assert.deepEqual(seen(shared, { "12:3": "three", "13:3": "four" }), [[3, "three\nfour"]]);
});
