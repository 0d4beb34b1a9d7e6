"""What Python and the editor must agree on: the table that tests/web/shared.test.mjs reads too."""

import json
from pathlib import Path

import pytest

from deig_core.errors import RegionError
from deig_core.layout.masks import PIXELS_PER_LATENT, box_pixels
from deig_core.layout.notes import MOSTLY
from deig_core.limits import MAX_REGIONS
from deig_core.regions.colors import COLORS
from deig_core.regions.document import (
    MAX_SIDE,
    MIN_SIDE,
    OVERLAPS,
    VERSION,
    VERSION_WITH_MASKS,
    Region,
    RegionDocument,
    parse,
)
from deig_core.regions.painted import MAX_GRID
from deig_core.regions.reader import ORDERS, UNITS
from deig_core.regions.rules import BOXES_MODES
from deig_core.text.encoder import MAX_TOKENS

SHARED = json.loads((Path(__file__).parents[1] / "data" / "document.json").read_text(encoding="utf-8"))
WHOLE = {"box": [0, 0, 1, 1]}


def test_limits():
    assert (SHARED["version"], SHARED["version_with_masks"]) == (VERSION, VERSION_WITH_MASKS)
    assert SHARED["overlaps"] == list(OVERLAPS)
    assert SHARED["max_regions"] == MAX_REGIONS
    assert SHARED["max_tokens"] == MAX_TOKENS
    assert (SHARED["min_side"], SHARED["max_side"]) == (MIN_SIDE, MAX_SIDE)
    assert (SHARED["max_grid"], SHARED["mostly"]) == (MAX_GRID, MOSTLY)
    assert SHARED["pixels_per_latent"] == PIXELS_PER_LATENT
    assert RegionDocument(512, 512).to_dict() == SHARED["empty"] == parse(SHARED["empty"]).to_dict()


def test_choices_of_the_nodes():
    assert (list(ORDERS), list(UNITS)) == (SHARED["layouts"], SHARED["units"])
    assert list(BOXES_MODES) == SHARED["boxes_modes"]


def test_how_many_keys_how_late_how_far_and_how_strong():
    most, last, farthest, strongest = (SHARED["keys"][k] for k in ("most", "last_frame", "farthest", "strongest"))

    def read(name, keys):
        return getattr(parse({**SHARED["empty"], "regions": [{**WHOLE, name: keys}]}).regions[0], name)

    def boxes(count, frame=0, box=(-farthest, 0, farthest, 1)):
        return read("keyframes", [{"frame": frame + i, "box": list(box)} for i in range(count)])

    def strengths(count, strength):
        return read("strengths", [{"at": i / count, "strength": strength} for i in range(count)])

    assert boxes(1, last)[0].box == (-farthest, 0, farthest, 1) and strengths(1, strongest)[0].strength == strongest
    assert len(boxes(most)) == len(strengths(most, 1)) == most
    for broken in (
        lambda: boxes(most + 1),
        lambda: boxes(1, last + 1),
        lambda: boxes(1, box=(-farthest - 1, 0, 1, 1)),
        lambda: boxes(1, box=(0, 0, 1, farthest + 1)),
        lambda: strengths(most + 1, 1),
        lambda: strengths(1, strongest + 1),
    ):
        with pytest.raises(RegionError):
            broken()


def test_the_palette():
    assert list(COLORS) == SHARED["colors"]
    regions = parse({**SHARED["empty"], "regions": [WHOLE] * len(COLORS)}).regions
    assert [r.color for r in regions] == SHARED["colors"]


def test_what_a_region_is_where_it_does_not_say():
    (read,) = parse({**SHARED["empty"], "regions": [WHOLE]}).regions
    for region in (read, Region("r1", (0, 0, 1, 1))):
        assert {key: getattr(region, key) for key in SHARED["region"]} == SHARED["region"]
        assert (region.id, region.box, region.color) == ("r1", (0, 0, 1, 1), SHARED["colors"][0])


def test_one_region_more_than_there_can_be():
    full = [WHOLE] * SHARED["max_regions"]
    assert len(parse({**SHARED["empty"], "regions": full}).regions) == SHARED["max_regions"]
    with pytest.raises(RegionError, match="at most"):
        parse({**SHARED["empty"], "regions": [*full, WHOLE]})


@pytest.mark.parametrize("case", SHARED["pixels"], ids=lambda case: case["name"])
def test_pixels_of_a_box(case):
    found = box_pixels(tuple(case["box"]), *case["size"])
    assert (found and list(found)) == case["pixels"]


@pytest.mark.parametrize("case", SHARED["documents"], ids=lambda case: case["name"])
def test_what_is_a_document(case):
    for given in (case["source"], json.dumps(case["source"])):
        if case["accepted"]:
            parse(given)
        else:
            with pytest.raises(RegionError):
                parse(given)
