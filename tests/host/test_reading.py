"""Boxes of other nodes through the nodes: what connects, what is said at the node, and the way out again."""

import json

import numpy as np
import pytest
import torch

QWEN = [{"bbox_2d": [64, 48, 320, 240], "label": "a dog"}, {"bbox_2d": [0, 0, 640, 480], "label": "a sky"}]


def test_what_carries_boxes_connects(graph):
    for node_id in ("DEIGRegions", "DEIGRegionsFromBoxes"):
        schema = graph.host.NODE_CLASS_MAPPINGS[node_id].GET_SCHEMA()
        (boxes,) = [i for i in schema.inputs if i.id == "boxes"]
        taken = set(boxes.get_io_type().split(","))
        assert {"BOUNDING_BOX", "BOUNDING_BOXES", "ARRAY", "BBOX", "BBOXES", "JSON", "SEGS", "STRING"} <= taken


def test_the_node_says_how_it_read(graph):
    made = graph.output(
        "DEIGRegionsFromBoxes", boxes=QWEN, width=640, height=480, descriptions="", layout="auto", units="auto"
    )
    assert made.ui["deig_notes"] == ["Read as Qwen boxes, xyxy, pixels of 640 x 480, 2 boxes."]
    assert made.args[0].regions[0].box == pytest.approx((0.1, 0.1, 0.5, 0.5))


def test_options_by_hand_and_the_size_of_another_picture(graph):
    options = {"layout": "xyxy", "units": "pixels", "source_width": 1280, "source_height": 960}
    (document, *_) = graph.node(
        "DEIGRegionsFromBoxes", boxes=[[128, 96, 640, 480]], width=512, height=512, descriptions="", **options
    )
    assert document.regions[0].box == pytest.approx((0.1, 0.1, 0.5, 0.5))


def test_the_editor_is_told_how_incoming_boxes_were_read(graph):
    drawn = json.dumps({"version": 1, "width": 640, "height": 480, "regions": []})
    made = graph.output("DEIGRegions", regions=drawn, boxes=json.dumps(QWEN))
    (told,) = made.ui["deig_reading"]
    assert (told["layout"], told["units"], told["size"]) == ("xyxy", "pixels", [640, 480])
    assert len(made.args[0].regions) == 2
    made = graph.output("DEIGRegions", regions=drawn, boxes=json.dumps(QWEN), boxes_units="0..1000")
    assert made.args[0].regions[0].box == pytest.approx((0.064, 0.048, 0.32, 0.24))


def test_the_node_says_which_regions_will_not_be_as_they_were_meant(graph):
    regions = [{"box": [0.1, 0.1, 0.5, 0.5]}, {"box": [0, 0, 0.01, 1], "description": "a pole"}]
    drawn = json.dumps({"version": 1, "width": 512, "height": 512, "regions": regions})
    no_text, narrow, idle = graph.output("DEIGRegions", regions=drawn, boxes=json.dumps(QWEN)).ui["deig_notes"][1:]
    assert "Region 1 has no text" in no_text
    assert "Region 2 is narrower than one cell" in narrow
    assert "2 incoming boxes do not count" in idle


def test_regions_go_out_as_boxes_texts_and_masks_and_come_back(graph):
    regions = [
        {"box": [0.1, 0.2, 0.6, 0.9], "description": "a dog"},
        {"box": [0, 0, 1, 1], "description": "off", "enabled": False},
    ]
    document = graph.regions(regions, width=800, height=504)
    boxes, elements, masks, texts = graph.node("DEIGRegionsToBoxes", regions=document)
    assert texts == "a dog" and masks.shape == (1, 504, 800)
    for source in (boxes, elements):
        made, *_ = graph.node(
            "DEIGRegionsFromBoxes", boxes=source, width=800, height=504, descriptions="", layout="auto", units="auto"
        )
        assert made.regions[0].box == pytest.approx((0.1, 0.2, 0.6, 0.9), abs=2e-3)
        assert made.regions[0].description == "a dog"
    back, *_ = graph.node("DEIGRegionsFromMasks", masks=masks, descriptions=texts)
    assert back.regions[0].box == pytest.approx((0.1, 0.2, 0.6, 0.9), abs=2e-3)


