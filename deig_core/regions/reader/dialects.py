"""The table of foreign forms: one entry a dialect, with what it is recognised by, its order and its units.

The first one that recognises a value reads it; the general forms stand last. `examples.py` has each one's examples,
which are its tests, and docs/formats.md is written from both.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from . import general, tools
from .columns import find_columns, find_transposed
from .entry import Context, is_four, numbers
from .mapping import Find, When, any_of, has, keys_named, of_mappings
from .vocabulary import CENTRES, CORNERS, SIZES


@dataclass(frozen=True)
class Dialect:
    """One foreign form. order and units: what is read where nothing is set by hand and the file states nothing; "keys"
    where the keys say which number is which. find: the entries of a value that is in this form, else None; forms of
    text are found by `text_forms.py`.
    """

    name: str
    recognised: str
    order: str
    units: str
    find: Find | None = None


def _mappings(name: str, recognised: str, when: When, order: str, units: str) -> Dialect:
    of_lists = "" if order == "keys" else order
    return Dialect(name, recognised, order, units, of_mappings(name, when, of_lists, units))


def _columns(name: str, recognised: str, keys: tuple[str, ...], order: str, units: str) -> Dialect:
    return Dialect(name, recognised, order, units, find_columns(name, keys, order, units))


def _is_roboflow(values: Mapping[str, Any], _: Context) -> bool:
    needed, one_of = ("x", "y", "width", "height", "class"), ("confidence", "classid", "detectionid")
    return all(k in values for k in needed) and any(k in values for k in one_of)


def _is_ideogram(values: Mapping[str, Any], _: Context) -> bool:
    return is_four(values.get("bbox")) and ("desc" in values or values.get("type") in ("obj", "text", "object"))


ANNOTATION = ("categoryid", "iscrowd", "imageid", "categoryname", "labelid", "bboxvis")
DIALECTS: tuple[Dialect, ...] = (
    Dialect(
        "columns of numbers",
        "`xmin`, `ymin` ... with a list each, as pandas writes them",
        "keys",
        "auto",
        find_transposed,
    ),
    Dialect("Impact SEGS", "(height, width) and a list of SEG", "xyxy", "pixels", tools.find_segs),
    Dialect("COCO", "`images`, `annotations`, `categories`", "xywh", "pixels", tools.find_coco),
    Dialect(
        "Label Studio",
        "`value` beside `original_width`, or `rectanglelabels`",
        "keys",
        "percent",
        tools.find_label_studio,
    ),
    Dialect("CreateML", "`coordinates` with `x, y, width, height`", "cxcywh", "pixels", tools.find_createml),
    _mappings("Roboflow", "`x, y, width, height, class` and a confidence", _is_roboflow, "cxcywh", "pixels"),
    Dialect("Omost canvas", "`rect` beside `prefixes`, `suffixes`: ninetieths", "yyxx", "fractions", tools.find_omost),
    Dialect("labelme", "`points` and `shape_type`", "keys", "pixels", tools.find_labelme),
    Dialect(
        "VGG Image Annotator",
        "`shape_attributes`, `region_attributes`, its CSV, `xy` of version 3",
        "keys",
        "pixels",
        tools.find_vgg,
    ),
    Dialect(
        "web annotations",
        "`target.selector.value`: `xywh=pixel:`, `xywh=percent:`",
        "xywh",
        "as said",
        tools.find_fragment,
    ),
    _mappings(
        "InstanceDiffusion and COCO annotations",
        "`bbox` beside `category_id`, `category_name`, `iscrowd`, `image_id`, `label_id` or `bboxVis`",
        any_of("bbox", *ANNOTATION),
        "xywh",
        "pixels",
    ),
    _mappings(
        "SAM masks",
        "`bbox` beside `predicted_iou`, `stability_score` or `crop_box`",
        any_of("bbox", "predictediou", "stabilityscore", "cropbox"),
        "xywh",
        "pixels",
    ),
    _mappings(
        "MTCNN", "`box` beside `keypoints` and `confidence`", has("box", "keypoints", "confidence"), "xywh", "pixels"
    ),
    _mappings("FiftyOne", "`bounding_box` beside `_cls`", any_of("boundingbox", "cls"), "xywh", "fractions"),
    _mappings(
        "core elements and Ideogram captions",
        "`bbox` beside `desc`, or beside `type`: `obj` or `text`",
        _is_ideogram,
        "yxyx",
        "0..1000",
    ),
    _mappings("Qwen boxes", "`bbox_2d`", has("bbox2d"), "xyxy", "fit"),
    _mappings("Gemini boxes", "`box_2d`", lambda values, _: numbers(values.get("box2d")), "yxyx", "0..1000"),
    _mappings("KJNodes elements", "`x, y, w, h`", has("x", "y", "w", "h"), "keys", "fractions"),
    _mappings(
        "ComfyUI bounding boxes",
        "`x, y, width, height`; the text in `metadata.desc`, `label` ...",
        has("x", "y", "width", "height"),
        "keys",
        "pixels",
    ),
    _mappings(
        "corners under their names",
        "`xmin, ymin, xmax, ymax`, `x1, y1, x2, y2`, `left, top, right, bottom` ...",
        keys_named(CORNERS),
        "keys",
        "auto",
    ),
    _mappings(
        "corner and size under their names",
        "`left, top, width, height`, `originX, originY, width, height` ...",
        keys_named(SIZES),
        "keys",
        "auto",
    ),
    _mappings(
        "centres under their names",
        "`cx, cy, w, h`, `x_center, y_center, width, height` ...",
        keys_named(CENTRES),
        "keys",
        "auto",
    ),
    _columns(
        "GroundingDINO's own output",
        "`boxes, logits, phrases`, or `boxes` and `size` (height, width); all below 1",
        ("boxes", "+phrases"),
        "cxcywh",
        "fractions",
    ),
    _columns("Vertex AI", "`bboxes`, `displayNames`", ("bboxes", "displaynames"), "xxyy", "fractions"),
    _columns(
        "Hugging Face annotations", "lists `bbox` and `area`, beside `category`", ("bbox", "area"), "xywh", "pixels"
    ),
    _columns("TensorFlow detections", "`detection_boxes`", ("detectionboxes",), "yxyx", "fractions"),
    _columns("Mask R-CNN", "`rois`", ("rois",), "yxyx", "pixels"),
    _columns(
        "GLIGEN", "`locations` or `gligen_boxes` beside `phrases`", ("locations|gligenboxes",), "xyxy", "fractions"
    ),
    _columns(
        "columns",
        "`boxes`, `bboxes`, `xyxy` ... beside `labels`, `phrases` ...: Florence-2, SAM 3, RT-DETR, supervision",
        (),
        "xyxy",
        "auto",
    ),
    _mappings(
        "boxes",
        "`box`, `bbox`, `xyxy`, `bounding_box`, `coords` ..., two corners, or an outline (`polygon`, `points`)",
        lambda values, _: True,
        "xyxy",
        "auto",
    ),
    Dialect("texts beside boxes", "[text, box], [x0, y0, x1, y1, text]", "xyxy", "auto", general.find_row),
    Dialect("boxes under their names", "{text: [4 numbers]}", "xyxy", "auto", general.find_named),
    Dialect("lists of four", "[4 numbers], tensors and arrays of them", "xyxy", "auto", general.find_four),
    Dialect("outlines", "[[x, y], [x, y], [x, y] ...]", "keys", "auto", general.find_outline),
    Dialect("a model's <ref> and <box>", "text of Qwen-VL, InternVL, DeepSeek-VL2, GLM-V, Seed", "xyxy", "0..1000"),
    Dialect("PaliGemma", "text with `<loc0123>` four times", "yxyx", "of 1024"),
    Dialect("Florence-2's text", "text with `<loc_123>` four times", "xyxy", "0..1000"),
    Dialect("Kosmos-2", "text with `<patch_index_0044>` twice", "xyxy", "cells of 32 x 32"),
    Dialect("Regional Prompter", "text with ADDCOL, ADDROW, BREAK, and ratios", "keys", "fractions"),
    Dialect("YOLO labels", "rows of a class and four fractions", "cxcywh", "fractions"),
    Dialect("YOLO outlines", "rows of a class and points in fractions", "keys", "fractions"),
    Dialect("DOTA", "rows of eight numbers and a class", "keys", "pixels"),
    Dialect("KITTI", "rows of a class and 14 numbers", "xyxy", "pixels"),
    Dialect("lines", "a text and four numbers on each line", "xyxy", "auto"),
    Dialect("style sheets", "LayoutGPT's `a dog {left: 10px; top: 20px; ...}`", "keys", "as said"),
    Dialect("texts", "a text, or a mapping that has one and no place: a region of the whole picture", "none", "none"),
)
"""Besides: tables with a header (CSV, Markdown) and XML (Pascal VOC, CVAT) are read by the keys above."""
