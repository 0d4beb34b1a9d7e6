// Where what a node of a run says is seen: at itself, or at the node of the subgraph that it is in. Knows graphs and
// their nodes, nothing else of the page.

/**
 * @param {any} open  the graph on the screen
 * @param {string} id  as runs have it: the numbers of the subgraphs' nodes around a node before its own
 * @returns {any}  the node in `open`; undefined where there is none, also because the one that spoke is no more
 */
function visibleNode(open, id) {
  let graph = open.rootGraph;
  let seen;
  for (const step of id.split(":")) {
    const node = graph?.getNodeById(step);
    if (!node) return undefined;
    if (graph === open) seen = node;
    graph = node.subgraph;
  }
  return seen;
}

/**
 * @param {any} open  the graph on the screen
 * @param {Iterable<[string, string]>} said  nodes' ids as runs have them, and their texts
 * @returns {Map<any, string>}  nodes of `open` and all that is seen at them, empty where nothing is said any more
 */
export function textsIn(open, said) {
  /** @type {Map<any, Set<string>>} */
  const texts = new Map();
  for (const [id, text] of said) {
    const node = visibleNode(open, id);
    if (!node) continue;
    if (!texts.has(node)) texts.set(node, new Set());
    for (const line of text.split("\n").filter(Boolean)) texts.get(node).add(line);
  }
  return new Map([...texts].map(([node, lines]) => [node, [...lines].join("\n")]));
}
