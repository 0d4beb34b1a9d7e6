// The news of runs, told to whom they concern: the pictures, and what a node gave its editor.
import { drawAll } from "./events.js";
import { BACKGROUND, INCOMING, READING } from "./keys.js";
import { api, view, workflow } from "./page.js";
import { Runs } from "./runs.js";

/** @import { Source } from "./runs.js" */

/** @type {Runs} */
export let runs;
/** The first news of a run may be here before the answer that names it. */
export let queueing = Promise.resolve();
/** Prompts in which the regions have no effect. */
export const plain = new WeakSet();
/** @type {WeakMap<object, Map<string, { background?: string, incoming?: any, reading?: any }>>} */
const given = new WeakMap();

/**
 * What the last run gave to the editor of a node; of each workflow its own, for two of them may have the same numbers.
 * @param {string} key  of the node in its workflow
 */
export function givenTo(key) {
  const open = workflow() ?? api;
  if (!given.has(open)) given.set(open, new Map());
  const nodes = given.get(open);
  if (!nodes.has(key)) nodes.set(key, {});
  return nodes.get(key);
}

/**
 * Keep what a node's output holds for its editor.
 * @param {string} key
 */
export function keepGiven(key, output) {
  const kept = givenTo(key);
  // A node that gives nothing has an output of null with some servers.
  const [picture, boxes, how] = [BACKGROUND, INCOMING, READING].map((name) => output?.[name]?.[0]);
  if (picture) kept.background = view(picture);
  if (boxes !== undefined) Object.assign(kept, { incoming: parsed(boxes), reading: how });
}

function parsed(text) {
  try {
    return JSON.parse(text) ?? undefined;
  } catch {
    return undefined;
  }
}

/** @param {Source} source */
export function listenToRuns(source) {
  runs = new Runs(source);
  const queue = api.queuePrompt;
  api.queuePrompt = function (number, prompt, ...rest) {
    const from = workflow();
    const answer = queue.call(this, number, prompt, ...rest);
    const begin = ({ prompt_id: run }) => run && from && runs.begin(run, prompt, from, plain.has(prompt));
    queueing = answer.then(begin, () => {});
    return answer;
  };
  const listen = (event, take) => api.addEventListener(event, async ({ detail }) => {
    await queueing;
    if (take(detail) !== false) drawAll();
  });
  listen("executed", ({ output, prompt_id: run, display_node: shown, node }) => {
    const picture = output?.images?.at?.(-1);
    if (!picture?.filename || !/\.(png|jpe?g|webp)$/i.test(picture.filename)) return false;
    return runs.show(run, String(shown ?? node), "last", view(picture));
  });
  listen("b_preview_with_metadata", ({ blob, promptId, jobId = promptId, displayNodeId }) => {
    const url = URL.createObjectURL(blob);
    const used = runs.show(jobId, displayNodeId, "live", url);
    if (!used) URL.revokeObjectURL(url);
    return used;
  });
  for (const event of ["execution_success", "execution_error", "execution_interrupted"]) {
    listen(event, ({ prompt_id: run }) => runs.end(run));
  }
}
