// Boxes that are pasted or imported: the server reads them, and once more where order, units or size are changed.
import assert from "node:assert/strict";
import { test } from "node:test";
import { bareEditor } from "./bare.mjs";
import * as documents from "../../web/editor/document.js";
import { importText, paste } from "../../web/editor/exchange.js";
import { useLanguage } from "../../web/editor/i18n.js";
import { IncomingBoxes } from "../../web/editor/incoming.js";
import { atFrame } from "../../web/editor/frames.js";
import { tell } from "../../web/editor/reading.js";

const BOX = [0.1, 0.2, 0.6, 0.9];
const OTHER = [0, 0, 0.5, 0.5];
const answer = (regions, more) => ({
  doc: { ...documents.empty(), regions }, whole: false, summary: "Read as x.", notes: [], said: [["Read as x.", {}]],
  layout: "xyxy", units: "pixels", size: [512, 512], ...more,
});
/** What the server reads: the n-th entry is called after its number. */
const entry = (n, box, description = `text ${n}`) =>
  ({ id: `r${n}`, box, description, color: documents.COLORS[n - 1] });
const docOf = (regions, more) => ({ ...documents.empty(), ...more, regions });
const many = (count) => Array.from({ length: count }, (_, i) => ({ box: [0, 0, (i + 1) / 100, 0.5] }));

function makeEditor(answers, stored, frame) {
  const asked = [];
  const editor = bareEditor({ readBoxes: async (question) => (asked.push(question), answers.shift()) }, stored, frame);
  return Object.assign(editor, { asked });
}

const texts = (editor) => editor.stored.regions.map((region) => region.description);
const boxes = (editor) => editor.stored.regions.map((region) => region.box);
const edit = (editor, id, patch) => editor.change(documents.update(editor.doc, id, patch));
const place = (editor, id, box) => editor.change(documents.setBoxes(editor.doc, new Map([[id, box]])));

test("a document of the editor's own is pasted without asking", async () => {
  const editor = makeEditor([]);
  await paste(editor, JSON.stringify(docOf([{ id: "a", box: BOX, description: "a dog" }])));
  assert.deepEqual(texts(editor), ["a dog"]);
  assert.deepEqual(editor.asked, []);
});

test("anything else is what the server says of it, and how it was read is shown", async () => {
  const found = [entry(1, BOX, "a dog"), entry(2, null, "b")];
  for (const take of [paste, importText]) {
    const editor = makeEditor([answer(found), answer([entry(1, OTHER, "a dog"), found[1]])]);
    await take(editor, "a dog: 51, 102, 307, 461");
    assert.deepEqual(texts(editor), ["a dog", "b"]);
    assert.deepEqual(editor.asked, [{ text: "a dog: 51, 102, 307, 461", width: 512, height: 512 }]);
    assert.equal(editor.bar.reading.summary, "Read as x.");
    await editor.bar.again({ layout: "xywh" });
    assert.deepEqual(boxes(editor)[0], OTHER);
    assert.equal(editor.stored.regions.length, 2);
  }
});

test("what is pasted goes beside what lies in the same place, in its order", async () => {
  const editor = makeEditor([answer([entry(2, null, "b"), entry(1, BOX, "a")])], docOf([{ id: "x", box: BOX }]));
  await paste(editor, "x");
  assert.deepEqual(texts(editor).slice(1), ["b", "a"]);
  assert.notDeepEqual(boxes(editor)[2], BOX);
});

test("an import is read once more in another order", async () => {
  const editor = makeEditor([answer([{ ...entry(1, BOX, "a"), color: "#123456" }]), answer([entry(1, OTHER, "a")])]);
  editor.change(documents.add(editor.doc, [{ box: [0, 0, 1, 1], description: "before" }])[0]);
  assert.equal(await importText(editor, "x"), true);
  assert.deepEqual(texts(editor), ["before", "a"]);
  assert.notEqual(editor.doc.regions[1].color, "#123456", "colours of a foreign list are the editor's");
  await editor.bar.again({ layout: "xywh", size: [100, 200] });
  assert.deepEqual(editor.asked[1], { text: "x", width: 512, height: 512, layout: "xywh", size: [100, 200] });
  assert.deepEqual(boxes(editor), [[0, 0, 1, 1], OTHER]);
});

