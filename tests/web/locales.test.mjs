// Every text of the editor has its translation, with the same placeholders.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { t, useLanguage } from "../../web/editor/i18n.js";

const root = new URL("../../", import.meta.url);
const json = (language) => JSON.parse(readFileSync(new URL(`locales/${language}/main.json`, root)));
const names = readdirSync(new URL("web/editor/", root));
const source = names.map((name) => readFileSync(new URL(`web/editor/${name}`, root), "utf8")).join("\n");
const used = new Set(["auto", "pixels", "fractions", "percent"]);
const SAID =
  /(?:\bt|say|warn)\((?:\.\.\.)?"([^"]+)"(?:,\s+"([^"]+)")?|error: \["([^"]+)"|= "([A-Z{][^"]+ [^"]+\.)";/g;
for (const [, ...found] of source.matchAll(SAID)) found.filter(Boolean).forEach((text) => used.add(text));
// The reader's sentences stand in Python, and the page says them; tests/unit/test_reader.py finds what is missing.
const reader = new URL("deig_core/regions/reader/", root);
const files = readdirSync(reader).filter((name) => name.endsWith(".py"));
const python = files.map((name) => readFileSync(new URL(name, reader), "utf8")).join("\n");
for (const text of Object.keys(json("en").deig.editor)) if (python.includes(`"${text}"`)) used.add(text);
const holes = (text) => (text.match(/\{\w+\}/g) ?? []).sort();

test("the texts are found in the source", () => assert.ok(used.size > 60));

for (const language of ["en", "zh", "ja", "ko", "fr", "de", "es"]) {
  test(language, () => {
    const texts = json(language).deig.editor;
    assert.deepEqual(Object.keys(texts).filter((key) => !used.has(key)), [], "nobody says this any more");
    assert.deepEqual([...used].filter((key) => !texts[key]), [], "not translated");
    for (const [key, text] of Object.entries(texts)) assert.deepEqual(holes(text), holes(key), key);
    if (language === "en") for (const [key, text] of Object.entries(texts)) assert.equal(text, key);
  });
}

test("a region of a language uses the language; unknown languages and texts stay English", () => {
  useLanguage({ de: json("de") }, "de-AT");
  assert.equal(t("Region {n}", { n: 3 }), "Bereich 3");
  assert.equal(t("something new"), "something new");
  useLanguage({ de: json("de") }, "pl");
  assert.equal(t("Region {n}", { n: 3 }), "Region 3");
});
