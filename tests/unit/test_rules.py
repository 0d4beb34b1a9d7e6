"""Which regions count, the joined prompt, the negatives, masks given to regions: what a library user gets too."""

import logging

import pytest
import torch
from at_once import at_once
from hypothesis import given
from hypothesis import strategies as st

from deig_core.errors import RegionError
from deig_core.layout.notes import region_notes
from deig_core.regions.document import Region, RegionDocument
from deig_core.regions.rules import (
    BOXES_MODES,
    NO_TEXT,
    counting,
    joined_prompt,
    prompt_before,
    with_incoming,
    with_masks,
)
from deig_core.text.features import TextFeatures
from deig_core.text.grounded import ground_texts
from deig_core.text.tokens import Tokens, look, marks

BOX = (0.0, 0.0, 0.5, 0.5)
REGIONS = st.builds(
    Region,
    id=st.just("r"),
    box=st.just(BOX),
    description=st.sampled_from(["", " ", "a tree", " a red cube "]),
    negative=st.sampled_from(["", " ", "leaves"]),
    strength=st.sampled_from([0.0, 0.5, 1.0]),
    enabled=st.booleans(),
)


def encoded(texts):
    """Features that say which text they are of."""
    return [TextFeatures(torch.zeros(1, 4), text) for text in texts]


@given(regions=st.lists(REGIONS, max_size=8), prompt=st.sampled_from(["", " ", "a street"]))
def test_both_sides_say_what_the_document_asks_for(regions, prompt):
    said = ground_texts(RegionDocument(512, 512, tuple(regions)), prompt, "blurry", encoded)
    seen = [i for i, r in enumerate(regions) if r.enabled and r.strength > 0 and r.description.strip()]
    opposed = [i for i in seen if regions[i].negative.strip()]
    assert said.positive.layout.indices == tuple(seen) and said.negative.layout.indices == tuple(opposed)
    assert [f.key for f in said.positive.descriptions] == [regions[i].description.strip() for i in seen]
    assert [f.key for f in said.negative.descriptions] == [regions[i].negative.strip() for i in opposed]
    assert said.positive.layout.regions == tuple(regions[i] for i in seen)
    joined = ", ".join(regions[i].description.strip() for i in seen)
    assert said.positive.prompt.key == (prompt.strip() or joined)
    assert (said.negative.prompt.key, said.nothing.prompt.key) == ("blurry", "")
    assert said.nothing.layout.regions == ()


def test_a_region_without_description_is_left_out_and_named_in_one_sentence(caplog):
    document = RegionDocument(8, 8, (Region("a", BOX), Region("b", BOX, "a tree"), Region("c", BOX, enabled=False)))
    with caplog.at_level(logging.INFO, "deig"):
        assert counting(document) == (1,)
        assert ground_texts(document, "", "", encoded).notes == (NO_TEXT.format(1),)
    assert not caplog.records and NO_TEXT.format(1) in region_notes(document)


def test_the_joined_prompt_is_the_papers():
    assert joined_prompt([Region("a", BOX, " a dog "), Region("b", BOX, "a cat")]) == "a dog, a cat"


def test_a_prompt_stands_before_the_descriptions_that_count():
    document = RegionDocument(8, 8, (Region("a", BOX, " a dog "), Region("b", BOX), Region("c", BOX, "a cat")))
    assert [prompt_before(p, document) for p in (" oil ", " ")] == ["oil, a dog, a cat", ""]


def test_boxes_that_come_in_count_beside_drawn_ones_as_the_mode_says():
    drawn, empty = RegionDocument(8, 8, (Region("r1", BOX, "a dog"),)), RegionDocument(8, 8)
    new = RegionDocument(8, 8, (Region("r1", BOX, "a cat"), Region("x", BOX, "a hat")), overlap="front")
    for mode in BOXES_MODES:
        assert with_incoming(drawn, None, mode) is drawn
        assert with_incoming(empty, new, mode).regions[0].description == "a cat"
    assert with_incoming(drawn, new, "when empty") is drawn
    assert with_incoming(drawn, new, "always").regions == new.regions
    added = with_incoming(drawn, new, "add")
    assert [r.id for r in added.regions] == ["r1", "r2", "r3"] and added.overlap == "front"
    with pytest.raises(RegionError, match="65 regions"):
        with_incoming(drawn, RegionDocument(8, 8, new.regions * 32), "add")
    with pytest.raises(RegionError, match="must be one of when empty"):
        with_incoming(drawn, new, "never")


