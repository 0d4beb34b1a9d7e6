"""Keys and words that files use for places, orders and units, without case, dashes and blanks."""

from __future__ import annotations

BOX_KEYS = (
    *("box", "bbox", "boundingbox", "xyxy", "xyxyn", "xywh", "xywhn", "cxcywh", "yxyx", "ltrb", "tlbr", "ltwh", "tlwh"),
    *("bbox2d", "box2d", "boxxyxy", "bboxxyxy", "boxxywh", "bboxxywh", "boxcxcywh", "bboxcxcywh", "bndbox", "bbx"),
    *("bounds", "boundingrect", "boundingrectangle", "relativeboundingbox", "rectangle", "rect"),
    *(
        "coordinates",
        "coordinate",
        "coords",
        "boundingboxcoordinates",
        "x1y1x2y2",
        "y1x1y2x2",
        "geometry",
        "facialarea",
        "boxpoints",
    ),
)
"""Plain keys whose value is a box: a list of four, or a mapping of the keys below."""
UNSAID = ("rect", "rectangle", "boundingrect", "boundingrectangle")  # corners with some, corner and size with others
CORNERS = tuple(
    tuple(keys.split())
    for keys in (
        *("xmin ymin xmax ymax", "minx miny maxx maxy", "x0 y0 x1 y1", "x1 y1 x2 y2", "left top right bottom"),
        *("l t r b", "xtl ytl xbr ybr", "xl yt xr yb", "startx starty endx endy", "xstart ystart xend yend"),
        *("bboxx1 bboxy1 bboxx2 bboxy2", "topleftx toplefty bottomrightx bottomrighty", "tlx tly brx bry"),
        *("xleft ytop xright ybottom", "leftx topy rightx bottomy", "x1 y1 xmax ymax", "xfrom yfrom xto yto"),
        *("x y x2 y2", "upperleftx upperlefty lowerrightx lowerrighty", "xtopleft ytopleft xbottomright ybottomright"),
        "leftcol toprow rightcol bottomrow",
        *("bboxxmin bboxymin bboxxmax bboxymax", "bboxleft bboxtop bboxright bboxbottom", "west north east south"),
    )
)
SIZES = tuple(
    tuple(keys.split())
    for keys in (
        *("x y w h", "x y width height", "left top width height", "left top w h", "l t w h", "xmin ymin width height"),
        *("originx originy width height", "x0 y0 w h", "x0 y0 width height", "minx miny width height"),
        *("bboxx bboxy bboxw bboxh", "bboxx bboxy bboxwidth bboxheight", "bboxleft bboxtop bboxwidth bboxheight"),
        *("topleftx toplefty width height", "xtopleft ytopleft width height"),
        *("xmin ymin w h", "x1 y1 width height", "x1 y1 w h", "offsetx offsety width height"),
    )
)
CENTRES = tuple(
    tuple(keys.split())
    for keys in (
        *("cx cy w h", "cx cy width height", "xc yc w h", "xcenter ycenter width height", "xcenter ycenter w h"),
        *("centerx centery width height", "centerx centery w h", "xcentre ycentre width height"),
        *("centrex centrey width height", "xctr yctr w h", "xmid ymid width height", "xc yc width height"),
    )
)
PAIRS = (
    *(("topleft", "bottomright"), ("tl", "br"), ("min", "max"), ("start", "end"), ("lefttop", "rightbottom")),
    *(
        ("upperleft", "lowerright"),
        ("from", "to"),
        ("p1", "p2"),
        ("pt1", "pt2"),
        ("topleftcorner", "bottomrightcorner"),
    ),
)
OUTLINES = (
    *("points", "polygon", "polygons", "vertices", "normalizedvertices", "exterior", "contour", "quad", "quadbox"),
    *("corners", "boundingpoly", "boundingpolygon", "segmentation", "segments", "outline", "poly", "quadrilateral"),
)
ANGLES = ("angle", "rotation", "theta", "rotate", "rotationangle", "rotationdegrees")
ORDER_WORDS = {
    **{"xyxy": "xyxy", "ltrb": "xyxy", "tlbr": "xyxy", "xywh": "xywh", "ltwh": "xywh", "tlwh": "xywh"},
    **{"cxcywh": "cxcywh", "yxyx": "yxyx", "corners": "xyxy", "center": "cxcywh", "centre": "cxcywh", "xxyy": "xxyy"},
    **{"yolo": "cxcywh", "coco": "xywh", "voc": "xyxy", "pascalvoc": "xyxy", "albumentations": "xyxy", "xy": "xyxy"},
    **{"yx": "yxyx", "xyxyabs": "xyxy", "xywhabs": "xywh", "xyxyrel": "xyxy", "xywhrel": "xywh", "x1y1x2y2": "xyxy"},
    **{"xminyminxmaxymax": "xyxy", "yminxminymaxxmax": "yxyx", "xywhn": "cxcywh", "xyxyn": "xyxy", "yyxx": "yyxx"},
    **{"y1x1y2x2": "yxyx", "xcycwh": "cxcywh", "x1y1wh": "xywh", "topleft": "xywh", "xcenterycenterwh": "cxcywh"},
    **{"xcenterycenterwidthheight": "cxcywh", "x0y0x1y1": "xyxy", "xywidthheight": "xywh"},
}
UNIT_WORDS = {
    **dict.fromkeys(("n", "norm", "normalized", "normalised", "relative", "rel", "frac", "fraction"), "fractions"),
    **dict.fromkeys(
        ("fractions", "ratio", "01", "unit", "xyxyn", "xywhn", "normed", "xyxyrel", "xywhrel"), "fractions"
    ),
    **dict.fromkeys(("yolo", "albumentations"), "fractions"),
    **dict.fromkeys(("pct", "percent", "percentage", "percents", "0100"), "percent"),
    **dict.fromkeys(("px", "pixel", "pixels", "absolute", "abs", "xyxyabs", "xywhabs"), "pixels"),
    **dict.fromkeys(("coco", "voc", "pascalvoc"), "pixels"),
    **dict.fromkeys(("1000", "01000", "0999", "norm1000", "normalized1000", "permille"), "0..1000"),
}
DECLARES = (
    *(
        "bboxmode",
        "bboxformat",
        "boxformat",
        "boxmode",
        "format",
        "coordmode",
        "coordinateformat",
        "bboxorder",
        "order",
    ),
    *("coordinatesystem", "coordinatetype", "boxtype", "bboxtype", "coordformat", "units", "unit", "coordinates"),
    *("coordinateunits", "coordinatemode", "layout", "boxlayout", "axisorder", "scale"),
)

