"""The region document: what is accepted comes back unchanged, what is not is one sentence that names it."""

import json
import math

import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st

from deig_core.errors import RegionError
from deig_core.limits import MAX_REGIONS
from deig_core.regions.document import Region, parse
from deig_core.regions.painted import mask_bounds

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=8,
)
HUGE = 10**400  # an integer that JSON can say and a float cannot hold
KNOWN = {
    "id",
    "box",
    "description",
    "negative",
    "strength",
    "enabled",
    "locked",
    "color",
    "version",
    "width",
    "height",
    "regions",
}
extras = st.dictionaries(st.text(max_size=6).filter(lambda k: k not in KNOWN), json_values, max_size=3)


@st.composite
def intervals(draw):
    low, high = sorted((draw(st.floats(0, 1)), draw(st.floats(0, 1))))
    return (low, high) if low < high else (0.25, 0.5)


@st.composite
def regions(draw):
    (x0, x1), (y0, y1) = draw(intervals()), draw(intervals())
    return {
        **draw(extras),
        "id": draw(st.text(max_size=5)),
        "box": [x0, y0, x1, y1],
        "description": draw(st.text(max_size=30)),
        "negative": draw(st.text(max_size=10)),
        "strength": draw(st.floats(0, 1e6)),
        "color": draw(st.text(max_size=8)),
        "enabled": draw(st.booleans()),
        "locked": draw(st.booleans()),
    }


documents = st.builds(
    lambda extra, width, height, entries: {**extra, "version": 1, "width": width, "height": height, "regions": entries},
    extras,
    st.integers(8, 16384),
    st.integers(8, 16384),
    st.lists(regions(), max_size=4),
)


def document(*entries, **changes):
    return {"version": 1, "width": 768, "height": 512, "regions": list(entries), **changes}


def region(**changes):
    return {"id": "r1", "box": [0.1, 0.2, 0.5, 0.9], "description": "a cat", **changes}


@settings(max_examples=80)
@given(documents)
def test_a_document_survives_the_round_trip_with_its_unknown_keys(source):
    assert parse(source).to_dict() == source
    assert json.loads(parse(json.dumps(source)).to_json()) == source


def test_unicode_stays_readable():
    assert "女人 \U0001f9e5 é" in parse(document(region(description="女人 \U0001f9e5 é"))).to_json()


def test_defaults_of_a_region():
    first, second = parse(document({"box": [0, 0, 1, 1]}, {"box": [0, 0, 1, 1]})).regions
    assert (first.description, first.negative, first.strength, first.enabled, first.locked) == (
        "",
        "",
        1.0,
        True,
        False,
    )
    assert (first.id, second.id) == ("r1", "r2") and first.color != second.color


@pytest.mark.parametrize(
    "number",
    [
        math.nan,
        math.inf,
        -math.inf,
        True,
        False,
        "0.5",
        None,
        [0.5],
        pytest.param(HUGE, id="huge"),
        pytest.param(-HUGE, id="-huge"),
    ],
)
@pytest.mark.parametrize("key", ["box", "strength"])
def test_numbers_that_are_none_are_named(number, key):
    bad = region(box=[0.1, number, 0.5, 0.9]) if key == "box" else region(strength=number)
    refused(document(region(), bad), "Region 2", f'"{key}"')


def refused(source, *named):
    """`source`, and the same thing as text where JSON can say it, is refused in one sentence with `named` in it."""
    for form in (source, json.dumps(source) if isinstance(source, dict) else source):
        with pytest.raises(RegionError) as caught:
            parse(form)
        said = str(caught.value)
        assert all(n in said for n in named), said
        assert "\n" not in said and len(said) < 250 and said.endswith("."), said


@pytest.mark.parametrize(
    ("bad", "named"),
    [
        (region(box=[0.8, 0.2, 0.4, 0.9]), ("Region 1: box [0.8, 0.2, 0.4, 0.9] has x1 <= x0.",)),
        (region(box=[0.8, 0.2, 0.8, 0.9]), ("Region 1", "x1 <= x0")),
        (region(box=[0.1, 0.9, 0.4, 0.2]), ("Region 1", "y1 <= y0")),
        (region(box=[1.2, 0, 1.4, 1]), ("Region 1", "box", "outside the image")),
        (region(box=[0, -2, 1, -1]), ("Region 1", "box", "outside the image")),
        (region(box=[0.1, 0.2, 0.3]), ("Region 1", '"box"', "four numbers")),
        (region(box={"x": 1}), ("Region 1", '"box"')),
        (region(box="0 0 1 1"), ("Region 1", '"box"')),
        ({"id": "r1"}, ("Region 1", '"box"')),
        (region(strength=-0.5), ("Region 1", '"strength"', "-0.5")),
        (region(description=None), ("Region 1", '"description"', "nothing")),
        (region(description=["a"]), ("Region 1", '"description"')),
        (region(negative=3), ("Region 1", '"negative"')),
        (region(enabled=1), ("Region 1", '"enabled"')),
        (region(locked="no"), ("Region 1", '"locked"')),
        (region(color=0xE6194B), ("Region 1", '"color"')),
        (region(id=1), ("Region 1", '"id"')),
        ("a cat", ("Region 1", "text")),
        (None, ("Region 1", "nothing")),
        # Half of a surrogate pair: a browser that cuts an emoji in two sends this, and no tokenizer reads it.
        (region(description="\ud83d"), ("Region 1", '"description"')),
        (region(note=math.nan), ("Region 1", '"note"')),
        (region(note={"deep": [math.inf]}), ("Region 1", '"note"')),
    ],
)
def test_a_region_that_cannot_be_used_is_named(bad, named):
    refused(document(bad), *named)


