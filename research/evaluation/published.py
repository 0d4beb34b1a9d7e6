"""The paper's own figures (arXiv 2602.18282, Tables 1 to 4), and how its procedure differs from this one.

Of Table 1 the averages judged by Qwen2.5-VL, DEIG's levels and one figure by InternVL3: no more of it could be had. Of
Table 2 the four baselines are whole counts of instances at each level, which is how they are kept. Its DEIG row is not:
75.23 % is no count of 320, 72.00 % none of 480, 70.02 % none of 640, and its printed average 72.25 is neither the
levels' pooled value 72.02 nor their mean 72.28. Nobody should tune towards it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

DEIG_INSTANCES = {"C1": 195, "C2": 211, "C3": 193, "L1": 209, "L2": 212, "L3": 213, "L4": 179}
_DEIG = {
    **{"C1": 0.82, "C2": 0.74, "C3": 0.69, "C-AVG": 0.75},
    **{"L1": 0.67, "L2": 0.41, "L3": 0.38, "L4": 0.27, "L-AVG": 0.44},
    "mIoU": 0.79,
}
MIG_INSTANCES = {"L2": 320, "L3": 480, "L4": 640, "L5": 800, "L6": 960}
MIG_PASSED = {
    "GLIGEN": (133, 155, 180, 203, 286),
    "MIGC": (240, 316, 428, 501, 622),
    "InstanceDiffusion": (219, 283, 383, 446, 545),
    "ROICtrl": (231, 315, 414, 479, 585),
}
_MIG_MIOU = {"GLIGEN": 27.03, "MIGC": 56.44, "InstanceDiffusion": 53.06, "ROICtrl": 55.27}


@dataclass(frozen=True)
class Table:
    """rows: method -> column of `procedures`, or of `average_precision` -> the number as printed.

    digits: decimals of a column's numbers, 2 where it has none. differs: in sentences.
    """

    title: str
    rows: Mapping[str, Mapping[str, float]]
    differs: Sequence[str]
    digits: Mapping[str, int] = field(default_factory=dict)


def _mig_row(method: str) -> dict[str, float]:
    passed = MIG_PASSED[method]
    levels = {f"ISR {name}": 100 * n / all_ for n, (name, all_) in zip(passed, MIG_INSTANCES.items(), strict=True)}
    return {**levels, "ISR": 100 * sum(passed) / sum(MIG_INSTANCES.values()), "mIoU": _MIG_MIOU[method]}


LOCATION = (
    "Grounding DINO is transformers' class and not the original's code: pre- and post-processing differ, and with them "
    "the scores near the threshold.",
    "A missing or unusable picture fails here, with IoU 0; the scripts leave it out of the average.",
    "The paper drew one picture a layout, from one seed and one noise; give the interval of three seeds or more.",
)
TABLES = {
    "deig": Table(
        "Table 1, DEIG-Bench, judged by Qwen2.5-VL where a row does not say otherwise",
        {
            "GLIGEN": {"C-AVG": 0.10, "L-AVG": 0.10, "mIoU": 0.71},
            "MIGC": {"C-AVG": 0.22, "L-AVG": 0.36, "mIoU": 0.72},
            "MIGC, judged by InternVL3": {"L-AVG": 0.54},
            "InstanceDiffusion": {"C-AVG": 0.25, "L-AVG": 0.33, "mIoU": 0.75},
            "ROICtrl": {"C-AVG": 0.31, "L-AVG": 0.33, "mIoU": 0.71},
            "DEIG": _DEIG,
            "DEIG without the IDE (Table 4)": {"C-AVG": 0.51, "L-AVG": 0.35, "mIoU": 0.73},
            "DEIG without the DFM (Table 4)": {"C-AVG": 0.70, "L-AVG": 0.41, "mIoU": 0.75},
            "DEIG without detailed captions (Table 4)": {"C-AVG": 0.31, "L-AVG": 0.29, "mIoU": 0.70},
        },
        (
            *LOCATION,
            "The judge answers at temperature 0 here; the script leaves sampling to the checkpoint's configuration.",
            "The judge sees every crop here; the script asks only where the place is right, which changes no verdict.",
            "The printed averages are pooled over instances, as here.",
            "The paper's levels of the other methods, and its other figures by InternVL3, could not be had.",
        ),
    ),
    "mig": Table(
        "Table 2, MIG-Bench, per cent",
        {
            **{method: _mig_row(method) for method in MIG_PASSED},
            "DEIG": {"ISR L2": 75.23, "ISR L3": 72.00, "ISR L4": 70.02, "ISR": 72.25, "mIoU": 62.64},
        },
        (
            *LOCATION,
            "SAM is transformers' class, prompted with the given box, best of three masks, as published.",
            "A picture counts as 512 x 512 only if both sides are; the script looks at its height alone.",
            "The baselines' rows are DEIG's authors' own runs, with other steps and seeds than those methods' papers.",
            "The DEIG row cannot come from one complete run: its levels are no whole counts.",
        ),
    ),
    "instdiff": Table(
        "Table 3, InstDiff-Bench: colour, texture, and places by average precision",
        {
            "GLIGEN, colour": {"accuracy": 25.0, "CLIP": 0.217},
            "ROICtrl, colour": {"accuracy": 56.9, "CLIP": 0.255},
            "DEIG, colour": {"accuracy": 58.8, "CLIP": 0.258},
            "GLIGEN, texture": {"accuracy": 15.8, "CLIP": 0.205},
            "ROICtrl, texture": {"accuracy": 23.7, "CLIP": 0.223},
            "DEIG, texture": {"accuracy": 26.1, "CLIP": 0.228},
            "GLIGEN, places": {"AP": 0.20, "AP50": 0.35},
            "DEIG, places": {"AP": 0.34},
        },
        (
            "Which column of the paper's table is which is an inference from the values and InstanceDiffusion's table.",
            "The published script drops instances whose crop cannot be cut, and stops at a missing picture; both fail "
            "here.",
            "The 512-pixel annotations are rebuilt from COCO's by scaling: the customised file could not be had.",
            "Average precision comes from `ap`, and from whichever detector wrote the results file.",
        ),
        {"accuracy": 1, "CLIP": 3},
    ),
}
