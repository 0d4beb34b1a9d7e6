// What the pack's nodes have to say, kept at them: newer pages take such texts away when the run is over, and all pages
// lose them when undo or another tab makes the nodes anew.
import { api, workflow } from "./page.js";
import { remember, remembered, signatureOf } from "./remembered.js";
import { queueing, runs } from "./results.js";

/** @type {WeakMap<object, Map<string, string>>}  for each workflow: a node's id as runs have it, and its text */
const kept = new WeakMap();

/** After the runs are listened to. */
export function listenToWords() {
  // What is known of a run is asked for at once: a run of which all is cached may be over before its answer is here.
  const listen = (event, take) => api.addEventListener(event, async ({ detail }) => {
    await queueing;
    const run = detail.prompt_id;
    take(detail, runs.workflowOf(run), runs.promptOf(run));
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
    sayAgain();
  });
  for (const event of ["execution_success", "execution_error", "execution_interrupted"]) {
    // The page's own listeners come first.
    api.addEventListener(event, () => setTimeout(sayAgain));
  }
}

function keep(from, node, text) {
  if (!from) return;
  if (!kept.has(from)) kept.set(from, new Map());
  // A blank takes back what an earlier run said.
  if (text.trim()) kept.get(from).set(String(node), text);
  else kept.get(from).delete(String(node));
}

/** As if the server had just sent it: the page shows it wherever it shows such texts. */
export function sayAgain() {
  for (const [nodeId, text] of kept.get(workflow() ?? api) ?? []) {
    api.dispatchCustomEvent("progress_text", { nodeId, text });
  }
}