for (const replace of [false, true]) {
  test(`what was done since an import stays when it is read once more, all replaced: ${replace}`, async () => {
    const readings = [[entry(1, BOX), entry(2, BOX)], [entry(1, OTHER), entry(2, OTHER)]];
    const editor = makeEditor(readings.map((found) => answer(found)), docOf([{ id: "x", box: BOX, description: "x" }]));
    await importText(editor, "x", { replace });
    const [a, b] = editor.selection;
    edit(editor, a, { description: "typed", strength: 0.5 });
    editor.change(documents.add(editor.doc, [{ box: [0.7, 0.7, 1, 1], description: "drawn" }])[0]);
    editor.change(documents.setSize(editor.doc, 640, 480));
    await editor.bar.again({ units: "percent" });
    const before = replace ? [] : [["x", BOX]];
    assert.deepEqual(editor.stored.regions.map(({ description, box }) => [description, box]),
      [...before, ["typed", OTHER], ["text 2", OTHER], ["drawn", [0.7, 0.7, 1, 1]]]);
    assert.equal(documents.find(editor.stored, a).strength, 0.5);
    assert.equal(documents.find(editor.stored, b).id, b);
    assert.deepEqual([editor.stored.width, editor.stored.height], [640, 480]);
  });
}

test("what was moved by hand stays in its place, what was deleted stays away, and the former is said", async () => {
  const [first, second] = [BOX, OTHER].map((box) => [1, 2, 3, 4].map((n) => entry(n, box)));
  const editor = makeEditor([first, second, first].map((found) => answer(found)));
  await importText(editor, "x");
  const [a, b, c, d] = editor.selection;
  place(editor, a, [0.3, 0.3, 0.4, 0.4]);
  editor.change(documents.remove(editor.doc, [b]));
  edit(editor, d, { keyframes: [{ frame: 0, box: BOX }, { frame: 9, box: OTHER }] });
  for (const box of [OTHER, BOX]) {
    await editor.bar.again({ units: "percent" });
    assert.deepEqual(editor.stored.regions.map(({ id }) => id), [a, c, d]);
    assert.deepEqual(boxes(editor), [[0.3, 0.3, 0.4, 0.4], box, BOX]);
    assert.equal(editor.said.at(-1), "Changed by hand, and therefore left as they are: 1, 3.");
  }
});

test("a place for a text that had none is not read once more", async () => {
  const found = [entry(1, BOX), entry(2, null)];
  const editor = makeEditor([answer(found), answer(found)]);
  await importText(editor, "x");
  place(editor, editor.selection[1], OTHER);
  await editor.bar.again({ units: "percent" });
  assert.deepEqual(boxes(editor), [BOX, OTHER]);
  assert.equal(editor.said.at(-1), "");
});

test("what another reading leaves out goes and comes back, but not what was written in it", async () => {
  const readings = [[entry(1, BOX), entry(2, BOX)], [entry(3, OTHER)], [entry(1, BOX), entry(2, BOX)]];
  const editor = makeEditor(readings.map((found) => answer(found)));
  await importText(editor, "x");
  edit(editor, editor.selection[1], { description: "typed" });
  await editor.bar.again({ units: "percent" });
  assert.deepEqual(texts(editor), ["typed", "text 3"]);
  assert.equal(editor.said.at(-1), "Changed by hand, and therefore left as they are: 1.");
  await editor.bar.again({ units: "pixels" });
  assert.deepEqual(texts(editor), ["typed", "text 1"]);
});

test("once nothing of an import is left, it is not read once more", async () => {
  const editor = makeEditor([answer([entry(1, BOX)])], docOf([{ id: "x", box: BOX, description: "x" }]));
  await importText(editor, "x");
  editor.change(documents.remove(editor.doc, editor.selection));
  await editor.bar.again({ units: "percent" });
  assert.equal(editor.said.at(-1), "None of these boxes is here any more: import them once more.");
  assert.equal(editor.bar, undefined);
  assert.equal(editor.asked.length, 1);
  assert.deepEqual(texts(editor), ["x"]);
});

