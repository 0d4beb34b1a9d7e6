"""Crop DEIG Regions: the part by numbers, a mask, a box or a SEG."""

from collections import namedtuple

import pytest
import torch
from graph import PIXELS
from parity import pack_module

NUMBERS = {"x": 0, "y": 0, "width": 64, "height": 64, "pad": 0, "scale": 1.0}


def cropped(graph, **values):
    return graph.node("DEIGCropRegions", regions=graph.regions(), **{**NUMBERS, **values})


def shown(graph, document):
    masks = pack_module(graph.host, "deig_core.layout.masks")
    return [(r.description, masks.box_pixels(r.box, document.width, document.height)) for r in document.regions]


def test_the_whole_is_what_came_in(graph):
    document = graph.regions()
    out = graph.node("DEIGCropRegions", regions=document, **{**NUMBERS, "width": PIXELS, "height": PIXELS})
    assert out == (document, PIXELS, PIXELS, 0, 0)


def test_numbers_mask_box_and_seg_say_the_same_part(graph):
    document, *rest = cropped(graph, x=32, y=16, width=64, height=96, pad=8, scale=2.0)
    assert rest == [160, 224, 24, 8]
    mask = torch.zeros(1, PIXELS * 2, PIXELS * 2)
    mask[0, 32:224, 64:192] = 1
    seg = namedtuple("SEG", "crop_region")((64, 32, 192, 224))
    for given in (
        {"mask": mask},
        {"box": '[{"x": 32, "y": 16, "width": 64, "height": 96}]'},
        {"box": ((PIXELS * 2, PIXELS * 2), [seg])},
    ):
        found, *where = cropped(graph, **given, pad=8, scale=2.0)
        assert shown(graph, found) == shown(graph, document) and where == rest


def test_a_part_has_what_an_area_of_the_sampler_has(graph):
    """And with an empty prompt, DEIG Encode speaks of the part's regions alone."""
    windows = pack_module(graph.host, "deig_core.layout.window")
    part = cropped(graph, x=64, width=64, height=PIXELS)[0]
    text = graph.encode(part, prompt="")[0][0][1]["model_conds"]["deig"].text
    whole = graph.encode()[0][0][1]["model_conds"]["deig"].text.layout
    area = whole.visible(windows.Window((16, 16), (0, 8), (16, 8)))
    assert [(r.description, r.box) for r in text.layout.regions] == [(r.description, r.box) for r in area.regions]
    assert [r.description for r in text.layout.regions] == ["a boy in a yellow raincoat"]


def test_what_says_no_one_part_is_refused(graph):
    for given, message in (
        ({"mask": torch.ones(2, 8, 8)}, "got 2 masks"),
        ({"mask": torch.zeros(1, 8, 8)}, "mask is empty"),
        ({"box": "[[0, 0, 8, 8], [8, 8, 16, 16]]"}, "got 2 boxes"),
        ({"box": ((128, 128), [])}, "got 0 boxes"),
        ({"box": "[[0, 0, 8, 8]]", "mask": torch.ones(1, 8, 8)}, "a mask and a box"),
        ({"box": '["a cat"]'}, "a text without a place"),
        ({"box": '[{"label": "a cat"}]'}, "a text without a place"),
        ({"box": '[{"box": [0, 0, 8, 8]}, "a cat"]'}, "a text without a place"),
        ({"width": 8, "scale": 0.05}, "makes a picture of 0 x 3"),
    ):
        with pytest.raises(ValueError, match=message):
            cropped(graph, **given)


def test_how_the_box_was_read_is_said_at_the_node(graph):
    cls = graph.host.NODE_CLASS_MAPPINGS["DEIGCropRegions"]

    def said(box):
        ui = cls.EXECUTE_NORMALIZED(regions=graph.regions(), **NUMBERS, box=box).ui
        return ui["deig_notes"]

    assert said("[[0, 0, 64, 64]]") == [f"Read as lists of four, xyxy, pixels of {PIXELS} x {PIXELS}, 1 box."]
    assert "was cut" in said(f"[[-20, 0, 64, {PIXELS}]]")[1]
    assert "Region 2" in said("[[0, 0, 64, 64], [5, 5, 5, 5]]")[1]
    assert cls.EXECUTE_NORMALIZED(regions=graph.regions(), **NUMBERS).ui is None
    beside = {**NUMBERS, "y": 2 * PIXELS}
    (nothing,) = cls.EXECUTE_NORMALIZED(regions=graph.regions(), **beside).ui["deig_notes"]
    assert nothing == "No region has a pixel in this part."
    assert cls.EXECUTE_NORMALIZED(regions=graph.regions([]), **beside).ui is None, "as many as there were"
