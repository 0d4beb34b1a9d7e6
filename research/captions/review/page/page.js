// One pair of crop and description at a time. Answers are kept in this browser at once, under the sample's hash, and
// saved as a file of JSON lines that `python -m research.captions review report` reads.
"use strict";

const REASONS = { c: "colour", p: "part", i: "invented", o: "wrong object", m: "mentions the picture", l: "language" };
const KEPT = `deig-review-${SAMPLE.hash}`;
const element = (id) => document.getElementById(id);
const places = new Map(SAMPLE.pairs.map((pair, place) => [pair.id, place]));

// Names and ids are people's own: on an object with a prototype, some of them would be the prototype's.
const table = (entries) => Object.assign(Object.create(null), entries);
// people: reviewer -> pair -> {answer, reasons, at}
const state = { name: "", people: {}, place: 0, ...JSON.parse(localStorage.getItem(KEPT) ?? "{}") };
state.people = table(state.people);

const mine = () => (state.name ? (state.people[state.name] ??= table()) : {});
const pair = () => SAMPLE.pairs[state.place];
const others = () => Object.entries(state.people).filter(([name]) => name !== state.name);

function keep() {
  localStorage.setItem(KEPT, JSON.stringify(state));
}

function say(text, bad = false) {
  element("say").textContent = text;
  element("say").classList.toggle("bad", bad);
}

function show() {
  const shown = pair();
  const given = mine()[shown.id];
  element("crop").src = shown.crop;
  element("whole").src = shown.whole;
  element("text").textContent = shown.text;
  element("noun").textContent = shown.noun;
  for (const button of document.querySelectorAll("[data-answer]")) {
    button.setAttribute("aria-pressed", String(given?.answer === button.dataset.answer));
  }
  element("reasons").classList.toggle("unused", given?.answer !== "wrong");
  for (const button of element("reasons").querySelectorAll("button")) {
    button.setAttribute("aria-pressed", String(Boolean(given?.reasons.includes(button.dataset.reason))));
  }
  const done = Object.keys(mine()).length;
  element("bar").max = SAMPLE.pairs.length;
  element("bar").value = done;
  element("count").textContent = `pair ${state.place + 1} of ${SAMPLE.pairs.length}, ${done} answered`;
  const said = others().filter(([, answers]) => answers[shown.id]);
  // What others say is shown once the own answer stands, so that it does not sway it.
  element("others").textContent = given ? said.map(([name, a]) => `${name}: ${a[shown.id].answer}`).join(", ") : "";
  element("differ").hidden = others().length === 0;
  zoom(null);
}

function go(place) {
  state.place = Math.min(Math.max(place, 0), SAMPLE.pairs.length - 1);
  keep();
  show();
}

function named() {
  if (state.name) return true;
  say("Write your name first: answers are kept and saved under it.", true);
  element("name").focus();
  return false;
}

function answer(value) {
  if (!named()) return;
  const before = mine()[pair().id];
  if (value === "wrong" && before?.answer === "wrong") return go(state.place + 1);
  mine()[pair().id] = { answer: value, reasons: [], at: new Date().toISOString() };
  keep();
  say(Object.keys(mine()).length === SAMPLE.pairs.length ? "All pairs are answered. Save, and send the file." : "");
  if (value === "wrong") show();
  else go(state.place + 1);
}

function toggle(reason) {
  const given = mine()[pair().id];
  if (given?.answer !== "wrong") return;
  const rest = given.reasons.filter((r) => r !== reason);
  given.reasons = rest.length === given.reasons.length ? [...given.reasons, reason] : rest;
  given.at = new Date().toISOString();
  keep();
  show();
}

function nextWhere(holds, none) {
  const count = SAMPLE.pairs.length;
  for (let step = 1; step <= count; step++) {
    const place = (state.place + step) % count;
    if (holds(SAMPLE.pairs[place].id)) return go(place);
  }
  say(none);
}

function nextOpen() {
  nextWhere((id) => !mine()[id], "All pairs are answered.");
}

