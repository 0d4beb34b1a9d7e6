"""Examples of every form in the table, which are its tests; docs/formats.md shows the first of each.

Each says, in a picture of 800 x 500 pixels, the box from (80, 100) to (480, 450) and, where the form has room for a
text, "a red hoodie".
"""

from __future__ import annotations

from typing import Any

WIDTH, HEIGHT = 800, 500
BOX = (0.1, 0.2, 0.6, 0.9)
TEXT = "a red hoodie"
_OUTLINE = [[80, 100], [480, 100], [480, 450], [80, 450]]

EXAMPLES: dict[str, tuple[Any, ...]] = {
    "columns of numbers": (
        {"xmin": [80], "ymin": [100], "xmax": [480], "ymax": [450], "name": [TEXT]},
        {"x": {"0": 80}, "y": {"0": 100}, "w": {"0": 400}, "h": {"0": 350}, "label": {"0": TEXT}},
        {"columns": ["xmin", "ymin", "xmax", "ymax", "label"], "data": [[80, 100, 480, 450, TEXT]]},
        f"image,xmin,ymin,xmax,ymax,label\na.jpg,80,100,480,450,{TEXT}",
        f"| label | x | y | width | height |\n|---|---|---|---|---|\n| {TEXT} | 80 | 100 | 400 | 350 |",
    ),
    "Impact SEGS": (
        [
            [500, 800],
            [{"crop_region": [0, 0, 500, 500], "bbox": [80, 100, 480, 450], "label": TEXT, "confidence": 0.9}],
        ],
    ),
    "COCO": (
        {
            "images": [{"id": 7, "width": 1600, "height": 1000, "file_name": "a.jpg"}],
            "annotations": [{"id": 1, "image_id": 7, "category_id": 3, "bbox": [160, 200, 800, 700], "iscrowd": 0}],
            "categories": [{"id": 3, "name": TEXT}],
        },
    ),
    "Label Studio": (
        [
            {
                "annotations": [
                    {
                        "result": [
                            {
                                "original_width": 600,
                                "original_height": 400,
                                "value": {"x": 10, "y": 20, "width": 50, "height": 70, "rectanglelabels": [TEXT]},
                            }
                        ]
                    }
                ]
            }
        ],
        [{"image": "a.jpg", "label": [{"x": 10, "y": 20, "width": 50, "height": 70, "rectanglelabels": [TEXT]}]}],
        [{"original_width": 9, "value": {"points": [[10, 20], [60, 20], [60, 90]], "polygonlabels": [TEXT]}}],
    ),
    "CreateML": (
        [
            {
                "image": "a",
                "annotations": [{"label": TEXT, "coordinates": {"x": 280, "y": 275, "width": 400, "height": 350}}],
            }
        ],
    ),
    "Roboflow": (
        {
            "predictions": [{"x": 560, "y": 550, "width": 800, "height": 700, "class": TEXT, "confidence": 0.9}],
            "image": {"width": 1600, "height": 1000},
        },
    ),
    "Omost canvas": ([{"rect": [18, 81, 9, 54], "prefixes": [], "suffixes": [TEXT], "color": [1, 2, 3]}],),
    "labelme": (
        {
            "shapes": [{"label": TEXT, "points": [[160, 200], [960, 900]], "shape_type": "rectangle"}],
            "imageWidth": 1600,
            "imageHeight": 1000,
        },
        {"shapes": [{"label": TEXT, "points": [*_OUTLINE, [80, 300]], "shape_type": "polygon"}]},
    ),
    "VGG Image Annotator": (
        {
            "a.jpg": {
                "regions": [
                    {
                        "shape_attributes": {"name": "rect", "x": 80, "y": 100, "width": 400, "height": 350},
                        "region_attributes": {"label": TEXT},
                    }
                ]
            }
        },
        "filename,region_count,region_shape_attributes,region_attributes\na.jpg,1,"
        '"{""name"":""rect"",""x"":80,""y"":100,""width"":400,""height"":350}",'
        f'"{{""name"":""{TEXT}""}}"',
        {
            "file": {"1": {"fname": "a.jpg"}},
            "metadata": {"1_a": {"vid": "1", "xy": [2, 80, 100, 400, 350], "av": {"1": "0"}}},
            "attribute": {"1": {"aname": "what", "options": {"0": TEXT}}},
        },
    ),
    "web annotations": (
        {"body": [{"value": TEXT}], "target": {"selector": {"value": "xywh=pixel:80,100,400,350"}}},
        {"body": {"value": TEXT}, "target": {"selector": {"value": "xywh=percent:10,20,50,70"}}},
    ),
    "InstanceDiffusion and COCO annotations": (
        {
            "width": 1600,
            "height": 1000,
            "annos": [{"bbox": [160, 200, 800, 700], "category_name": "", "caption": TEXT}],
        },
        [{"image_id": 1, "category_id": 1, "bbox": [80, 100, 400, 350], "score": 0.9, "label": TEXT}],
        {
            "categories": {"label": {"labels": [{"name": "a dog"}, {"name": TEXT}]}},
            "items": [
                {
                    "annotations": [{"type": "bbox", "label_id": 1, "bbox": [160, 200, 800, 700]}],
                    "image": {"path": "a.jpg", "size": [1000, 1600]},
                }
            ],
        },
        {"imgWidth": 800, "imgHeight": 500, "objects": [{"bbox": [80, 100, 400, 350], "bboxVis": [], "label": TEXT}]},
    ),
    "SAM masks": ([{"bbox": [80, 100, 400, 350], "predicted_iou": 0.9, "crop_box": [0, 0, 800, 500], "label": TEXT}],),
    "MTCNN": ([{"box": [80, 100, 400, 350], "confidence": 0.9, "keypoints": {"nose": [90, 110]}, "label": TEXT}],),
    "FiftyOne": ({"detections": [{"_cls": "Detection", "label": TEXT, "bounding_box": [0.1, 0.2, 0.5, 0.7]}]},),
    "core elements and Ideogram captions": (
        [{"type": "obj", "bbox": [200, 100, 900, 600], "desc": TEXT}],
        [{"type": "text", "bbox": [200, 100, 900, 600], "text": TEXT}],
        {
            "high_level_description": "a street",
            "compositional_deconstruction": {
                "background": "houses",
                "elements": [{"type": "obj", "bbox": [200, 100, 900, 600], "desc": TEXT}],
            },
        },
    ),
    "Qwen boxes": (
        [{"bbox_2d": [80, 100, 480, 450], "label": TEXT}],
        [{"bbox_2d": [100, 200, 600, 900], "label": TEXT}],
        [{"bbox_2d": [0.1, 0.2, 0.6, 0.9], "label": TEXT}],
        [{"bbox_2d": [80, 100, 480, 450], "text_content": TEXT}],
        f'<|begin_of_box|>[{{"bbox_2d": [100, 200, 600, 900], "label": "{TEXT}"}}]<|end_of_box|>',
        f"<think>[1, 2]?</think>\n```json\n[{{'bbox_2d': [80, 100, 480, 450], 'label': '{TEXT}'}}]\n```",
    ),
    "Gemini boxes": (
        [{"box_2d": [200, 100, 900, 600], "label": TEXT}],
        f'Here:\n```json\n[{{"box_2d": [200, 100, 900, 600], "label": "{TEXT}",}},]\n```\nEnjoy!',
    ),
    "KJNodes elements": (
        [{"x": 0.1, "y": 0.2, "w": 0.5, "h": 0.7, "type": "obj", "desc": TEXT}],
        [{"x": 80, "y": 100, "w": 400, "h": 350, "names": [TEXT]}],
        [{"type": "box", "x": 0.1, "y": 0.2, "w": 0.5, "h": 0.7, "cls": TEXT, "editingLabels": False}],
        {"bboxControls": [{"enable": True, "x": 0.1, "y": 0.2, "w": 0.5, "h": 0.7, "prompt": TEXT, "seed": -1}]},
    ),
    "ComfyUI bounding boxes": (
        {"x": 80, "y": 100, "width": 400, "height": 350, "metadata": {"desc": TEXT}},
        [[{"x": 80, "y": 100, "width": 400, "height": 350, "label": TEXT}], []],
        [{"x": 0.1, "y": 0.2, "width": 0.5, "height": 0.7, "label": TEXT}],
        [{"x": "10%", "y": "20%", "width": "50%", "height": "70%", "label": TEXT}],
        [{"name": TEXT, "location": {"x": 80, "y": 100, "width": 400, "height": 350}}],
        f"1. **{TEXT}** – x: 10%, y: 20%, width: 50%, height: 70%",
        f'<svg width="8" height="5"><rect x="10%" y="20%" width="50%" height="70%"><title>{TEXT}</title></rect></svg>',
    ),
    "corners under their names": (
        [{"xmin": 80, "ymin": 100, "xmax": 480, "ymax": 450, "name": TEXT, "confidence": 0.5, "class": 0}],
        [{"x1": 80, "y1": 100, "x2": 480, "y2": 450, "label": TEXT}],
        [{"left": 80, "top": 100, "right": 480, "bottom": 450, "label": TEXT}],
        f"{TEXT}: x1=80, y1=100, x2=480, y2=450",
        {"objects": [{"x_min": 0.1, "y_min": 0.2, "x_max": 0.6, "y_max": 0.9, "label": TEXT}]},
    ),
    "corner and size under their names": (
        [{"left": 80, "top": 100, "width": 400, "height": 350, "label": TEXT}],
        {"objects": [{"left": 80, "top": 100, "width": 200, "height": 70, "scaleX": 2, "scaleY": 5, "text": TEXT}]},
        [
            {"left": 280, "top": 275, "width": 200, "height": 350, "scaleX": 2, "scaleY": 1, "text": TEXT}
            | {"originX": "center", "originY": "center"}
        ],
    ),
    "centres under their names": (
        [{"label": TEXT, "cx": 280, "cy": 275, "w": 400, "h": 350}],
        [{"label": TEXT, "x_center": 0.35, "y_center": 0.55, "width": 0.5, "height": 0.7}],
    ),
    "GroundingDINO's own output": (
        {"boxes": [[0.35, 0.55, 0.5, 0.7]], "logits": [0.4], "phrases": [TEXT]},
        {"boxes": [[0.35, 0.55, 0.5, 0.7]], "size": [500, 800], "labels": [TEXT]},
    ),
    "Vertex AI": ({"ids": ["1"], "displayNames": [TEXT], "bboxes": [[0.1, 0.6, 0.2, 0.9]], "confidences": [0.9]},),
    "Hugging Face annotations": (
        {
            "width": 1600,
            "height": 1000,
            "objects": {"id": [1], "area": [560000], "bbox": [[160, 200, 800, 700]], "category": [TEXT]},
        },
    ),
    "TensorFlow detections": ({"detection_boxes": [[0.2, 0.1, 0.9, 0.6]], "detection_class_names": [TEXT]},),
    "Mask R-CNN": ({"rois": [[100, 80, 450, 480]], "class_names": [TEXT], "scores": [0.9]},),
    "GLIGEN": (
        {"prompt": "a street", "phrases": [TEXT], "locations": [[0.1, 0.2, 0.6, 0.9]]},
        {"gligen_phrases": [TEXT], "gligen_boxes": [[0.1, 0.2, 0.6, 0.9]]},
    ),
    "columns": (
        {"bboxes": [[80, 100, 480, 450]], "labels": [TEXT]},
        [{"bboxes": [[80, 100, 480, 450]], "labels": [TEXT]}],
        {"<OD>": {"bboxes": [[80, 100, 480, 450]], "labels": [TEXT]}},
        {"<OCR_WITH_REGION>": {"quad_boxes": [[80, 100, 480, 100, 480, 450, 80, 450]], "labels": [TEXT]}},
        {"polygons": [[[80, 100, 480, 100, 480, 450]]], "labels": [TEXT]},
        {"boxes": [[80, 100, 480, 450]], "scores": [0.9], "labels": [TEXT]},
        {"xyxy": [[80, 100, 480, 450]], "class_id": [0], "data": {"class_name": [TEXT]}},
        {"bboxes_xywh": [[80, 100, 400, 350]], "captions": [TEXT]},
        {"out_boxes_xywh": [[0.1, 0.2, 0.5, 0.7]], "out_obj_ids": [1], "labels": [TEXT]},
        {"det_bboxes_norm": [[0.1, 0.2, 0.6, 0.9]], "labels": [f"</s>{TEXT}"]},
        [{"label": TEXT, "boxes": [[80, 100, 480, 450]]}],
        {"boxes": {"xyxy": [[80, 100, 480, 450]], "cls": [0]}, "names": {"0": TEXT}},
    ),
    "boxes": (
        [{"box": [80, 100, 480, 450], "label": TEXT}],
        [{"bbox": [0.1, 0.2, 0.6, 0.9], "caption": TEXT}],
        [{"score": 0.9, "label": TEXT, "box": {"xmin": 80, "ymin": 100, "xmax": 480, "ymax": 450}}],
        {
            "Labels": [
                {"Name": TEXT, "Instances": [{"BoundingBox": {"Width": 0.5, "Height": 0.7, "Left": 0.1, "Top": 0.2}}]}
            ]
        },
        {"bbox_format": "xywh", "objects": [{"bbox": [80, 100, 400, 350], "label": TEXT}]},
        [{"bbox_cxcywh": [0.35, 0.55, 0.5, 0.7], "label": TEXT}],
        [{"bbox_pct": [10, 20, 60, 90], "label": TEXT}],
        [{"bbox": "(80, 100), (480, 450)", "label": TEXT}],
        [{"label": TEXT, "top_left": {"x": 80, "y": 100}, "bottom_right": {"x": 480, "y": 450}}],
        [{"label": TEXT, "polygon": _OUTLINE}],
        [{"label": TEXT, "segmentation": [[80, 100, 480, 100, 480, 450, 80, 450]]}],
        {"objects": [{"classTitle": TEXT, "points": {"exterior": [[80, 100], [480, 450]], "interior": []}}]},
        f"<annotation><size><width>1600</width><height>1000</height></size><object><name>{TEXT}</name><bndbox>"
        "<xmin>160</xmin><ymin>200</ymin><xmax>960</xmax><ymax>900</ymax></bndbox></object></annotation>",
        f'{{"box": [80, 100, 480, 450], "label": "{TEXT}"}}\n{{"box": [80, 100, 4',
        f"- label: {TEXT}\n  bbox: [80, 100, 480, 450]",
        [{"label": TEXT, "top_left": ["10%", "20%"], "bottom_right": ["60%", "90%"]}],
        [{"value": TEXT, "geometry": [[0.1, 0.2], [0.6, 0.9]]}],
        [{"box": {"xmin": 80, "ymin": 100, "xmax": 480, "ymax": 450, "label": TEXT}}],
        {"bbox": [{"x": 80, "y": 100, "width": 400, "height": 350, "label": TEXT}]},
        [{"name": TEXT, "position": {"x": 80, "y": 100}, "size": {"width": 400, "height": 350}}],
        [{"transcription": TEXT, "points": _OUTLINE}],
    ),
    "texts beside boxes": (
        [[TEXT, [80, 100, 480, 450]]],
        [[80, 100, 480, 450, TEXT, 0.9]],
        [[_OUTLINE, TEXT, 0.9]],
        f"[('{TEXT}', (80, 100, 480, 450))]",
        [[TEXT, [12, 21], [[0.1, 0.2, 0.6, 0.9]]]],
    ),
    "boxes under their names": ({TEXT: [80, 100, 480, 450]}, {"objects": {TEXT: [[0.1, 0.2, 0.6, 0.9]]}}),
    "lists of four": ([[80, 100, 480, 450]], [0.1, 0.2, 0.6, 0.9], [[["80", "100", "480", "450"]]]),
    "outlines": ([_OUTLINE],),
    "a model's <ref> and <box>": (
        f"<ref>{TEXT}</ref><box>(100,200),(600,900)</box>",
        f"<|object_ref_start|>{TEXT}<|object_ref_end|><|box_start|>(100,200),(600,900)<|box_end|>",
        f"<|ref|>{TEXT}<|/ref|><|det|>[[100, 200, 600, 900]]<|/det|>",
        "<bbox>100 200 600 900</bbox>",
        "It is <|begin_of_box|>[[100, 200, 600, 900]]<|end_of_box|>.",
    ),
    "PaliGemma": (f"<loc0205><loc0102><loc0922><loc0614> {TEXT}",),
    "Florence-2's text": (f"{TEXT}<loc_100><loc_200><loc_600><loc_900>",),
    "Kosmos-2": (),
    "Regional Prompter": (),
    "YOLO labels": ("0 0.35 0.55 0.5 0.7", "3 0.35 0.55 0.5 0.7 0.98"),
    "YOLO outlines": ("0 0.1 0.2 0.6 0.2 0.6 0.9 0.1 0.9",),
    "DOTA": ("80 100 480 100 480 450 80 450 a-red-hoodie 0",),
    "KITTI": ("Car 0.00 0 -1.57 80 100 480 450 1.5 1.6 3.7 1.0 1.7 9.1 -1.59",),
    "lines": (
        f"{TEXT}: 80, 100, 480, 450",
        f"- {TEXT}: [80, 100, 480, 450]",
        f"[10%, 20%, 60%, 90%] {TEXT}",
        f"- **{TEXT}** (80, 100) to (480, 450)",
        "80 100 480 450",
    ),
    "style sheets": (f"{TEXT} {{left: 80px; top: 100px; width: 400px; height: 350px;}}",),
    "texts": (),
}
"""By the names of the table."""
