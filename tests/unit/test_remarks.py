"""What a document's regions are remarked upon: as the editor does in their rows, and what it does not see."""

import pytest

from deig_core.layout.remarks import remarks
from deig_core.regions.document import parse


def said(*regions):
    usual = {"box": [0.1, 0.1, 0.5, 0.5], "description": "a cat"}
    return remarks(parse({"version": 1, "width": 512, "height": 512, "regions": [{**usual, **r} for r in regions]}))


@pytest.mark.parametrize(
    ("region", "words"),
    [
        ({"description": " "}, "no text"),
        ({"strength": 0}, "strength 0"),
        ({"box": [0, 0, 1, 7 / 512]}, "one cell"),
        ({"box": [0, 0, 8 / 512, 1]}, "two cells"),
    ],
)
def test_what_hardly_shows_or_is_left_out(region, words):
    (sentence,) = said(region)
    assert sentence.startswith("Region 1 ") and words in sentence
    assert said({**region, "enabled": False}) == []


def test_usual_regions_are_not_remarked_upon():
    assert said({}, {"box": [0.5, 0.1, 0.9, 0.5]}, {"box": [0, 0, 1, 1]}, {"box": [0, 0, 16 / 512, 1]}) == []


def test_boxes_in_the_same_place_from_four_fifths_of_both_on():
    (sentence,) = said({}, {"box": [0.1, 0.12, 0.5, 0.5]}, {"box": [0.2, 0.2, 0.6, 0.6]})
    assert sentence.startswith("Regions 1 and 2 ")
    half = {"width": 2, "height": 1, "runs": [1, 1]}
    assert said({}, {"mask": half}) == [], "painted shapes may share a box"
