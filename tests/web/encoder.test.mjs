// Which text encoder will read the regions: the connected one, however the graph is built.
import assert from "node:assert/strict";
import { test } from "node:test";
import { encoderOf } from "../../web/host/encoder.js";

const ENCODERS = { demo: "Demo", loader: "Load", choice: "name", reader: "Encode", input: "encoder" };

/** A graph of nodes as [type, what its inputs are connected to, more]; ids are 1, 2, ... */
function graphOf(...nodes) {
  const graph = { nodes: [], links: [] };
  graph.getNodeById = (id) => graph.nodes[id - 1];
  graph.getLink = (id) => graph.links[id];
  nodes.forEach(([type, inputs = {}, more = {}], i) => {
    const id = i + 1;
    const node = { graph, id, type, mode: 0, outputs: [{ links: [] }], inputs: [], ...more };
    for (const [name, origin] of Object.entries(inputs)) {
      node.inputs.push({ name, origin });
      graph.links.push({ target_id: id });
      node.inputs.at(-1).link = graph.links.length - 1;
    }
    node.getInputNode = (slot) => graph.nodes[node.inputs[slot]?.origin - 1];
    graph.nodes.push(node);
  });
  for (const node of graph.nodes) {
    for (const { origin, link } of node.inputs) graph.nodes[origin - 1].outputs[0].links.push(link);
  }
  return graph;
}

const load = (value, more = {}) => ["Load", {}, { widgets: [{ name: "name", value }], ...more }];
const found = (graph, at = 0) => encoderOf(graph.nodes[at], ENCODERS);

test("none, the demo's own, one by its name", () => {
  assert.equal(found(graphOf(["Regions"])), null);
  assert.equal(encoderOf({}, ENCODERS), null);
  assert.deepEqual(found(graphOf(["Regions"], ["Demo"])), { demo: true });
  assert.deepEqual(found(graphOf(["Regions"], load("T5-XL"))), { name: "T5-XL" });
});

test("of several the one that the regions' reader is connected to", () => {
  const graph = graphOf(["Regions"], ["Demo"], load("T5-XL"), ["Crop", { regions: 1 }],
    ["Encode", { regions: 4, encoder: 3 }], ["Regions"], ["Encode", { regions: 6, encoder: 2 }]);
  assert.deepEqual(found(graph), { name: "T5-XL" });
  assert.deepEqual(found(graph, 5), { demo: true });
});

test("what does not run does not read", () => {
  assert.equal(found(graphOf(["Regions"], load("T5-XL", { mode: 2 }))), null);
  assert.deepEqual(found(graphOf(["Regions"], load("T5-XL", { mode: 4 }), ["Demo"])), { demo: true });
});

test("in a subgraph, where its own node has the choice", () => {
  const inner = graphOf(["Regions"], load("inside"));
  const outer = graphOf(["Sub", {}, { subgraph: inner, widgets: [{ name: "2: name", value: "chosen" }] }]);
  inner.rootGraph = outer;
  assert.deepEqual(found(inner), { name: "chosen" });
  outer.nodes[0].widgets = [];
  assert.deepEqual(found(inner), { name: "inside" });
});