LISTS = (
    *("elements", "boxes", "bboxes", "boundingboxes", "detections", "objects", "instances", "regions", "annotations"),
    *("shapes", "annos", "predictions", "results", "items", "layers", "bboxcontrols", "entities", "things", "subjects"),
)
"""Plain keys of lists whose texts without a place are regions too."""
COLUMNS = (
    *("boxes", "bboxes", "boundingboxes", "bbox", "predboxes", "xyxy", "locations", "gligenboxes", "quadboxes"),
    *("polygons", "box", "bboxesxyxy", "boxesxyxy", "boxlist", "boxescxcywh", "boxesxywh", "bboxesxywh", "xyxyn"),
    *("xywhn", "xywh", "recboxes"),
)
COLUMN_TEXTS = (
    *("descriptions", "captions", "phrases", "prompts", "labels", "texts", "textlabels", "bboxeslabels", "classnames"),
    *("names", "classes", "categories", "gligenphrases", "entities", "classlabels", "labelnames", "polygonslabels"),
    *("displaynames", "detectionclassnames", "detectionclassentities", "predclasses", "tags", "labelstext"),
    *("labeltexts", "objects", "label", "classname", "category", "name", "rectexts"),
    *("cls", "classids", "labelids", "classid"),
)
# Parts of files that hold numbers or texts and no regions.
ASIDE = {
    *("info", "licenses", "categories", "keypoints", "landmarks", "mask", "masks", "size", "imagesize", "cropbox"),
    *("cropregion", "colorpalette", "palette", "colors", "flags", "scores", "classnames", "styledescription", "usage"),
    *("area", "embedding", "embeddings", "imagedata", "attributes", "metadata", "logits", "confidence", "confidences"),
}
