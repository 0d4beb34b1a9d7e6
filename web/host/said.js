// What the pack's nodes have to say, kept at them: newer pages take such texts away when the run is over, and all pages
// lose them when undo or another tab makes the nodes anew, and show none of a node in a subgraph that is not open.
import { NOTES, SAID } from "./keys.js";
import { api, app, workflow } from "./page.js";
import { remember, remembered, signatureOf } from "./remembered.js";
import { queueing, runs } from "./results.js";
import { textsIn } from "./visible.js";
import { begunIn, Words } from "./words.js";

const BLANK = " "; // pages leave out a text without a character

const words = new Words();
/** Nodes at which a text of ours is seen. */
const speaking = new WeakSet();

/** After the runs are listened to. */
export function listenToWords() {
  // What is known of a run is asked for at once: a run of which all is cached may be over before its answer is here.
  const listen = (event, take) => api.addEventListener(event, async ({ detail }) => {
    await queueing;
    const run = detail.prompt_id;
    if (take(detail, runs.workflowOf(run), runs.promptOf(run)) !== false) sayAgain();
  });
  // Before anything is said in the new run. Of `executing`, pages tell neither its run nor, where a node was made while
  // another ran, which of the two it is.
  listen("progress_state", ({ prompt_id: run, ...progress }, from, prompt) => {
    const gone = words.begin(from, run, begunIn(progress));
    for (const node of prompt ? gone : []) remember(sessionStorage, signatureOf(prompt, node), "");
    return gone.length > 0;
  });
  listen(SAID, ({ prompt_id: run, node, text }, from, prompt) => {
    words.keep(from, run, node, text);
    if (prompt) remember(sessionStorage, signatureOf(prompt, String(node)), text.trim());
  });
  // Of nodes that do not run again, newer servers tell what they gave last time.
  listen("executed", ({ prompt_id: run, node, output }, from) => {
    if (output?.[NOTES]) words.keep(from, run, node, output[NOTES].join("\n"));
  });
  // Older servers tell nothing of them.
  listen("execution_cached", ({ prompt_id: run, nodes = [] }, from, prompt) => {
    for (const id of prompt ? nodes.map(String) : []) {
      const text = remembered(sessionStorage, signatureOf(prompt, id));
      if (text) words.keep(from, run, id, text);
    }
  });
  for (const event of ["execution_success", "execution_error", "execution_interrupted"]) {
    // The page's own listeners come first.
    api.addEventListener(event, () => setTimeout(sayAgain));
  }
  // A subgraph is opened or left.
  app.canvas.canvas.addEventListener("litegraph:set-graph", () => setTimeout(sayAgain));
}

/** As if the server had just sent it: the page shows it wherever it shows such texts. */
export function sayAgain() {
  const open = app.canvas.graph;
  if (!open) return;
  for (const [node, text] of textsIn(open, words.of(workflow() ?? api))) {
    // Elsewhere a blank would take up room, or take away what is another pack's.
    if (!text && !speaking.has(node)) continue;
    api.dispatchCustomEvent("progress_text", { nodeId: String(node.id), text: text || BLANK });
    if (text) speaking.add(node);
    else speaking.delete(node);
  }
}