test("what is edited while the server reads stays", async () => {
  let reply;
  const editor = bareEditor({ readBoxes: () => new Promise((resolve) => (reply = resolve)) });
  const done = importText(editor, "x");
  editor.change(documents.add(editor.doc, [{ box: OTHER, description: "drawn" }])[0]);
  editor.gesture = { kind: "move" };
  reply(answer([entry(1, BOX, "read")]));
  await done;
  assert.deepEqual(texts(editor), ["drawn", "read"]);
  assert.equal(editor.gesture, null, "it would leave behind what it began with");
});

const MOVING = {
  id: "r1", box: BOX, description: "moving", color: "#111111",
  keyframes: [{ frame: 0, box: BOX }, { frame: 10, box: [0.5, 0.2, 1, 0.9] }],
};

test("whatever frame is shown, another reading sets no keys and moves nothing that moves", async () => {
  const editor = makeEditor([answer([entry(1, BOX)]), answer([entry(1, OTHER)])], docOf([MOVING]), 0);
  await importText(editor, "x");
  Object.assign(editor, { frame: 5, doc: atFrame(editor.stored, 5) });
  await editor.bar.again({ units: "percent" });
  assert.deepEqual(editor.stored.regions[0], MOVING);
  assert.deepEqual([editor.stored.regions[1].box, editor.stored.regions[1].keyframes], [OTHER, undefined]);
});

test("a document that comes in whole is the value to the letter, whatever frame is shown", async () => {
  const whole = docOf([{ ...MOVING, keyframes: [{ frame: 3, box: OTHER }], description: "other" }], { note: "kept" });
  const editor = makeEditor([], docOf([MOVING]), 5);
  await importText(editor, JSON.stringify(whole), { replace: true });
  assert.deepEqual(editor.stored, whole);
  assert.deepEqual(editor.doc.regions[0].box, OTHER);
});

test("regions that take the place of all others have nothing of theirs, whatever frame is shown", async () => {
  const read = makeEditor([answer([entry(1, OTHER)])], docOf([MOVING]), 5);
  await importText(read, "x", { replace: true });
  const incoming = { mode: "always", regions: [{ ...MOVING, keyframes: [{ frame: 3, box: OTHER }] }] };
  const adopted = bareEditor({ incoming: () => incoming, adopted() {} }, docOf([MOVING]), 5);
  adopt(adopted);
  assert.equal(read.stored.regions[0].keyframes, undefined);
  assert.deepEqual(adopted.stored.regions[0].keyframes, incoming.regions[0].keyframes);
});

function adopt(editor) {
  const { regions } = editor.host.incoming();
  IncomingBoxes.prototype.adopt.call({ editor, ghosts: regions, idle: () => [] });
}

/** The ways in which regions come in beside others. */
const WAYS = {
  paste: async (editor, doc) => paste(editor, JSON.stringify(doc)),
  add: async (editor, doc) => importText(editor, JSON.stringify(doc)),
  adopt: async (editor, { regions, overlap }) => {
    Object.assign(editor.host, { incoming: () => ({ mode: "add", regions, overlap }), adopted() {} });
    adopt(editor);
  },
};

