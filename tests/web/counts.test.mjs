// The text encoder is asked about a text once, after the typing.
import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { Counts } from "../../web/editor/counts.js";

const found = (texts) => texts.map((text) => ({ tokens: text.length, unknown: 0, lost: [], marks: [] }));

test("only the texts that are there when the typing stops, and each once", async () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  const asked = [];
  let arrived = 0;
  const host = { countTokens: async (texts) => (asked.push(texts), found(texts)) };
  const counts = new Counts(host, () => (arrived += 1));
  for (const text of ["a", "a c", "a cat"]) {
    counts.restart();
    assert.equal(counts.of(text), undefined);
    counts.of("a dog");
  }
  mock.timers.tick(1000);
  await new Promise(setImmediate);
  assert.deepEqual(asked, [["a cat", "a dog"]]);
  assert.equal(counts.of("a cat").tokens, 5);
  assert.equal(arrived, 1);
  counts.of("a cat");
  mock.timers.tick(1000);
  assert.equal(asked.length, 1);
  mock.timers.reset();
});

test("empty texts are not asked about, and a host that does not know is asked once", async () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  let asked = 0;
  const counts = new Counts({ countTokens: async () => ((asked += 1), null) }, () => assert.fail());
  counts.of("  ");
  mock.timers.tick(1000);
  assert.equal(asked, 0);
  for (let n = 0; n < 3; n++) {
    counts.restart();
    assert.equal(counts.of("a cat"), undefined);
    mock.timers.tick(1000);
    await new Promise(setImmediate);
  }
  assert.equal(asked, 1);
  mock.timers.reset();
});

test("what is known stays known, whatever is wanted next", async () => {
  const counts = new Counts({ countTokens: async (texts) => found(texts) }, () => {});
  counts.of("x");
  clearTimeout(counts.timer);
  await counts.ask();
  counts.restart();
  assert.equal(counts.of("x").tokens, 1);
  assert.equal(counts.wanted.size, 0);
});

test("it does not grow without end", async () => {
  const counts = new Counts({ countTokens: async (texts) => found(texts) }, () => {});
  for (let n = 0; n < 1500; n++) {
    counts.of(`text ${n}`);
    clearTimeout(counts.timer);
    await counts.ask();
    counts.restart();
  }
  assert.ok(counts.known.size < 1100);
});

test("another reader is asked anew, and an answer of the one before it does not count", async () => {
  const host = { reader: "demo", countTokens: async (texts) => found(texts.map((text) => text + host.reader)) };
  const counts = new Counts(host, () => {});
  const ask = async () => {
    clearTimeout(counts.timer);
    await counts.ask();
  };
  counts.of("x");
  await ask();
  assert.equal(counts.of("x").tokens, 5);
  host.reader = "T5-XL";
  counts.restart();
  assert.equal(counts.of("x"), undefined);
  const late = ask();
  host.reader = "another one";
  counts.restart();
  counts.of("x");
  await late;
  assert.equal(counts.of("x"), undefined);
  await ask();
  assert.equal(counts.of("x").tokens, 12);
});
