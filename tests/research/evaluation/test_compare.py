"""What `score --json` wrote comes back, and anything else is refused in a sentence."""

import copy
import json

import pytest

from research.evaluation.compare import compared, read_scores
from research.evaluation.layout import LayoutError
from research.evaluation.score import VERSION

COUNTS = {"pictures": 1, "missing": 0, "unusable": 0, "resized": 0, "instances": 2, "unjudged": 0}
ROW = {"name": "a", "estimates": {"mIoU": {"value": 0.5, "low": 0.4, "high": 0.6}}, "counts": COUNTS}
SCORES = {"version": VERSION, "benchmark": "deig", "rows": [ROW]}


def test_scores_stand_beside_the_published_ones(tmp_path):
    (tmp_path / "scores.json").write_text(json.dumps(SCORES))
    said = compared(*read_scores(tmp_path / "scores.json"))
    assert (
        "| a | 0.500 ± 0.100 | 1 | 0 | 0 | 0 | 0 |" in said
        and "| DEIG | 0.82 | 0.74 | 0.69 | 0.75 | 0.67 | 0.41 | 0.38 | 0.27 | 0.44 | 0.79 |" in said
    )


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (["benchmark"], ["deig"]),
        (["rows"], {"a": 1}),
        (["rows", 0], "a"),
        (["rows", 0, "name"], 7),
        (["rows", 0, "estimates"], []),
        (["rows", 0, "estimates", "mIoU"], [0.5]),
        (["rows", 0, "estimates", "mIoU", "value"], "0.5"),
        (["rows", 0, "estimates", "mIoU", "low"], float("nan")),
        (["rows", 0, "counts"], []),
        (["rows", 0, "counts", "missing"], None),
    ],
)
def test_what_score_did_not_write_is_refused(tmp_path, place, value):
    data = copy.deepcopy(SCORES)
    part = data
    for key in place[:-1]:
        part = part[key]
    part[place[-1]] = value
    (tmp_path / "scores.json").write_text(json.dumps(data))
    with pytest.raises(LayoutError, match=r"scores\.json cannot be read .*: what `score --json` wrote was expected\.$"):
        read_scores(tmp_path / "scores.json")


@pytest.mark.parametrize("text", ["", "[]", "null", "[" * 5000, "\udcff"], ids=range(5))
def test_what_is_no_json_object_is_refused(tmp_path, text):
    (tmp_path / "scores.json").write_text(text, errors="surrogateescape")
    with pytest.raises(LayoutError, match="cannot be read"):
        read_scores(tmp_path / "scores.json")