for (const [name, take] of Object.entries(WAYS)) {
  test(`${name}: what does not fit is said`, async () => {
    const editor = makeEditor([], documents.add(documents.empty(), many(60))[0]);
    await take(editor, docOf(many(10)));
    assert.equal(editor.stored.regions.length, 64);
    assert.equal(editor.said.at(-1), "6 regions did not fit: at most 64 are possible.");
    await take(editor, docOf(many(10)));
    assert.equal(editor.said.at(-1), "There are 64 regions already; more are not possible.");
  });

  test(`${name}: shared or the front one's, as nodes have it of both`, async () => {
    const coming = (overlap) => docOf([{ box: BOX }], overlap && { overlap });
    for (const [has, comes, then, says] of [
      [[], "front", "front", false],
      [many(1), "front", "front", true],
      [many(1), undefined, "shared", false],
    ]) {
      const editor = makeEditor([], docOf(has));
      await take(editor, coming(comes));
      assert.equal(documents.overlapOf(editor.stored), then);
      const said = "What boxes share belongs to the front one from now on, as it did where these come from.";
      assert.equal(editor.said.at(-1), says ? said : "");
      assert.equal(editor.steps, 1, "one step of undo");
    }
    const front = makeEditor([], docOf(many(1), { overlap: "front" }));
    await take(front, coming("front"));
    assert.deepEqual([documents.overlapOf(front.stored), front.said.at(-1)], ["front", ""]);
    await take(front, coming());
    assert.deepEqual([documents.overlapOf(front.stored), front.said.at(-1)], ["front", ""]);
  });
}

test("incoming boxes that take the place of all others bring along what overlaps, and that is no news", () => {
  const incoming = { mode: "always", regions: [{ box: BOX }], overlap: "front" };
  const editor = bareEditor({ incoming: () => incoming, adopted() {} }, docOf(many(3)));
  adopt(editor);
  assert.deepEqual([editor.stored.regions.length, editor.stored.overlap, editor.said.at(-1)], [1, "front", ""]);
});

test("incoming boxes of which none fits go on to be incoming", () => {
  let adopted = false;
  const host = { incoming: () => ({ mode: "add", regions: [{ box: BOX }] }), adopted: () => (adopted = true) };
  adopt(bareEditor(host, documents.add(documents.empty(), many(64))[0]));
  assert.equal(adopted, false);
});

test("what is said of an import is said where it can be read: the panel is closed before", async () => {
  const editor = makeEditor([answer([entry(1, BOX), entry(2, BOX)])], documents.add(documents.empty(), many(63))[0]);
  assert.equal(await importText(editor, "x"), true);
  assert.deepEqual(editor.said.slice(-2), ["closed", "One region did not fit: at most 64 are possible."]);
});

test("an import that adds nothing says so, and leaves the panel open", async () => {
  const full = makeEditor([answer([entry(1, BOX)])], documents.add(documents.empty(), many(64))[0]);
  assert.equal(await importText(full, "x"), false);
  assert.equal(full.said.at(-1), "There are 64 regions already; more are not possible.");
  assert.equal(full.bar, undefined);
  for (const take of [paste, importText]) {
    const none = makeEditor([]);
    assert.ok(!(await take(none, JSON.stringify(documents.empty()))));
    assert.equal(none.said.at(-1), "There are no boxes in it.");
    assert.ok(!none.said.includes("closed"));
  }
});

test("while the value cannot be edited nothing is imported, and why is said", async () => {
  for (const take of [paste, importText]) {
    const editor = Object.assign(makeEditor([]), { refused: ["This is no readable JSON: {reason}", { reason: "x" }] });
    assert.ok(!(await take(editor, JSON.stringify(docOf(many(1))))));
    assert.equal(editor.said.at(-1), "This is no readable JSON: x");
  }
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
    assert.deepEqual(editor.stored, documents.empty());
    assert.equal(editor.bar, undefined);
  }
});

test("a whole document replaces, with its size and all that it holds, without asking", async () => {
  const regions = [{ id: "r7", box: BOX, description: "a", color: "#111111", future: 1 }];
  const doc = { version: 1, width: 640, height: 960, regions };
  const editor = makeEditor([]);
  assert.equal(await importText(editor, JSON.stringify(doc), { replace: true }), true);
  assert.deepEqual(editor.stored, doc);
  assert.deepEqual(editor.asked, []);
});

test("of two readings under way the newer one counts", async () => {
  const waiting = [];
  const editor = bareEditor({ readBoxes: () => new Promise((resolve) => waiting.push(resolve)) });
  const [first, second] = [importText(editor, "x"), importText(editor, "y")];
  waiting[1](answer([entry(1, BOX, "new")]));
  waiting[0](answer([entry(1, BOX, "old")]));
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
