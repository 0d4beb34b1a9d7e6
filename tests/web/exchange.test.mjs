// Boxes that are pasted or imported: the server reads them, and once more where order, units or size are changed.
import assert from "node:assert/strict";
import { test } from "node:test";
import * as documents from "../../web/editor/document.js";
import { importText, paste } from "../../web/editor/exchange.js";
import { useLanguage } from "../../web/editor/i18n.js";
import { tell } from "../../web/editor/reading.js";

const BOX = [0.1, 0.2, 0.6, 0.9];
const answer = (regions, more) => ({
  doc: { ...documents.empty(), regions }, whole: false, summary: "Read as x.", notes: [], said: [["Read as x.", {}]],
  layout: "xyxy", units: "pixels", size: [512, 512], ...more,
});

function makeEditor(answers) {
  const editor = {
    doc: documents.empty(), said: [], asked: [], shown: undefined,
    host: { readBoxes: async (asked) => (editor.asked.push(asked), answers.shift()) },
    say: (text) => editor.said.push(text),
    change: (doc) => (editor.doc = doc),
    append: ([doc]) => (editor.doc = doc),
    reading: { show: (reading, again) => (editor.shown = { reading, again }), hide() {} },
  };
  return editor;
}

const texts = (editor) => editor.doc.regions.map((region) => region.description);

test("a document of the editor's own is pasted without asking", async () => {
  const editor = makeEditor([]);
  const doc = { ...documents.empty(), regions: [{ id: "a", box: BOX, description: "a dog" }] };
  await paste(editor, JSON.stringify(doc));
  assert.deepEqual(texts(editor), ["a dog"]);
  assert.deepEqual(editor.asked, []);
});

test("anything else is what the server says of it", async () => {
  const found = [{ id: "r1", box: BOX, description: "a dog" }, { id: "r2", box: null, description: "b" }];
  const editor = makeEditor([answer(found)]);
  await paste(editor, "a dog: 51, 102, 307, 461");
  assert.deepEqual(texts(editor), ["a dog", "b"]);
  assert.deepEqual(editor.asked, [{ text: "a dog: 51, 102, 307, 461", width: 512, height: 512 }]);
});

test("an import is read once more from the same document", async () => {
  const first = [{ id: "r1", box: BOX, description: "a", color: "#123456" }];
  const editor = makeEditor([answer(first), answer([{ ...first[0], box: [0, 0, 0.5, 0.5] }])]);
  editor.doc = documents.add(editor.doc, [{ box: [0, 0, 1, 1], description: "before" }])[0];
  assert.equal(await importText(editor, "x"), true);
  assert.deepEqual(texts(editor), ["before", "a"]);
  assert.notEqual(editor.doc.regions[1].color, "#123456", "colours of a foreign list are the editor's");
  await editor.shown.again({ layout: "xywh", size: [100, 200] });
  assert.deepEqual(editor.asked[1], { text: "x", width: 512, height: 512, layout: "xywh", size: [100, 200] });
  assert.deepEqual(editor.doc.regions.map((region) => region.box), [[0, 0, 1, 1], [0, 0, 0.5, 0.5]]);
});

test("what cannot be read is said, and nothing changes", async () => {
  for (const [found, said] of [
    [{ error: "No boxes." }, "No boxes."],
    [answer([], { said: [["There are no boxes in it.", {}]] }), "There are no boxes in it."],
    [null, "The server does not answer: is it still running?"],
  ]) {
    const editor = makeEditor([found]);
    assert.equal(await importText(editor, "x"), false);
    assert.equal(editor.said.at(-1), said);
    assert.deepEqual(editor.doc, documents.empty());
    assert.equal(editor.shown, undefined);
  }
});

test("a whole document replaces, with its size and all that it holds, without asking", async () => {
  const regions = [{ id: "r7", box: BOX, description: "a", color: "#111111", future: 1 }];
  const doc = { version: 1, width: 640, height: 960, regions };
  const editor = makeEditor([]);
  assert.equal(await importText(editor, JSON.stringify(doc), { replace: true }), true);
  assert.deepEqual(editor.doc, doc);
  assert.deepEqual(editor.asked, []);
});

test("of two readings under way the newer one counts", async () => {
  const editor = makeEditor([]);
  const waiting = [];
  editor.host.readBoxes = () => new Promise((resolve) => waiting.push(resolve));
  const [first, second] = [importText(editor, "x"), importText(editor, "y")];
  waiting[1](answer([{ id: "r1", box: BOX, description: "new" }]));
  waiting[0](answer([{ id: "r1", box: BOX, description: "old" }]));
  assert.deepEqual([await first, await second], [false, true]);
  assert.deepEqual(texts(editor), ["new"]);
});

test("the reader's sentences are said in the user's language, all the way down", () => {
  const sentence = ["Left out: {what}", { what: ["{name}: {what}.", {
    name: ["Region {n}", { n: 2 }], what: ["box {box} has no width", { box: "[1, 2, {n}, 4]" }],
  }] }];
  assert.equal(tell(sentence), "Left out: Region 2: box [1, 2, {n}, 4] has no width.");
  const texts = { "Left out: {what}": "Ausgelassen: {what}", "Region {n}": "Bereich {n}" };
  useLanguage({ de: { deig: { editor: texts } } }, "de");
  assert.equal(tell(sentence), "Ausgelassen: Bereich 2: box [1, 2, {n}, 4] has no width.");
  assert.equal(tell(["a sentence that nobody translated", {}]), "a sentence that nobody translated");
  useLanguage({}, "en");
});
