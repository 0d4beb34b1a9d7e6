// What the nodes of workflows have to say, and until when it is true. Knows nothing of the page.

/** Workflows are objects, whatever the page takes for one; nodes' ids are as runs have them. */
export class Words {
  constructor() {
    /** @type {WeakMap<object, Map<string, { run: string, text: string }>>} */
    this.said = new WeakMap();
  }

  /**
   * @param {object | undefined} workflow  of a run that this page does not know
   * @param {string} run
   * @param {string | number} node
   * @param {string} text  empty once an earlier run's is taken back
   */
  keep(workflow, run, node, text) {
    if (!workflow) return;
    if (!this.said.has(workflow)) this.said.set(workflow, new Map());
    this.said.get(workflow).set(String(node), { run, text: text.trim() });
  }

  /**
   * Nodes have begun in a run: what they said in one before is not said of this one. Nobody else takes it back where
   * nothing of ours runs in them any more.
   * @param {object | undefined} workflow
   * @param {string} run
   * @param {string[]} nodes
   * @returns {string[]}  those that had said something
   */
  begin(workflow, run, nodes) {
    const all = (workflow && this.said.get(workflow)) ?? new Map();
    const gone = nodes.filter((node) => all.get(node)?.text && all.get(node).run !== run);
    for (const node of gone) all.set(node, { run, text: "" });
    return gone;
  }

  /**
   * @param {object} workflow
   * @returns {Map<string, string>}
   */
  of(workflow) {
    return new Map([...(this.said.get(workflow) ?? [])].map(([node, { text }]) => [node, text]));
  }
}

/**
 * Which nodes are running, of what a server tells of all that a run has come to so far.
 * @param {{ nodes?: Record<string, { state?: string } | null> }} progress
 * @returns {string[]}
 */
export const begunIn = ({ nodes }) =>
  Object.entries(nodes ?? {}).filter(([, node]) => node?.state === "running").map(([id]) => id);
