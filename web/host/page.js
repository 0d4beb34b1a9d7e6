// The page's own scripts and the words for what is asked of them again and again.
// @ts-ignore: the page serves it
import { app } from "../../../scripts/app.js";
// @ts-ignore: the page serves it
import { api } from "../../../scripts/api.js";

export { api, app };

/** The workflow on the screen; an object that stays the same as long as its tab is open. */
export const workflow = () => app.extensionManager?.workflow?.activeWorkflow;
export const run = (command) => app.extensionManager.command.execute(command);

/** What the server has stored, as an address. */
export function view(file) {
  if (!file) return file;
  const { filename, subfolder, type } = file;
  return api.apiURL(`/view?${new URLSearchParams({ filename, subfolder: subfolder ?? "", type: type ?? "output" })}`);
}

/** What a route of the pack answers, an error's sentence included; null where the server does not. */
export async function ask(path, asked) {
  try {
    const headers = { "Content-Type": "application/json" };
    const answer = await api.fetchApi(path, { method: "POST", headers, body: JSON.stringify(asked) });
    return await answer.json();
  } catch {
    return null;
  }
}
