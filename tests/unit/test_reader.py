"""One reader of foreign boxes: every form of its table, and the rules where forms or numbers are in doubt."""

import copy
import json
from collections import namedtuple
from pathlib import Path

import numpy as np
import pytest
import torch
from at_once import at_once
from hypothesis import given, settings
from hypothesis import strategies as st

from deig_core.errors import RegionError
from deig_core.regions.from_boxes import read_boxes
from deig_core.regions.reader import DIALECTS, ByHand, read
from deig_core.regions.reader.examples import BOX, EXAMPLES, HEIGHT, TEXT, WIDTH
from deig_core.regions.reader.said import Said, parts

ROOT = Path(__file__).parents[2]
OTHER_TEXTS = ("a-red-hoodie", "Car")
"""Of the examples whose form has no room for TEXT."""
PIXELS = (80, 100, 480, 450)
ALL = [(name, example) for name, examples in EXAMPLES.items() for example in examples]


def boxes(source, width=WIDTH, height=HEIGHT, **options):
    return [(r.description, r.box) for r in read(source, width, height, ByHand(**options)).document.regions]


def test_the_table_and_its_examples_name_the_same_forms():
    assert [d.name for d in DIALECTS] == list(EXAMPLES)


@pytest.mark.parametrize(("name", "example"), ALL, ids=lambda v: v if isinstance(v, str) and v in EXAMPLES else None)
@pytest.mark.parametrize("as_text", [False, True], ids=["value", "text"])
def test_every_form(name, example, as_text):
    reading = read(json.dumps(example) if as_text and not isinstance(example, str) else example, WIDTH, HEIGHT)
    (region,) = reading.document.regions
    assert region.box == pytest.approx(BOX, abs=1e-3)
    said = json.dumps(example, ensure_ascii=False)
    assert region.description == next((text for text in (TEXT, *OTHER_TEXTS) if text in said), "")
    assert reading.summary.startswith(f"Read as {name}, ")


def templates(sentence):
    template, values = sentence
    yield template
    for value in values.values():
        if isinstance(value, list):
            yield from templates(value)


def english(sentence):
    template, values = sentence
    return template.format(**{k: english(v) if isinstance(v, list) else v for k, v in values.items()})


ODD_BOXES = [
    *([[0, 0, 400, 400], [700, 400, 900, 600]], [[1, 1, 3, 3]], ["a sky"], [], {"boxes": []}),
    *([[80, 100, 400, 350], [300, 100, 200, 50]], [[80, 100, 20, 350], [300, 100, 200, 50], [10, 10, 5, 5]]),
    *(
        [{"x": 1, "y": 2, "w": 0, "h": 9}, [0, 0, 1, 1]],
        ["a dog [80, 100, 480, 450]"],
        [[[1, 2, 3, 4]], [[1, 2, 3, 4]]],
    ),
    *([[0, 0, 1, 1], [2, 2, 3, 3], [0.5, 0.5, 0.2, 0.2]], {"version": 1, "width": 8, "height": 8, "regions": []}),
]


def test_what_is_said_can_be_said_in_the_pages_language():
    """Its templates are among the page's texts; their translations are tests/web/locales.test.mjs's."""
    texts = json.loads((ROOT / "locales" / "en" / "main.json").read_text(encoding="utf-8"))["deig"]["editor"]
    foreign = set()
    for source in [*(example for _, example in ALL), *ODD_BOXES]:
        for order, units in (("auto", "auto"), ("xywh", "percent"), ("xyxy", "0..1000")):
            try:
                reading = read(source, WIDTH, HEIGHT, ByHand(order=order, units=units))
            except RegionError:
                continue
            assert [english(sentence) for sentence in reading.said] == list(reading.sentences)
            foreign |= {t for sentence in reading.said for t in templates(sentence) if t not in texts and "{" in t}
    assert foreign == set()


def test_a_sentence_is_copied_with_what_it_was_made_of():
    said = Said("{name}: {what}.", name=Said("Region {n}", n=2), what="a brace { in a text")
    copied = copy.deepcopy(said)
    assert copied == "Region 2: a brace { in a text." and parts(copied) == parts(said)


