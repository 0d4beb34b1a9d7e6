"""Which descriptions are good for training, and why the others are not."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from research.captions import nouns, prompts, rules
from research.captions.rules import Reason, Words, reasons, tidied
from research.training.pictures import SIDES

ROOT = Path(__file__).resolve().parents[3]
WORDS = Words()
GOOD = [
    (
        "person",
        "a woman in a long red coat with large black buttons, grey trousers and white running shoes, walking ahead",
    ),
    (
        "person",
        "Two-tone helmeted skier in a bright yellow jacket and black trousers, knees bent and both poles held behind",
    ),
    ("dog", "a small brown and white terrier with a blue collar, standing on three legs, its ears folded back"),
    ("dining table", "a round wooden table with a glossy dark top, a single turned leg and scratches along its rim"),
    ("cup", "a tall ceramic mug with a thin gold rim, painted blue flowers and a chipped, slightly darker handle"),
    ("person", "a girl in a striped crop top and pale blue jeans with torn knees, her hair tied up high"),
    ("car", "an old café-green sedan with rusty chrome bumpers, round headlights and a white roof rack on top of it"),
    ("laptop", "an open silver laptop with a black keyboard, a worn sticker on its lid and a bright blue screen"),
    ("sheep", "three-legged-looking ewe with thick dirty cream wool, a black face and a yellow tag in one ear"),
]
BAD = [
    ("dog", "", {Reason.EMPTY}),
    ("dog", "UNSURE", {Reason.UNSURE}),
    ("dog", "Unsure.", {Reason.UNSURE}),
    ("dog", "a brown dog", {Reason.SHORT}),
    ("dog", "a dog " + " ".join(f"with{i}" for i in range(60)), {Reason.LONG}),
    ("dog", "一只棕色的狗戴着红色的项圈站在草地上", {Reason.LETTERS, Reason.SHORT, Reason.NOUN}),
    (
        "dog",
        "a dog with a wet brown coat and a коричневый collar around its thick and very short neck",
        {Reason.LETTERS},
    ),
    ("dog", "I can see a dog with a wet brown coat and a red collar around its thick short neck", {Reason.PREAMBLE}),
    ("dog", "Sorry, the dog has a wet brown coat and a red collar around its thick and short neck", {Reason.PREAMBLE}),
    ("dog", "- a brown dog with a long wet coat\n- a red collar around its neck and short legs", {Reason.LIST}),
    ("dog", "1. a brown dog with a long wet coat and a red collar around its short and thick neck", {Reason.LIST}),
    ("dog", "A brown dog sits. Its coat is wet. Its collar is red. It has short legs and a tail.", {Reason.SENTENCES}),
    ("dog", "a brown dog in the center of the image with a wet coat, a red collar and short legs", {Reason.VIEW}),
    ("dog", "a brown dog inside the red box with a wet coat, a red collar and short legs, sitting down", {Reason.VIEW}),
    ("dog", "a brown dog against a blurred background with a wet coat, a red collar and short legs", {Reason.VIEW}),
    ("dog", "a brown dog with its left paw lifted, a wet coat, a red collar and rather short legs", {Reason.SIDE}),
    ("dog", "a brown dog that appears to be a terrier, with a wet coat, a red collar and short legs", {Reason.GUESS}),
    ("dog", "a brown dog, likely old, with a wet and matted coat, a red collar and rather short legs", {Reason.GUESS}),
    ("dog", "a brown dog with a wet coat and no visible collar, short legs and a long, curly tail", {Reason.ABSENT}),
    ("dog", "a brown animal with a wet coat, a red collar, short legs and a long, curly, dark tail", {Reason.NOUN}),
    (
        "person",
        "a tall wooden ottoman with a specimen of rough grey fabric, brass nails and four carved legs",
        {Reason.NOUN},
    ),
    ("dog", "a brown dog with a red collar and a brown dog with a red collar and a long tail", {Reason.REPEATS}),
]


@pytest.mark.parametrize(("noun", "text"), GOOD, ids=[t[:30] for _, t in GOOD])
def test_good_descriptions(noun, text):
    assert tidied(text) == text and reasons(text, noun, WORDS) == []


@pytest.mark.parametrize(("noun", "text", "why"), BAD, ids=[t[:30] for _, t, _ in BAD])
def test_bad_descriptions(noun, text, why):
    assert set(reasons(tidied(text), noun, WORDS)) == why


def test_every_reason_has_a_bad_description_that_has_it_alone():
    alone = {next(iter(why)) for _, _, why in BAD if len(why) == 1}
    assert alone == set(Reason) - {Reason.CUT}
    noun, text = GOOD[0]
    assert reasons(text, noun, WORDS, cut=True) == [Reason.CUT]


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ('  "a brown dog." ', "a brown dog"),
        ("**a brown dog**", "a brown dog"),
        ("Description: a brown dog", "a brown dog"),
        ("Sure! Here is the description: a brown dog", "a brown dog"),
        ("Here's a description:\n\n“a brown dog”", "a brown dog"),
        ("The image shows a brown dog.", "a brown dog"),
        ("The first picture depicts a brown dog", "a brown dog"),
        ("This is a brown dog", "a brown dog"),
        ("a brown\n  dog", "a brown dog"),
        ("a brown dog...", "a brown dog..."),
        ("cafe\u0301", "café"),
    ],
)
def test_what_surrounds_a_phrase_is_taken_away(text, clean):
    assert tidied(text) == clean


@given(st.text(max_size=200))
def test_any_text_gets_a_verdict(text):
    clean = tidied(text)
    found = reasons(clean, "dog", WORDS)
    assert found == reasons(clean, "dog", WORDS) and (Reason.SIDE in found) == bool(
        clean and SIDES.search(clean) and Reason.UNSURE not in found
    )


def test_limits_are_met_at_their_ends():
    for count in (11, 12, 45, 46):
        text = "dog " + " ".join(f"w{i}" for i in range(count - 1))
        assert (set(reasons(text, "dog", WORDS)) & {Reason.SHORT, Reason.LONG} == set()) == (12 <= count <= 45)


def test_every_class_of_coco_is_named_by_its_own_words():
    assert len(nouns.SYNONYMS) == 80
    for noun, synonyms in nouns.SYNONYMS.items():
        for word in (noun, *synonyms.split()):
            assert nouns.names(noun, f"a red {word} with stripes") and nouns.names(noun, f"Some {word}s")
        assert not nouns.names(noun, "a red thing with stripes")


def test_a_class_that_is_not_cocos_is_named_by_its_last_word():
    assert nouns.names("garden gnome", "two gnomes in red") and not nouns.names("garden gnome", "a garden")


def test_a_model_is_told_what_was_wrong():
    question = prompts.describe("dog", WORDS)
    assert "one dog" in question and "20 to 30 words" in question
    text = prompts.again(question, "a dog", [Reason.SHORT, Reason.SIDE], WORDS)
    assert text.startswith(question) and "answer was: a dog" in text
    assert "because it has fewer than 12 words and it says left or right." in text
    assert set(rules.ASKED_AGAIN) == set(Reason) - {Reason.UNSURE}


def test_a_changed_rule_is_another_version(monkeypatch):
    before = rules.version()
    monkeypatch.setitem(nouns.SYNONYMS, "dog", "puppy")
    assert rules.version() != before
    monkeypatch.undo()
    changes = {"_GUESS": re.compile("perhaps"), "_LIST": re.compile(rules._LIST.pattern), "SENTENCES": 3, "RUN": 5}
    for name, value in {**changes, "LOGIC": rules.LOGIC + 1}.items():
        with monkeypatch.context() as one:
            one.setattr(rules, name, value)
            assert rules.version() != before, name
    monkeypatch.delitem(rules.ASKED_AGAIN, Reason.GUESS)
    assert rules.version() != before


def test_a_changed_prompt_is_another_version(monkeypatch):
    before = prompts.version()
    monkeypatch.setattr(prompts, "DESCRIBE", prompts.DESCRIBE + " Please.")
    assert prompts.version() != before


def test_the_example_of_the_documents_does_what_it_says(capsys):
    code = re.search(r"```python\n(.*?)```", (ROOT / "docs" / "captions.md").read_text(encoding="utf-8"), re.DOTALL)[1]
    names = {}
    exec(compile(code, "captions.md", "exec"), names)  # noqa: S102 (our own document)
    assert "20 to 30 words" in names["question"]
    assert capsys.readouterr().out.strip() == code.rpartition("# ")[2].strip()
