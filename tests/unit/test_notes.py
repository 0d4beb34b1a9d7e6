"""Which regions of a document will not be drawn as they were meant: what the editor's rows say too."""

import json
from pathlib import Path

import pytest
from at_once import at_once

from deig_core.layout.notes import region_notes
from deig_core.regions.document import SHARED as SHARED_BY_ALL
from deig_core.regions.document import parse

SHARED = json.loads((Path(__file__).parents[1] / "data" / "document.json").read_text(encoding="utf-8"))


def said(*regions, overlap=SHARED_BY_ALL):
    usual = {"box": [0.1, 0.1, 0.5, 0.5], "description": "a cat"}
    regions = [{**usual, **region} for region in regions]
    return region_notes(parse({"version": 2, "width": 512, "height": 512, "overlap": overlap, "regions": regions}))


SENTENCES = {
    "strength": "Region {} has strength 0",
    "text": "Region {} has no text",
    "tiny": "Region {} is narrower than one cell",
    "small": "Region {} is narrower than two cells",
    "outside": "Region {} is in the picture in no frame",
}


@pytest.mark.parametrize("case", SHARED["notes"], ids=lambda case: case["name"])
def test_as_the_editor(case):
    expected = [SENTENCES[word].format(number) for number, words in case["warned"].items() for word in words]
    expected += ["Regions {} and {} cover each other".format(*pair) for pair in case["same_place"]]
    found = said(*case["regions"], overlap=case.get("overlap", SHARED_BY_ALL))
    found = [sentence for sentence in found if "behind others" not in sentence]  # which takes pixels to know
    assert len(found) == len(expected), found
    for start in expected:
        assert any(sentence.startswith(start) for sentence in found)


def test_thousands_of_keys_take_no_time():
    """As many as a document can have, of two things that move together and one apart."""
    keys = [{"frame": f, "box": [f / 8192, 0.1, f / 8192 + 0.3, 0.5]} for f in range(4096)]
    apart = [{"frame": f, "box": [f / 8192, 0.6, f / 8192 + 0.3, 0.9]} for f in range(4096)]
    with at_once():
        assert said({"keyframes": keys}, {"keyframes": apart}) == []
