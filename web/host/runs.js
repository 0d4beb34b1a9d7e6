// The pictures of runs, each with the node whose regions made it. Knows prompts and their results, nothing of the page.

const KEPT = 100; // runs that have not ended

/**
 * What a run sends to the server: for each node its class and its inputs, a link as [a node's id, its output's number].
 * @typedef {Record<string, { class_type: string, inputs: Record<string, unknown> }>} Prompt
 */

/**
 * Which nodes hold regions, which of their outputs the regions are, which nodes only show them, and which input takes
 * their effect away.
 * @typedef {{ node: string, output: number, shownBy: string[], off: { node: string, input: string, value: unknown } }}
 *   Source
 */

/**
 * @param {Prompt} prompt
 * @param {Source} source
 * @returns {Map<string, string[]>}  for each node that works with regions: the nodes that hold them. Pictures with the
 *   regions drawn over them are none that were made from them.
 */
export function sourcesOf(prompt, { node, output, shownBy }) {
  const readers = new Map();
  for (const [id, { inputs }] of Object.entries(prompt)) {
    for (const link of Object.values(inputs ?? {})) {
      if (!Array.isArray(link) || link.length !== 2 || !prompt[link[0]]) continue;
      const from = String(link[0]);
      readers.set(from, [...(readers.get(from) ?? []), { id, slot: link[1] }]);
    }
  }
  const sources = new Map();
  for (const [origin, { class_type: type }] of Object.entries(prompt)) {
    if (type !== node) continue;
    const reached = new Set();
    const visit = ({ id }) => {
      if (reached.has(id) || shownBy.includes(prompt[id].class_type)) return;
      reached.add(id);
      readers.get(id)?.forEach(visit);
    };
    readers.get(origin)?.filter(({ slot }) => slot === output).forEach(visit);
    for (const id of reached) sources.set(id, [...(sources.get(id) ?? []), origin]);
  }
  return sources;
}

/**
 * The same prompt without the effect of the regions, its seeds and all else as they were.
 * @param {Prompt} prompt
 * @param {Source} source
 * @returns {Prompt | null}  null where nothing has an effect
 */
export function without(prompt, { off }) {
  const found = Object.entries(prompt).filter(([, { class_type: type }]) => type === off.node);
  const change = ([id, node]) => [id, { ...node, inputs: { ...node.inputs, [off.input]: off.value } }];
  return found.length ? { ...prompt, ...Object.fromEntries(found.map(change)) } : null;
}

/** Workflows are objects, whatever the page takes for one. */
export class Runs {
  /** @param {Source} source */
  constructor(source) {
    this.source = source;
    /** @type {Map<string, { workflow: object, prompt: any, sources: Map<string, string[]>, plain: boolean }>} */
    this.running = new Map();
    /** @type {WeakMap<object, Map<string, { last?: string, live?: string, plain?: string, prompt?: any }>>} */
    this.pictures = new WeakMap();
  }

  /**
   * @param {string} run
   * @param {{ output: Prompt }} prompt  and whatever the page sends with it
   * @param {object} workflow
   * @param {boolean} [plain]  the regions have no effect
   */
  begin(run, prompt, workflow, plain = false) {
    this.running.set(run, { workflow, prompt, sources: sourcesOf(prompt.output, this.source), plain });
    if (this.running.size > KEPT) this.end(this.running.keys().next().value);
  }

  /**
   * @param {string} run
   * @returns {object | undefined}
   */
  workflowOf(run) {
    return this.running.get(run)?.workflow;
  }

  /**
   * @param {string} run
   * @returns {Prompt | undefined}
   */
  promptOf(run) {
    return this.running.get(run)?.prompt.output;
  }

  /**
   * A node of a run has made a picture, or shows how far it is.
   * @param {string} run
   * @param {string} node
   * @param {"last" | "live"} kind
   * @param {string} url
   * @returns {boolean} whether it belongs to any regions
   */
  show(run, node, kind, url) {
    const { workflow, sources, plain, prompt } = this.running.get(run) ?? {};
    const origins = sources?.get(node) ?? [];
    // A picture without the regions stands beside the one with them, which a newer one replaces.
    const made = plain ? { plain: url } : { last: url, plain: undefined, prompt };
    for (const origin of origins) this.put(workflow, origin, kind === "live" ? { live: url } : made);
    return origins.length > 0;
  }

  put(workflow, origin, made) {
    if (!this.pictures.has(workflow)) this.pictures.set(workflow, new Map());
    const all = this.pictures.get(workflow);
    const before = all.get(origin) ?? {};
    if (before.live?.startsWith("blob:")) URL.revokeObjectURL(before.live);
    all.set(origin, { ...before, live: undefined, ...made });
  }

  /** @param {string} run */
  end(run) {
    const { workflow, sources } = this.running.get(run) ?? {};
    this.running.delete(run);
    for (const origin of new Set([...(sources?.values() ?? [])].flat())) this.put(workflow, origin, {});
  }

  /**
   * What has been made from the regions of a node: live, last, the same without the regions, and the last's prompt.
   * @param {object | undefined} workflow
   * @param {(id: string) => boolean} isNode  whether a prompt's id is the node's
   */
  of(workflow, isNode) {
    return [...((workflow && this.pictures.get(workflow)) || [])].find(([id]) => isNode(id))?.[1] ?? {};
  }
}