def test_forms_that_divide_the_picture_otherwise():
    assert boxes("<phrase>a cat</phrase><object><patch_index_0000><patch_index_0495></object>") == [
        ("a cat", (0, 0, 0.5, 0.5))
    ]
    assert boxes("a sky ADDROW a tree ADDCOL a house") == [
        ("a sky", (0, 0, 1, 0.5)),
        ("a tree", (0, 0.5, 0.5, 1)),
        ("a house", (0.5, 0.5, 1, 1)),
    ]
    assert boxes("best ADDCOMM\nx BREAK y\nDivide mode: Vertical\nDivide Ratio : 1,3") == [
        ("best, x", (0, 0, 1, 0.25)),
        ("best, y", (0, 0.25, 1, 1)),
    ]
    assert boxes("a ADDCOL b ADDCOL c ADDROW d ADDCOL e\nDivide Ratio : 1,2,1,1;2,4,6")[3] == (
        "d",
        pytest.approx((0, 1 / 3, 0.4, 1)),
    )
    assert boxes(["a red hoodie", {"desc": "a dog"}]) == [("a red hoodie", (0, 0, 1, 1)), ("a dog", (0, 0, 1, 1))]


@pytest.mark.parametrize(
    ("source", "options"),
    [
        ([{"type": "obj", "bbox": list(PIXELS), "desc": TEXT}], {"order": "xyxy", "units": "pixels"}),
        ([{"bbox_2d": [100, 80, 450, 480], "label": TEXT}], {"order": "yxyx", "units": "pixels"}),
        ([{"bbox_2d": [100, 200, 600, 900], "label": TEXT}], {"units": "0..1000"}),
        ([{"box_2d": [0.1, 0.2, 0.5, 0.7], "label": TEXT}], {"order": "xywh"}),
        ([[0.35, 0.55, 0.5, 0.7]], {"order": "cxcywh"}),
        ([[10, 20, 60, 90]], {"units": "percent"}),
        ([{"x": 280, "y": 275, "width": 400, "height": 350}], {"order": "cxcywh"}),
        ([{"x": 10, "y": 20, "w": 50, "h": 70}], {"units": "percent"}),
        ([{"rect": [80, 100, 400, 350]}], {"order": "xywh"}),
        ([{"bbox": [160, 200, 960, 900]}], {"size": (1600, 1000)}),
        ({"imageWidth": 9, "imageHeight": 9, "boxes": [[160, 200, 960, 900]]}, {"size": (1600, 1000)}),
        ([{"x": 80, "y": 100, "width": 400, "height": 350}], {"order": "xyxy"}),
    ],
    ids=str,
)
def test_what_is_set_by_hand_beats_every_guess(source, options):
    ((_, box),) = boxes(source, **options)
    assert box == pytest.approx(BOX)


@pytest.mark.parametrize(
    "entry",
    [
        {"zone": [1, 2, 3, 4], "label": "a dog"},
        {"quux": [[1, 2, 3, 4], [5, 6, 7, 8]], "label": "a dog"},
        {"label": "a dog", "p": 10, "q": 20, "r": 30, "s": 40},
        {"label": "a dog", "x": 10, "y": 20},
        {"label": "a dog", "box": None},
        {"label": "a dog", "loc": "10,20,30,40"},
        {"label": "a dog", "position": "top left"},
        {"label": "a dog", "point_2d": [10, 20]},
        {"label": "a dog", "style": "left: 10%; top: 20%; width: 50%; height: 70%"},
        {"label": "a dog", "area": "the left half"},
        {"label": "a dog", "inner": {"a": 1, "b": 2, "c": 3, "d": 4}},
        {"label": "a dog", "cx": 100, "cy": 100, "w": 50, "h": 50, "angle": 30},
        {"label": "a dog", "bbox": [1, 2, 3, 4, 0.5]},
        {"label": "a dog", "segmentation": {"counts": "abc", "size": [5, 5]}},
        {"label": "a dog", "rect": [1, 2, 30, 40]},
    ],
    ids=str,
)
def test_a_place_that_nobody_knows_is_refused_by_name_and_never_the_whole_picture(entry):
    for source in ([entry], entry, {"objects": [entry]}, {"deep": {"list": [entry]}}):
        with pytest.raises(RegionError):
            read(source, WIDTH, HEIGHT)
    reading = read([{"box": [0, 0, 1, 1], "label": "a cat"}, entry], WIDTH, HEIGHT)
    assert [r.description for r in reading.document.regions] == ["a cat"]
    (said,) = [n for n in reading.notes if n.startswith("Left out: Region 2")]
    assert "\n" not in said


