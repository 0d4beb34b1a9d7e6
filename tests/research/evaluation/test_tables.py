import json

import pytest
from hand import LEFT, MISSING, RIGHT, THERE, layout

from research.evaluation.procedures import deig, instdiff
from research.evaluation.tables import as_csv, as_json, markdown, row
from research.evaluation.verdict import Verdict, failed


def verdicts(of, *oks, **scores):
    return [
        Verdict(of.id, i, ok, float(ok), "" if ok else "no", scores={n: float(ok) for n in scores} or {})
        for i, ok in enumerate(oks)
    ]


ONE, THREE = layout(LEFT, id="one", level="L1"), layout(LEFT, LEFT, RIGHT, id="three", level="L4")
JUDGED = {"one": verdicts(ONE, True), "three": verdicts(THREE, False, False, False)}
PICTURES = {"one": THERE, "three": THERE}


def table(columns, judged=JUDGED, pictures=PICTURES, name="x"):
    return row(name, [ONE, THREE], [(judged, pictures)], columns)


def test_instdiffs_mean_is_by_picture_and_both_are_there():
    estimates = table(instdiff.columns()).estimates
    assert estimates["accuracy"].value == 0.5
    assert estimates["accuracy, pooled"].value == 0.25


def test_levels_and_averages_are_pooled_over_instances():
    estimates = table(deig.columns()).estimates
    assert {n: estimates[n].value for n in ("L1", "L4", "L-AVG", "MAA", "mIoU")} == {
        "L1": 1,
        "L4": 0,
        "L-AVG": 0.25,
        "MAA": 0.25,
        "mIoU": 0.25,
    }
    assert "C1" not in estimates and "C-AVG" not in estimates, "there are no persons"


def test_deleting_a_picture_can_only_lower_and_is_counted():
    whole = table(deig.columns(), {"one": verdicts(ONE, True), "three": verdicts(THREE, True, True, False)})
    half = table(
        deig.columns(),
        {"one": verdicts(ONE, True), "three": failed(THREE, "the picture is missing")},
        {"one": THERE, "three": MISSING},
    )
    assert (whole.estimates["MAA"].value, half.estimates["MAA"].value) == (0.75, 0.25)
    assert (half.counts["pictures"], half.counts["missing"], half.counts["instances"]) == (2, 1, 4)
    assert half.counts["unjudged"] == 3


def test_optional_columns_count_a_lack_as_0_and_vanish_where_all_lack_it():
    judged = {"one": verdicts(ONE, True, p_yes=1), "three": failed(THREE, "the picture is missing")}
    assert table(deig.columns(), judged).estimates["P(yes)"].value == 0.25
    assert "P(yes)" not in table(deig.columns()).estimates


def test_seeds_of_a_layout_are_one_draw():
    sets = [(JUDGED, PICTURES)] * 3
    three, one = (row("x", [ONE, THREE], s, deig.columns()) for s in (sets, sets[:1]))
    assert three.estimates == one.estimates, "the same pictures three times know nothing more"
    assert three.counts["pictures"] == 6


def test_the_order_of_layouts_changes_no_value():
    forth = row("x", [ONE, THREE], [(JUDGED, PICTURES)], deig.columns())
    back = row("x", [THREE, ONE], [(JUDGED, PICTURES)], deig.columns())
    assert {n: e.value for n, e in forth.estimates.items()} == {n: e.value for n, e in back.estimates.items()}


def test_forms():
    columns = instdiff.columns()
    rows = [table(columns, name="DEIG")]
    first, _, line = markdown(rows, columns).splitlines()
    assert first.startswith("| | accuracy | CLIP | accuracy, pooled | CLIP, pooled | pictures | missing |")
    assert line.startswith("| DEIG | 50.0 ± 50.0 | 0.000 ± 0.000 | 25.0 ± ")
    assert json.loads(json.dumps(as_json(rows)))[0]["estimates"]["accuracy"]["value"] == 0.5
    assert as_csv(rows).splitlines()[:2] == ["row,column,value,low,high", "DEIG,accuracy,0.5,0.0,1.0"]


def test_a_reason_belongs_to_a_failure():
    with pytest.raises(AssertionError):
        Verdict("a", 0, False, 0.0)
