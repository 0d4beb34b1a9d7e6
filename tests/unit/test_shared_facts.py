"""What Python and the editor must agree on: the table that tests/web/shared.test.mjs reads too."""

import json
from pathlib import Path

import pytest

from deig_core.errors import RegionError
from deig_core.layout.masks import PIXELS_PER_LATENT, box_pixels
from deig_core.layout.notes import MOSTLY
from deig_core.limits import MAX_REGIONS
from deig_core.regions.document import COLORS, MAX_SIDE, MIN_SIDE, VERSION, Region, RegionDocument, parse
from deig_core.regions.painted import MAX_GRID
from deig_core.text.encoder import MAX_TOKENS

SHARED = json.loads((Path(__file__).parents[1] / "data" / "document.json").read_text(encoding="utf-8"))
WHOLE = {"box": [0, 0, 1, 1]}


def test_limits():
    assert SHARED["version"] == VERSION
    assert SHARED["max_regions"] == MAX_REGIONS
    assert SHARED["max_tokens"] == MAX_TOKENS
    assert (SHARED["min_side"], SHARED["max_side"]) == (MIN_SIDE, MAX_SIDE)
    assert (SHARED["max_grid"], SHARED["mostly"]) == (MAX_GRID, MOSTLY)
    assert SHARED["pixels_per_latent"] == PIXELS_PER_LATENT
    assert RegionDocument(512, 512).to_dict() == SHARED["empty"] == parse(SHARED["empty"]).to_dict()


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
