// host.js and host/ alone know the page: the editor names nothing of it, and each side uses of the other no more than
// the contracts in types.js say.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";

const web = new URL("../../web/", import.meta.url);
const read = (name) => readFileSync(new URL(name, web), "utf8");
const all = readdirSync(web, { recursive: true }).map((name) => name.replaceAll("\\", "/"));
const names = all.filter((name) => name.endsWith(".js"));
const sources = new Map(names.map((name) => [name, read(name)]));
const editor = names.filter((name) => name.startsWith("editor/"));

// Of the browser's document the editor makes elements and copies; everything else it finds in its own root.
const PAGE = [
  /comfy/i, /litegraph/i, /\bapp\b/, /\bapi\b/, /\bgraph\b/i, /widget/i, /extensionManager/, /changeTracker/,
  /\bsettings?\b/, /\b(window|globalThis|sessionStorage|fetch|XMLHttpRequest|WebSocket)\b/,
  /\bdocument(?!\.(json|js|createElement|createElementNS|execCommand)\b)(\??\.\w|\[)/,
];

const found = (text, patterns) => patterns.flatMap((pattern) => text.match(pattern)?.[0] ?? []);

test("the patterns find what they are for", () => {
  for (const text of [
    "app.canvas", "window.app", "LiteGraph.x", "globalThis.LiteGraph", 'run("Comfy.Undo")', "document.querySelector(x)",
    "document.body.append(x)", "document.addEventListener(x)", "api.fetchApi(x)", 'fetch("/view")', "node.graph",
    "node.widgets",
  ]) assert.ok(found(text, PAGE).length, text);
  const fine = ["\"./document.js\"", "document.createElement(tag)", "documents.find(doc, id)", "// A document. And"];
  for (const text of fine) {
    assert.deepEqual(found(text, PAGE), [], text);
  }
});

for (const name of [...editor, "deig.js"]) {
  test(`${name} knows nothing of the page`, () => {
    const text = sources.get(name);
    const named = text.split("\n").flatMap((line, i) => found(line, PAGE).map((what) => `${i + 1}: ${what}`));
    assert.deepEqual(named, []);
    const imported = [...text.matchAll(/(?:from|import)\s*\(?\s*"([^"]+)"/g)].map((match) => match[1]);
    const allowed = name === "deig.js" ? /^\.\/(host|editor\/\w+)\.js$/ : /^\.\/\w+\.js$/;
    assert.deepEqual(imported.filter((path) => !allowed.test(path)), []);
  });
}

const ofHost = ["host.js", ...names.filter((name) => name.startsWith("host/"))];
const importsOf = (name) => [...sources.get(name).matchAll(/^import [^"]*"([^"]+)"/gm)].map((match) => match[1]);

test("one file fetches the page's scripts, and nothing of the host needs the editor", () => {
  assert.deepEqual(importsOf("host/page.js"), ["../../../scripts/app.js", "../../../scripts/api.js"]);
  const elsewhere = ofHost.filter((name) => name !== "host/page.js").flatMap(importsOf);
  assert.deepEqual(elsewhere.filter((path) => !/^\.\/(host\/)?[\w-]+\.js$/.test(path)), []);
});

const ALONE = ["place", "runs", "places", "choices", "encoder", "visible", "keys", "words"];
for (const name of ALONE.map((name) => `host/${name}.js`)) {
  test(`${name} needs nothing of the page`, () => assert.deepEqual(importsOf(name), []));
}

/** The properties of a typedef in types.js. */
function contract(type) {
  const comments = sources.get("editor/types.js").match(/\/\*\*[^]*?\*\//g);
  const comment = comments.find((text) => text.includes(` @typedef ${type}\n`));
  return [...comment.matchAll(/@property \{.+\} (\w+)/g)].map((match) => match[1]).sort();
}

/** What the texts read of `name`. */
function used(name, texts) {
  const member = new RegExp(`\\b${name}\\??\\.(?!js\\b)(\\w+)`, "g");
  return [...new Set(texts.flatMap((text) => [...text.matchAll(member)].map((match) => match[1])))].sort();
}

test("the editor uses the whole contract of its host and nothing else", () => {
  assert.deepEqual(used("host", editor.map((name) => sources.get(name))), contract("Host"));
});

test("the host has what its contract says", () => {
  const [, body] = sources.get("host/node-host.js").match(/^export class NodeHost \{\n([^]*?)^\}/m);
  const members = [...body.matchAll(/^ {2}(?:get |async )?(\w+)\(.*\) \{$/gm)].map((match) => match[1]);
  assert.deepEqual(contract("Host").filter((name) => !members.includes(name)), []);
});

test("the host uses the whole contract of the editor and nothing else", () => {
  assert.deepEqual(used("editor", ofHost.map((name) => sources.get(name))), contract("Hosted"));
});