@pytest.mark.parametrize(
    ("source", "units"),
    [
        ([{"bbox_2d": [100, 200, 600, 450]}], "pixels"),  # fits both: Qwen2.5's pixels
        ([{"bbox_2d": [100, 200, 600, 900]}], "0..1000"),  # beyond 500 pixels: Qwen3
        ([{"bbox_2d": [100, 200, 1600, 900]}], None),
        ([{"box_2d": [200, 100, 900, 600]}], "0..1000"),
        ([{"x": 1, "y": 1, "w": 4, "h": 4}], "pixels"),
        ([{"x": 0, "y": 0, "w": 1, "h": 1}], "fractions"),
        ([[0, 0, 1, 1]], "fractions"),
        ([[0, 0, 1, 2]], "pixels"),
        ([[100, 100, 400, 500], [900, 300, 1500, 1000]], None),
        ([{"bbox": [900, 300, 990, 1000]}], None),
    ],
    ids=str,
)
def test_units_by_a_stated_rule(source, units):
    if units is None:
        with pytest.raises(RegionError, match=r"does not fit into a picture of 800 x 500 pixels"):
            read(source, WIDTH, HEIGHT)
    else:
        assert read(source, WIDTH, HEIGHT).units == units


def test_lists_that_cannot_be_corners_are_corner_and_size_and_it_is_said():
    reading = read([[300, 300, 100, 100], [400, 100, 300, 60]], WIDTH, HEIGHT)
    assert reading.order == "xywh" and any("corner and size" in n for n in reading.notes)
    with pytest.raises(RegionError, match="set layout to xywh"):
        read([[400, 300, 100, 100]], WIDTH, HEIGHT)


@pytest.mark.parametrize(
    ("box", "said"),
    [
        ([-20, 10, 200, 200], "[-20, 10, 200, 200] reaches beyond the picture (pixels of 800 x 500) and was cut"),
        ([10, 10, 12, 200], "[10, 10, 12, 200] is smaller than one latent cell"),
    ],
)
def test_a_box_that_is_cut_or_tiny_is_said_in_the_users_numbers(box, said):
    (note,) = read([box], WIDTH, HEIGHT).notes
    assert said in note


def test_good_ones_are_offered_and_the_bad_ones_named():
    reading = read([[0, 0, 100, 100], [50, 50, 50, 80], {"box": None, "label": "x"}], WIDTH, HEIGHT)
    assert len(reading.document.regions) == 1
    assert reading.summary.endswith("pixels of 800 x 500, 1 box.")
    assert [n.split(":")[0] for n in reading.notes] == ["Left out"] * 2
    assert "Region 2" in reading.notes[0] and "Region 3" in reading.notes[1]


@pytest.mark.parametrize(
    "source",
    [
        [{"bbox": PIXELS, "species": TEXT, "image_id": "a cat"}],
        {"boxes": [PIXELS], "species": [TEXT], "ids": ["one"]},
        [{"box": {"x": 80, "y": 100, "width": 400, "height": 350}, "id": "a1", "species": TEXT}],
    ],
)
def test_words_that_may_be_the_missing_text_are_named(source):
    reading = read(source, WIDTH, HEIGHT)
    assert [r.description for r in reading.document.regions] == [""]
    assert 'Region 1: it has no text; if "species" holds it, rename that to label.' in reading.notes


@pytest.mark.parametrize(
    "source",
    [
        [{"bbox": {"l": 80, "t": 450, "r": 480, "b": 100, "coord_origin": "BOTTOMLEFT"}, "label": TEXT}],
        [{"x0": 80, "y0": 50, "x1": 480, "y1": 400, "origin": "bottom-left", "text": TEXT}],
        {"coordinate_origin": "lower left", "boxes": [PIXELS]},
        {"objects": [{"left": 8, "top": 8, "width": 20, "height": 7, "scaleX": "a", "scaleY": 5, "text": TEXT}]},
        {"objects": [{"left": 8, "top": 8, "width": 9, "height": 7, "scaleX": 1, "scaleY": 1, "originX": "right"}]},
    ],
)
def test_places_that_are_counted_otherwise_are_refused(source):
    with pytest.raises(RegionError, match=r"lower edge|scaled or placed"):
        read(source, WIDTH, HEIGHT)