def test_masks_given_to_regions():
    document = RegionDocument(8, 8, (Region("a", BOX, "a tree"), Region("b", BOX, "a dog"), Region("c", BOX, "a cat")))
    masks = torch.zeros(2, 4, 4)
    masks[0, 2:, :2] = 0.5
    masks[1, 0, 3] = 1
    given_ = with_masks(document, masks >= 0.5, ["", "a bird"])
    assert [r.description for r in given_.regions] == ["a tree", "a bird", "a cat"]
    assert [r.box for r in given_.regions] == [(0, 0.5, 0.5, 1), (0.75, 0, 1, 0.25), BOX]
    assert given_.regions[2].mask is None and torch.equal(given_.regions[0].mask, masks[0] >= 0.5)
    with pytest.raises(RegionError, match=r"4 masks for 3 regions.*\.$"):
        with_masks(document, torch.ones(4, 2, 2))


def test_a_text_that_is_not_read_as_it_was_meant_is_named_and_a_default_is_not():
    def looked(text):
        return Tokens(200 if "long" in text else 5, kept=4)

    regions = (Region("r1", (0, 0, 1, 1), "long one"), Region("r2", (0, 0, 1, 1), "b", negative="long c"))
    document = RegionDocument(512, 512, (*regions, Region("r3", (0, 0, 1, 1))))
    said = ground_texts(document, "", "a long default", encoded, looked, unwritten={"a long default"}).notes
    assert [s.split(" has ")[0] for s in said] == [
        *("Region 3", "Region 1", "The negative text of region 2", "The joined prompt of 2 descriptions")
    ]
    said = ground_texts(document, "a long prompt", "a long default", encoded, looked).notes
    assert [s.split(" has ")[0] for s in said][-2:] == ["The prompt", "The negative prompt"]


def test_half_a_character_in_a_prompt_is_named():
    with pytest.raises(RegionError, match=r'DEIG Encode: "prompt" holds half a character'):
        ground_texts(RegionDocument(64, 64), "a \ud83d", "", encoded, asker="DEIG Encode")


def test_marks_of_clip_prompts_are_said():
    text = "a (blue:1.3) star ((big)) <lora:x:0.8> embedding:bad BREAK [a:b:0.5]"
    assert [mark for mark, _ in marks(text)] == [
        *("(blue:1.3)", "((big))", "<lora:x:0.8>", "embedding:bad", "BREAK", "[a:b:0.5]")
    ]
    assert not marks("a sign (old): it says <open>, breakfast: 8.30")


@pytest.mark.parametrize("mark", ["(tokens and:1.2)", "<lora:tokens and:1>", "(it is cut after:0.5)", "BREAK"])
def test_a_joined_prompt_is_too_long_whatever_its_words_are(mark):
    regions = tuple(Region(f"r{i}", BOX, f"{mark} " + "dog " * 60) for i in range(3))
    notes = ground_texts(RegionDocument(64, 64, regions), "", "", encoded, lambda t: Tokens(len(t.split()) + 1)).notes
    (joined,) = [n for n in notes if n.startswith("The joined prompt")]
    assert "of 3 descriptions has" in joined and joined.endswith("to have all of it.")


def test_a_text_of_known_and_unknown_tokens_in_turn_is_looked_at_at_once():
    """A minute where it is looked through once for each token."""
    ids, places = [2, 7] * 100_000, [(i, i + 1) for i in range(200_000)]
    with at_once():
        found = look("a" * 200_000, lambda _: (ids, places), 2)
    assert found.unknown == 100_000
