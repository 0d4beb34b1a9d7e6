"""Values of any depth, width and count end in regions or in one sentence, at once."""

import json

import pytest
from at_once import at_once
from hypothesis import given, settings
from hypothesis import strategies as st

from deig_core.errors import RegionError
from deig_core.regions.reader import read


def outcome(source):
    """The reading of `source`, or the one sentence with which it is refused, in time."""
    with at_once():
        try:
            result = read(source, 800, 500)
        except RegionError as error:
            result = str(error)
            assert "\n" not in result
    return result


def refused(source):
    result = outcome(source)
    assert isinstance(result, str), f"was read: {result.sentences}"
    return result


@pytest.mark.parametrize(
    "text",
    [
        "bbox: &a [*a]",
        "- &a\n  label: a dog\n  bbox: [1, 2, 30, 40]\n- *a",
        "bbox: [1, 2, 3, 4]\nlabel: &l a dog\nname: *l",
        "box: 1\n" + "a0: &a0 [1, 2]\n" + "".join(f"a{i}: &a{i} [{f'*a{i - 1}, ' * 9}]\n" for i in range(1, 30)),
        "bbox: [1, 2, 30, 40]\n<<: &b {label: x}",
    ],
    ids=["cyclic", "an entry again", "a text again", "billions", "an anchor alone"],
)
def test_yaml_with_anchors_and_aliases_is_refused(text):
    assert "anchors" in refused(text)


@pytest.mark.parametrize("levels", [45, 320, 900, 5000])
@pytest.mark.parametrize(
    ("before", "inner", "after"),
    [
        ("[", "1,2,3,4", "]"),
        ('{"boxes":', "[1,2,3,4]", "}"),
        ('[{"objects":', "[]", "}]"),
        ("[", '"a dog"', ",1]"),
        ('{"polygon":', "[1,2,3,4]", "}"),
    ],
)
def test_values_nested_deeply_are_refused(levels, before, inner, after):
    text = before * levels + inner + after * levels
    assert "levels deep" in refused(text) or levels > 900
    for source in (json.dumps([text]), "Here they are: " + text, [json.dumps({"label": "a", "box": text})], [text]):
        outcome(source)


def test_texts_inside_texts_end():
    text = "[" * 30 + "[1,2,3,4]" + "]" * 30
    for _ in range(12):
        text = "[" * 30 + json.dumps(text) + "]" * 30
    refused(text)


@pytest.mark.parametrize(
    "text",
    [
        '<a objects="x"><object/></a>',
        '<a objects="x"><box xtl="1" ytl="2" xbr="30" ybr="40"/></a>',
        "<a><objects>x</objects><object/></a>",
        "<a><object/><objects>x</objects><object/></a>",
        '<a images="1"><image/></a>',
        '<a tracks=""><track/><tracks/><track/></a>',
        '<a text="1">x<text/>y</a>',
        '<polygon points="1,2;;3"><points/></polygon>',
        "<a/>",
        '<a a="1"><a/><a/></a>',
    ],
)
def test_xml_whose_attributes_are_called_as_its_children(text):
    outcome(text)


def test_xml_with_half_a_character_is_refused():
    assert "half a character" in refused("<objects>\ud83d</objects>")


NAMES = st.sampled_from(["a", "object", "objects", "box", "image", "images", "track", "polygon", "points", "text"])
XML = st.recursive(
    st.sampled_from(["", "x", "1,2,3,4", "10"]),
    lambda inner: st.builds(
        lambda name, attributes, parts: (
            f"<{name} " + " ".join(f'{k}="{v}"' for k, v in attributes.items()) + f">{''.join(parts)}</{name}>"
        ),
        NAMES,
        st.dictionaries(NAMES, st.sampled_from(["", "x", "1,2;3,4", "10"]), max_size=3),
        st.lists(inner, max_size=4),
    ),
    max_leaves=12,
)


@settings(max_examples=60)
@given(XML.map(lambda inner: f"<objects>{inner}</objects>"))
def test_any_small_xml_is_read_or_refused(text):
    outcome(text)


BOX = [1, 2, 30, 40]
NAMED = {"x": 1, "y": 2, "width": 30, "height": 40}
LARGE = {
    "keys": {f"k{i}": i for i in range(100_000)},
    "keys in a list": {"objects": [{f"k{i}": i for i in range(100_000)}]},
    "keys with mappings": {f"k{i}": {} for i in range(40_000)},
    "names with boxes": {f"dog {i}": BOX for i in range(50_000)},
    "small mappings": [{"a": 1}] * 40_000,
    "wide mappings": [{f"k{j}": j for j in range(100)}] * 3000,
    "empty mappings": [{}] * 300_000,
    "texts": ["a dog 1,2,30,40"] * 100_000,
    "boxes": [BOX] * 90_000,
    "boxes under a key": {"box": [NAMED] * 30_000},
    "columns": {"boxes": [BOX] * 80_000, "labels": ["x"] * 80_000},
    "columns of numbers": {k: list(range(50_000)) for k in ("xmin", "ymin", "xmax", "ymax")},
    "frames": [{"boxes": [BOX]}] * 20_000,
    "COCO": {"images": [{"id": 1}], "annotations": [{"image_id": 1, "bbox": BOX, "category_id": 1}] * 20_000},
}
LONG = {
    "XML's siblings": "<a>" + "<b/>" * 90_000 + "</a>",
    "XML's objects": "<a>" + "<object/>" * 90_000 + "</a>",
    "XML's attributes": "<a " + " ".join(f'a{i}="1"' for i in range(50_000)) + "/>",
    "YAML's entries": "- bbox: [1, 2, 30, 40]\n" * 850,
    "a wide table": "xmin,ymin,xmax,ymax," + "a," * 400 + "\n" + ("1,2,30,40," + "1," * 400 + "\n") * 1998,
    "values one after another": '{"box": [1, 2, 30, 40]}\n' * 100_000,
    "JSON without its end": "[" + '{"box": [1, 2, 30, 40]}, ' * 80_000,
    "texts of texts": json.dumps([json.dumps([json.dumps([json.dumps(BOX)] * 20)] * 20)] * 20),
}


@pytest.mark.parametrize("name", [*LARGE, *LONG])
def test_more_than_a_picture_has_is_refused_at_once(name):
    refused(LONG.get(name) or json.dumps(LARGE[name]))


def test_values_of_other_nodes_are_bounded_too():
    for name in ("keys", "small mappings", "frames"):
        refused(LARGE[name])


def test_a_wide_mapping_beside_a_box_is_read():
    source = [{"box": [8, 10, 80, 100], "label": "a dog", **{f"note {i}": "x" for i in range(1000)}}]
    (region,) = outcome(source).document.regions
    assert region.description == "a dog" and region.box == pytest.approx((0.01, 0.02, 0.1, 0.2))