def test_values_of_packs(graph):
    segs = ((480, 640), [])
    made = graph.output(
        "DEIGRegionsFromBoxes", boxes=segs, width=64, height=64, descriptions="", layout="auto", units="auto"
    )
    assert made.ui["deig_notes"] == ["There are no boxes in it."]
    with pytest.raises(ValueError, match="DEIG Regions from Masks"):
        graph.node(
            "DEIGRegionsFromBoxes",
            boxes=np.zeros((2, 512, 512)),
            width=64,
            height=64,
            descriptions="",
            layout="auto",
            units="auto",
        )


def test_texts_that_the_encoder_does_not_know(graph):
    def encoded(prompt="two people", **region):
        regions = [{"box": [0, 0, 0.5, 1], **region}] if region else []
        return graph.output(
            "DEIGEncode",
            text_encoder=graph.encoder,
            regions=graph.regions(regions),
            prompt=prompt,
            negative_prompt="blurry",
        ).ui

    assert encoded(description="a red hoodie") is None and encoded() is None
    for asked in ({}, {"description": "a red hoodie", "enabled": False}):
        (said,) = encoded(prompt=" ", **asked)["deig_notes"]
        assert said.startswith("There is no prompt and no region")
    (said,) = encoded(description="a niño in red")["deig_notes"]
    assert said.startswith("Region 1: 1 of") and "ñ" in said
    (said,) = encoded(description="(a dog:1.3)")["deig_notes"]
    assert "'(a dog:1.3)' means nothing" in said
    (said,) = encoded(prompt="", description=" ".join(["stripes"] * 140))["deig_notes"][1:]
    assert said.startswith("The joined prompt of 1 descriptions has")
    with pytest.raises(ValueError, match="Region 1: the text encoder knows nothing"):
        encoded(description="红色的星星")


def test_lines_end_at_line_breaks_alone(graph):
    text = "a red\u2028hoodie\x85here\nsecond\r\nthird"
    (document, *_) = graph.node(
        "DEIGRegionsFromBoxes",
        boxes=[[0, 0, 1, 1]] * 3,
        width=64,
        height=64,
        descriptions=text,
        layout="auto",
        units="auto",
    )
    assert [r.description for r in document.regions] == ["a red\u2028hoodie\x85here", "second", "third"]


def test_masks_of_regions_are_their_boxes(graph):
    document = graph.regions([{"box": [0, 0, 0.5, 1], "description": "a"}], width=64, height=64)
    masks = graph.node("DEIGRegionsToBoxes", regions=document)[2]
    assert torch.equal(masks[0, :, :32], torch.ones(64, 32)) and not masks[0, :, 32:].any()


@pytest.mark.parametrize("mode", ["when empty", "always", "add"])
def test_who_owns_what_overlaps_comes_along(graph, mode):
    """An incoming document says it for what is drawn; boxes of others do not take it away."""
    box = {"box": [0, 0, 0.5, 0.5], "description": "a cat"}
    shared = {"version": 1, "width": 128, "height": 128, "regions": [] if mode == "when empty" else [box]}
    front = {**shared, "overlap": "front"}
    whole = json.dumps({**front, "regions": [box]})
    for drawn, incoming, expected in (
        (shared, whole, "front"),
        (front, "[[0, 0, 9, 9]]", "front"),
        (shared, "[[0, 0, 9, 9]]", "shared"),
    ):
        (document, *_) = graph.node("DEIGRegions", regions=json.dumps(drawn), boxes=incoming, boxes_mode=mode)
        assert document.overlap == expected
