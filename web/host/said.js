// What the pack's nodes have to say, kept at them: newer pages take such texts away when the run is over, and all pages
// lose them when undo or another tab makes the nodes anew, and show none of a node in a subgraph that is not open.
import { api, app, workflow } from "./page.js";
import { remember, remembered, signatureOf } from "./remembered.js";
import { queueing, runs } from "./results.js";
import { textsIn } from "./visible.js";

const BLANK = " "; // pages leave out a text without a character

/**
 * For each workflow: a node's id as runs have it, and its text, empty once an earlier run's is taken back.
 * @type {WeakMap<object, Map<string, string>>}
 */
const kept = new WeakMap();
/** Nodes at which a text of ours is seen. */
const speaking = new WeakSet();

/** After the runs are listened to. */
export function listenToWords() {
  // What is known of a run is asked for at once: a run of which all is cached may be over before its answer is here.
  const listen = (event, take) => api.addEventListener(event, async ({ detail }) => {
    await queueing;
    const run = detail.prompt_id;
    take(detail, runs.workflowOf(run), runs.promptOf(run));
    sayAgain();
  });
  listen("deig.said", ({ node, text }, from, prompt) => {
    keep(from, node, text);
    if (prompt) remember(sessionStorage, signatureOf(prompt, String(node)), text.trim());
  });
  // Of nodes that do not run again, newer servers tell what they gave last time.
  listen("executed", ({ node, output }, from) => {
    if (output?.deig_notes) keep(from, node, output.deig_notes.join("\n"));
  });
  // Older servers tell nothing of them.
  listen("execution_cached", ({ nodes = [] }, from, prompt) => {
    for (const id of prompt ? nodes.map(String) : []) {
      const text = remembered(sessionStorage, signatureOf(prompt, id));
      if (text) keep(from, id, text);
    }
  });
  for (const event of ["execution_success", "execution_error", "execution_interrupted"]) {
    // The page's own listeners come first.
    api.addEventListener(event, () => setTimeout(sayAgain));
  }
  // A subgraph is opened or left.
  app.canvas.canvas.addEventListener("litegraph:set-graph", () => setTimeout(sayAgain));
}

function keep(from, node, text) {
  if (!from) return;
  if (!kept.has(from)) kept.set(from, new Map());
  kept.get(from).set(String(node), text.trim());
}

/** As if the server had just sent it: the page shows it wherever it shows such texts. */
export function sayAgain() {
  const open = app.canvas.graph;
  const said = kept.get(workflow() ?? api);
  if (!open || !said) return;
  for (const [node, text] of textsIn(open, said)) {
    // Elsewhere a blank would take up room, or take away what is another pack's.
    if (!text && !speaking.has(node)) continue;
    api.dispatchCustomEvent("progress_text", { nodeId: String(node.id), text: text || BLANK });
    if (text) speaking.add(node);
    else speaking.delete(node);
  }
}