def test_frames_texts_and_empties():
    two = [{"boxes": [[0, 0, 100, 100]], "labels": ["a"]}, {"boxes": [[5, 5, 50, 50]], "labels": ["b"]}]
    reading = read(two, WIDTH, HEIGHT)
    assert [r.description for r in reading.document.regions] == ["a"] and "2 pictures" in reading.notes[0]
    assert boxes({"elements": [], "boxes": [[0, 0, 1, 1]]}) and boxes([[], [[0, 0, 1, 1]]])
    assert [t for t, _ in boxes({"boxes": [[0, 0, 1, 1], [0, 0, 1, 1]], "labels": ["a", None]})] == ["a", ""]
    assert "which belongs to which" in read({"boxes": [[0, 0, 1, 1]], "labels": ["a", "b"]}, 64, 64).notes[0]
    for nothing in ([], "[]", [{"bboxes": [], "labels": []}], {"detections": []}, "```json\n[]\n```"):
        assert read(nothing, 64, 64).notes == ("There are no boxes in it.",)


def test_boxes_of_other_pictures_are_said_and_left_out():
    rows = [{"image_id": i, "bbox": [80, 100, 400, 350], "category_id": 1, "label": f"thing {i}"} for i in (1, 1, 2)]
    reading = read(rows, WIDTH, HEIGHT)
    assert len(reading.document.regions) == 2 and "2 pictures" in reading.notes[0]
    table = "image,xmin,ymin,xmax,ymax\na.jpg,80,100,480,450\nb.jpg,0,0,100,100"
    reading = read(table, WIDTH, HEIGHT)
    assert len(reading.document.regions) == 1 and "2 pictures" in reading.notes[0]


def test_a_text_of_the_whole_picture_is_not_that_of_its_boxes():
    for scene in ("caption", "description", "name", "prompt", "title"):
        for entries in ([{"box": [0, 0, 1, 1]}], [[0, 0, 1, 1]]):
            assert boxes({scene: "a street", "boxes": entries}) == [("", (0, 0, 1, 1))]
    assert boxes({"label": "a dog", "boxes": [[0, 0, 1, 1]]}) == [("a dog", (0, 0, 1, 1))]
    grouped = [{"description": t, "boxes": [[0, 0, 1, 1]]} for t in ("a dog", "a cat")]
    assert [t for t, _ in boxes(grouped)] == ["a dog", "a cat"]
    frames = [{"caption": t, "boxes": [[0, 0, 1, 1]]} for t in ("one picture", "another")]
    assert boxes(frames) == [("", (0, 0, 1, 1))] and "2 pictures" in read(frames, WIDTH, HEIGHT).notes[0]


@pytest.mark.parametrize(
    "text",
    [
        '[ // first\n {"box": [80,100,480,450], "label": "a red hoodie"} /* second */\n]',
        "[{box: [80,100,480,450], label: a red hoodie}]",
        "[{“box”: [80,100,480,450], “label”: “a red hoodie”}, ...]",
        '```json\n[]\n```\nthen\n```json\n[{"box":[80,100,480,450],"label":"a red hoodie"}]\n```',
        '[{"box": [80,100,480,450], "label": "a red hoodie"}, {"box": [80,100,4',
        '"[{\\"box\\": [80,100,480,450], \\"label\\": \\"a red hoodie\\"}]"',
        '\ufeff{"box": [80,100,480,450], "label": "a red hoodie"}',
        'see [1]: {"box": (80,100,480,450), "label": "a red hoodie"} [end]',
    ],
)
def test_a_models_sloppy_answer(text):
    ((said, box),) = boxes(text)
    assert said == TEXT and box == pytest.approx(BOX)


def test_two_code_blocks_are_both_read():
    text = '```json\n[{"box":[0,0,1,1],"label":"a"}]\n```\nand\n```json\n[{"box":[0,0,1,1],"label":"b"}]\n```'
    assert [t for t, _ in boxes(text)] == ["a", "b"]


def test_a_fence_inside_a_description_is_text():
    document = {
        "version": 1,
        "width": 800,
        "height": 500,
        "regions": [{"box": list(BOX), "description": "a ```q``` x"}],
    }
    for text in (json.dumps(document), f"```json\n{json.dumps(document)}\n```"):
        assert boxes(text) == [("a ```q``` x", BOX)]


