// Wildcards in texts, as the page's own prompts have them: of {a|b} one is taken for each run.

const GROUP = /(?<!\\)\{((?:\\.|[^{}\\])*)\}/;
const MOST = 1000;

/**
 * @param {string} text
 * @param {() => number} [random]
 */
export function expand(text, random = Math.random) {
  let found;
  let result = text;
  for (let i = 0; i < MOST && (found = GROUP.exec(result)); i++) {
    const options = found[1].split(/(?<!\\)\|/);
    const chosen = options[Math.min(options.length - 1, Math.floor(random() * options.length))];
    result = result.slice(0, found.index) + chosen + result.slice(found.index + found[0].length);
  }
  return result === text ? text : result.replace(/\\([{}|])/g, "$1");
}

/**
 * The texts of a document's regions expanded; the document itself where there is nothing to expand.
 * @param {string} text  JSON
 * @param {() => number} [random]
 */
export function expandDocument(text, random = Math.random) {
  let doc;
  try {
    doc = JSON.parse(text);
  } catch {
    return text;
  }
  if (!Array.isArray(doc?.regions)) return text;
  let changed = false;
  const expanded = (region) => {
    const made = { ...region };
    for (const key of ["description", "negative"]) {
      if (typeof region?.[key] !== "string") continue;
      made[key] = expand(region[key], random);
      changed ||= made[key] !== region[key];
    }
    return made;
  };
  const regions = doc.regions.map((region) => (region && typeof region === "object" ? expanded(region) : region));
  return changed ? JSON.stringify({ ...doc, regions }) : text;
}
