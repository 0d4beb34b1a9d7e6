// The places of editors: found again after undo, dropped when their graphs are gone.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Places } from "../../web/host/places.js";

const place = (editor) => ({ editor });

test("the editor after undo finds the place of the one before it", () => {
  const places = new Places();
  const first = place("before");
  assert.equal(places.of("graph/1", first), first);
  assert.equal(places.of("graph/1", place("after")), first);
  assert.notEqual(places.of("graph/2", place("another")), first);
});

test("places without an editor do not pile up, and the newest used stay", () => {
  const places = new Places();
  const alive = places.of("alive", place("alive"));
  for (let n = 0; n < 500; n++) {
    places.of(`gone/${n}`, place("gone"));
    places.of("used", place("gone too"));
    places.forget(({ editor }) => editor === "alive");
  }
  const left = [...places];
  assert.ok(left.length < 40, `${left.length} are left`);
  assert.ok(left.includes(alive));
  assert.equal(places.of("used", place("new")).editor, "gone too");
});

test("none of those that live is dropped, however many there are", () => {
  const places = new Places();
  for (let n = 0; n < 100; n++) places.of(`node/${n}`, place(n));
  places.forget(() => true);
  assert.equal([...places].length, 100);
});

test("a place that nobody used since is not found after it was dropped", () => {
  const places = new Places();
  const old = places.of("old", place("gone"));
  for (let n = 0; n < 100; n++) places.of(`newer/${n}`, place("gone"));
  places.forget(() => false);
  assert.notEqual(places.of("old", place("new")), old);
});