@pytest.mark.parametrize(
    ("bad", "named"),
    [
        (document(version=3), ("version 3",)),
        (document(version="1"), ("version '1'",)),
        (document(version=True), ("version True",)),
        (document(version=None), ("version nothing",)),
        ({"width": 512, "height": 512, "regions": []}, ("version nothing",)),
        (document(width=0), ('"width"',)),
        (document(width=512.5), ('"width"', "512.5")),
        (document(height=-512), ('"height"',)),
        (document(height=True), ('"height"',)),
        (document(width=HUGE), ('"width"',)),
        (document(height=16385), ('"height"', "16384")),
        ({"version": 1, "height": 512, "regions": []}, ('"width"', "nothing")),
        ({"version": 1, "width": 512, "height": 512}, ('"regions"', "nothing")),
        (document(regions={"0": region()}), ('"regions"', "an object")),
        (document(regions="[]"), ('"regions"', "text")),
        (document(*[region()] * 65), ("65 regions", "64", "remove 1")),
        (document(note=math.nan), ('"note"',)),
    ],
)
def test_a_document_that_cannot_be_used_says_why(bad, named):
    refused(bad, *named)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "regions",
        "{",
        '{"version": 1,}',
        "[1",
        "\ufeff{}",
        pytest.param('{"version": ' + "1" * 5000 + "}", id="digits"),
    ],
)
def test_what_is_no_json_is_said_to_be_none(text):
    refused(text, "JSON")


@pytest.mark.parametrize("value", [None, 1, True, [], ["version"], b"{}", "null", "[]", "1", '"text"'])
def test_what_is_no_object_is_named(value):
    refused(value, "JSON object")


@pytest.mark.parametrize("depth", [200, 900, 2000, 100_000])
@pytest.mark.parametrize(
    "where",
    [
        '{"version": 1, "width": 512, "height": 512, "regions": [%s]}',
        '{"version": %s}',
        "%s",
        '{"version": 1, "width": %s}',
        '{"version": 1, "width": 512, "height": 512, "regions": [{"box": %s}]}',
    ],
)
def test_deep_nesting_is_refused(depth, where):
    refused(where % ("[" * depth + "]" * depth))


@pytest.mark.parametrize("key", ["version", "width", "regions"])
def test_decoded_values_that_cannot_be_shown_are_refused_too(key):
    deep = []
    for _ in range(5000):
        deep = [deep]
    for value in (deep, [deep], 10**5000, -(10**5000)):
        with pytest.raises(RegionError):
            parse(document(**{key: value}))


@pytest.mark.parametrize("depth", [50, 500, 900, 2000])
def test_a_deep_unknown_key_survives_or_is_refused_whole(depth):
    text = json.dumps(document(region(note="deep"))).replace('"deep"', "[" * depth + "]" * depth)
    try:
        parsed = parse(text)
    except RegionError as error:
        assert "nested" in str(error)
    else:
        assert json.loads(parsed.to_json()) == parse(text).to_dict()


def test_64_regions_are_possible():
    assert len(parse(document(*[region()] * 64)).regions) == MAX_REGIONS


def test_a_box_that_is_cut_at_the_edge_is_said_and_named():
    found = parse(document(region(), region(box=[-0.5, 0.25, 1.5, 1])))
    assert found.regions[1].box == (0.0, 0.25, 1.0, 1.0)
    (note,) = found.notes
    assert note.startswith("Region 2: box [-0.5, 0.25, 1.5, 1] ") and "cut" in note
    assert parse(found.to_json()).notes == parse(document(region(box=[0, 0, 1, 1]))).notes == ()


def test_visible_means_enabled_and_of_some_strength():
    found = parse(document(region(), region(enabled=False), region(strength=0))).regions
    assert [r.visible for r in found] == [True, False, False]


def test_a_mask_brings_its_bounding_box():
    mask = torch.zeros(10, 20, dtype=torch.bool)
    mask[3:5, 7] = mask[8, 12] = True
    assert mask_bounds(mask) == (7 / 20, 3 / 10, 13 / 20, 9 / 10)
    assert Region("r", (0, 0, 1, 1)).with_mask(mask).box == mask_bounds(mask)
    with pytest.raises(RegionError, match="Region r2: its mask is empty"):
        Region("r2", (0, 0, 1, 1)).with_mask(mask & False)


anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from([HUGE, -1, 0, 1, 0.5]),
    lambda inner: (
        st.lists(inner, max_size=5)
        | st.dictionaries(st.sampled_from(sorted(KNOWN)) | st.text(max_size=3), inner, max_size=6)
    ),
    max_leaves=20,
)


@settings(max_examples=150)
@given(anything, st.lists(st.dictionaries(st.sampled_from(sorted(KNOWN)), anything) | anything, max_size=3), anything)
@example(None, [region(strength=HUGE)], 512)
def test_whatever_json_holds_only_region_errors_come_out(whole, entries, side):
    for source in (whole, document(*entries), document(region(), width=side), document(*entries, height=side)):
        try:
            parsed = parse(source)
        except RegionError as error:
            assert "\n" not in str(error)
        else:
            assert parse(parsed.to_json()).to_dict() == parsed.to_dict()