@pytest.mark.parametrize("key", ["", "---", "…", "...", " "])
def test_a_box_without_a_key_is_refused_in_words_of_the_text(key):
    with pytest.raises(RegionError, match=r'^Region 1: "" holds numbers, .* name it box.$'):
        read(f'[{{{key}: [10, 20, 30, 40], "label": "dog"}}]', 64, 64)


def test_two_boxes_in_one_sentence_and_five_numbers():
    found = boxes("A dog at [0, 0, 100, 100] and a cat at [80, 100, 480, 450].")
    assert [t for t, _ in found] == ["A dog at", "and a cat at"] and found[1][1] == pytest.approx(BOX)
    for text in ("a dog 1 2 3 4 5", "a dog: 1, 2, 3", "a dog: 1, 2, 3, 4, 5, 6"):
        with pytest.raises(RegionError):
            read(text, WIDTH, HEIGHT)


@pytest.mark.parametrize(
    ("text", "box"),
    [
        ("a jersey with the numbers 10 20 30 40", None),
        ("numbers 100 200 300 400 on a wall", None),
        ("a clock (10 past 20) and 30 40", None),
        ("a score of 1, 2, and 3 to 4", None),
        ("a dog [80, 100, 480, 450]", PIXELS),
        ("a dog: 80, 100, 480, 450", PIXELS),
        ("a dog (80 100 480 450)", PIXELS),
        ("a dog: x1=80 y1=100 x2=480 y2=450", PIXELS),
    ],
)
def test_numbers_in_a_text_of_a_list_are_a_box_only_where_they_are_written_as_one(text, box):
    reading = read([text, "a dog"], WIDTH, HEIGHT)
    first = reading.document.regions[0]
    if box is None:
        assert first.description == text and first.box == (0, 0, 1, 1) and not reading.notes
    else:
        assert first.description == "a dog" and first.box == pytest.approx(BOX)
        assert any("were read as a box" in n for n in reading.notes)


def test_results_of_detectors_and_tables_as_python_has_them():
    from types import SimpleNamespace as Results

    pandas = Results(columns=[], to_dict=lambda _: {"xmin": [80], "ymin": [100], "xmax": [480], "ymax": [450]})
    order = Results(name="XYWH")
    for source in (
        Results(xyxy=torch.tensor([PIXELS]), class_id=[0], data={"class_name": [TEXT]}),
        Results(boxes=Results(xyxy=torch.tensor([PIXELS]), cls=torch.tensor([0.0])), names={0: TEXT}),
        Results(canvas_size=(1000, 1600), format=order, shape=(1, 4), tolist=lambda: [[160, 200, 800, 700]]),
        pandas,
    ):
        assert boxes(source)[0][1] == pytest.approx(BOX)


def test_values_of_other_nodes():
    seg = namedtuple("SEG", ["cropped_image", "cropped_mask", "confidence", "crop_region", "bbox", "label"])
    segs = ((HEIGHT, WIDTH), [seg(np.zeros((9, 9)), np.zeros((9, 9)), 0.9, [0, 0, 500, 500], PIXELS, TEXT)])
    for source in (
        segs,
        torch.tensor([PIXELS]),
        np.array([PIXELS]),
        np.array(PIXELS),
        {"boxes": torch.tensor([PIXELS], dtype=torch.float32), "labels": [TEXT]},
        [{"box": np.array(PIXELS), "label": TEXT}],
    ):
        assert boxes(source)[0][1] == pytest.approx(BOX)


@pytest.mark.parametrize(
    "value",
    [
        torch.zeros(3, 512, 512),
        torch.zeros(1, 4, device="meta"),
        torch.zeros(1, 4, dtype=torch.complex64),
        torch.zeros(1, 4).to_sparse(),
        np.array([["2020-01-01"] * 4], dtype="datetime64[D]"),
        np.ma.array([[1.0, 2, 300, 400]], mask=[[0, 1, 0, 0]]),
        [object()],
        b"abc",
        7,
        None,
        {"version": np.array([1, 2]), "width": 8, "height": 8, "regions": []},
        [{None: 1, 3: 2, True: 3, "label": "x"}],
        {0: None, "version": 1, "width": 800, "height": 500, "regions": []},
        "| \nlabel |y | width | height |\n|---|---|---|",
        [[[[[[[[[[]]]]]]]]] * 2 + [1]],
    ],
    ids=lambda v: type(v).__name__,
)
def test_values_that_are_no_boxes_are_a_region_error(value):
    with pytest.raises(RegionError) as said:
        read(value, WIDTH, HEIGHT)
    assert "\n" not in str(said.value) and len(str(said.value)) < 400