function nextDifference() {
  const differs = (id) => mine()[id] && others().some(([, a]) => a[id] && a[id].answer !== mine()[id].answer);
  nextWhere(differs, "You agree wherever you both answered.");
}

function zoom(figure) {
  const was = figure?.classList.contains("zoomed");
  for (const each of document.querySelectorAll("figure")) {
    each.classList.toggle("zoomed", !was && each === figure);
    each.classList.toggle("hidden", Boolean(figure) && !was && each !== figure);
  }
}

function save() {
  if (!named()) return;
  const lines = SAMPLE.pairs.filter(({ id }) => mine()[id]).map(({ id }) =>
    JSON.stringify({ sample: SAMPLE.hash, reviewer: state.name, pair: id, ...mine()[id] }));
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([lines.join("\n") + "\n"], { type: "application/jsonl" }));
  link.download = `answers-${state.name.replace(/[^\p{L}\p{N}_-]+/gu, "-")}.jsonl`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  say(`${lines.length} answers are in ${link.download}.`);
}

// Merges a file of one's own, from another browser, or somebody else's. The later answer on a pair stays.
async function load(file) {
  const found = [];
  for (const line of (await file.text()).split("\n").filter((l) => l.trim())) {
    let data;
    try {
      data = JSON.parse(line);
    } catch {
      return say(`${file.name} is no file of answers.`, true);
    }
    if (data?.sample !== SAMPLE.hash) {
      return say(`${file.name} answers another sample; nothing is taken from it.`, true);
    }
    const known = places.has(data.pair) && ["right", "wrong", "unknown"].includes(data.answer);
    const signed = typeof data.reviewer === "string" && data.reviewer && typeof data.at === "string";
    if (!known || !signed || !Array.isArray(data.reasons)) {
      return say(`${file.name} has a line that is no answer of this page; nothing is taken from it.`, true);
    }
    found.push(data);
  }
  const names = new Set();
  for (const { reviewer, pair: id, answer: given, reasons, at } of found) {
    const theirs = (state.people[reviewer] ??= table());
    if (!theirs[id] || theirs[id].at <= at) theirs[id] = { answer: given, reasons, at };
    names.add(reviewer);
  }
  keep();
  show();
  say(`${found.length} answers of ${[...names].join(", ") || "nobody"} are here.`);
}

for (const [key, reason] of Object.entries(REASONS)) {
  const button = document.createElement("button");
  const hint = document.createElement("kbd");
  hint.textContent = key.toUpperCase();
  button.append(`${reason} `, hint);
  button.dataset.reason = reason;
  button.addEventListener("click", () => toggle(reason));
  element("reasons").append(button);
}
for (const button of document.querySelectorAll("[data-answer]")) {
  button.addEventListener("click", () => answer(button.dataset.answer));
}
for (const figure of document.querySelectorAll("figure")) figure.addEventListener("click", () => zoom(figure));
const ACTIONS = {
  back: () => go(state.place - 1),
  next: () => go(state.place + 1),
  open: nextOpen,
  differ: nextDifference,
  save,
};
for (const [id, act] of Object.entries(ACTIONS)) element(id).addEventListener("click", act);
element("load").addEventListener("change", async (event) => {
  for (const file of event.target.files) await load(file);
  event.target.value = "";
});
element("name").value = state.name;
element("name").addEventListener("change", () => {
  state.name = element("name").value.trim();
  keep();
  say("");
  show();
});
const KEYS = {
  1: () => answer("right"), 2: () => answer("wrong"), 3: () => answer("unknown"), Enter: () => go(state.place + 1),
  ArrowLeft: ACTIONS.back, ArrowRight: ACTIONS.next, n: nextOpen, d: nextDifference, s: save,
  z: () => zoom(document.querySelector("figure.zoomed") ?? document.querySelector("figure")),
};
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target === element("name")) {
    if (event.key === "Enter") element("name").blur();
    return;
  }
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const act = KEYS[key] ?? (REASONS[key] && (() => toggle(REASONS[key])));
  if (!act) return;
  event.preventDefault();
  act();
});
show();
if (!state.name) element("name").focus();
