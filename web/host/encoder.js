// Which text encoder will read the regions of a node: the one whose vocabulary counts the tokens in its rows. Knows
// nodes and links, nothing else of the page.

/**
 * Nodes that load a text encoder (the demo's own, or one by name), and the node that reads texts with one.
 * @typedef {{ demo: string, loader: string, choice: string, reader: string, input: string }} Encoders
 */

const NEVER = 2, BYPASSED = 4; // modes of nodes that do not run
const everyNode = (graph) => graph.nodes.flatMap((node) => [node, ...(node.subgraph ? everyNode(node.subgraph) : [])]);
const byName = (node, name) => node.widgets?.find((widget) => widget.name.replace(/^\d+: /, "") === name);

/**
 * @param {any} node
 * @param {Encoders} encoders
 * @returns {{ demo: true } | { name: string } | null}  null where none is loaded
 */
export function encoderOf(node, { demo, loader, choice, reader, input }) {
  const graph = node.graph?.rootGraph ?? node.graph;
  const all = graph ? everyNode(graph) : [];
  const found = all.filter(({ type, mode }) => [demo, loader].includes(type) && ![NEVER, BYPASSED].includes(mode));
  const one = found.length < 2 ? found[0] : found.find((each) => isConnected(each, node, reader, input)) ?? found[0];
  if (!one) return null;
  if (one.type === demo) return { demo: true };
  // The subgraph's own node has the choice where it is promoted to it.
  const shown = all.find(({ subgraph }) => subgraph?.nodes.includes(one));
  return { name: ((shown && byName(shown, choice)) ?? byName(one, choice))?.value };
}

/** Whether what reads the node's regions takes its text encoder from a loader, in one graph with them. */
function isConnected(loader, node, reader, input) {
  const reached = new Set();
  const visit = (one) => {
    if (!one || reached.has(one)) return;
    reached.add(one);
    for (const id of one.outputs?.flatMap(({ links }) => links ?? []) ?? []) {
      visit(one.graph?.getNodeById(one.graph.getLink?.(id)?.target_id));
    }
  };
  visit(node);
  return [...reached].some((one) =>
    one.type === reader && one.getInputNode?.(one.inputs.findIndex(({ name }) => name === input)) === loader);
}