@pytest.mark.parametrize(
    "text",
    [
        *("[" * 100_000, "[\n" * 50_000, '["' + '\\"' * 90_000, "```" + "a" * 300_000, 'he said "a\\"b" ' * 20_000),
        *(
            "```\n" * 50_000,
            "{[" * 50_000,
            "x <ref>" * 50_000,
            "x <loc_1>" * 50_000,
            "[/*" * 30_000,
            "[" + "," * 300_000,
        ),
        *("1" * 300_000, "1 2 3\n" * 1999, ("a" * 1000 + ": 1,2,3\n") * 300, " " * 300_000 + "x", "BREAK " * 3000),
        *("a" + "-" * 2400 + "1,2,3", "x{a;" * 50_000, "<a>" * 90_000, "\n" * 300_000 + "RP", "#" * 300_000 + "["),
    ],
    ids=lambda t: t[:8],
)
def test_hostile_text_is_refused_at_once(text):
    with at_once(), pytest.raises(RegionError):
        read(text, WIDTH, HEIGHT)


def test_xml_expands_nothing():
    with pytest.raises(RegionError, match="entities"):
        read('<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>', WIDTH, HEIGHT)


BOXES = st.tuples(
    st.integers(0, 300), st.integers(0, 200), st.integers(10, 200), st.integers(10, 200)
)  # x, y, width, height in pixels


@settings(max_examples=60)
@given(
    st.lists(st.tuples(BOXES, st.sampled_from(["a dog", "a cat; two", "ein Hund", "[x] {y}"])), min_size=1, max_size=6),
    st.sampled_from(["xyxy", "xywh", "yxyx", "cxcywh"]),
    st.sampled_from(["pixels", "fractions", "0..1000", "percent"]),
    st.sampled_from(["bbox", "box", "bbox_2d", "box_2d", "row", "columns"]),
)
def test_any_order_and_units_set_by_hand_read_back(entries, order, units, form):
    scale = {"pixels": (1, 1), "fractions": (WIDTH, HEIGHT), "0..1000": (0.8, 0.5), "percent": (8, 5)}[units]

    def written(x, y, w, h):
        x, w, y, h = x / scale[0], w / scale[0], y / scale[1], h / scale[1]
        return {
            "xyxy": [x, y, x + w, y + h],
            "xywh": [x, y, w, h],
            "yxyx": [y, x, y + h, x + w],
            "cxcywh": [x + w / 2, y + h / 2, w, h],
        }[order]

    if form == "columns":
        source = {"boxes": [written(*b) for b, _ in entries], "labels": [t for _, t in entries]}
    elif form == "row":
        source = [[t, written(*b)] for b, t in entries]
    else:
        source = [{form: written(*b), "label": t} for b, t in entries]
    for one in (source, json.dumps(source)):
        found = boxes(one, order=order, units=units)
        assert [t for t, _ in found] == [t for _, t in entries]
        for (_, box), ((x, y, w, h), _) in zip(found, entries, strict=True):
            assert box == pytest.approx((x / 800, y / 500, (x + w) / 800, (y + h) / 500), abs=1e-9)


@pytest.mark.parametrize("options", [{"order": "yyxx"}, {"order": ""}, {"units": "inches"}, {"units": "fit"}])
def test_an_order_or_units_that_there_are_not_are_refused(options):
    with pytest.raises(RegionError, match=r"layout must be one of auto, .*, and units one of auto, "):
        ByHand(**options)


def test_descriptions_replace_texts_and_those_without_a_box_are_said():
    reading = read_boxes([[0, 0, 1, 1]], 64, 64, descriptions=["a", "b"])
    assert [r.description for r in reading.document.regions] == ["a", "b"] and "no box of their own" in reading.notes[
        -1
    ]


def test_the_page_about_forms_is_made_from_the_table():
    from deig_core.regions.reader.__main__ import page

    written = (Path(__file__).parents[2] / "docs" / "formats.md").read_text(encoding="utf-8")
    assert written == page(), "python -m deig_core.regions.reader > docs/formats.md"
