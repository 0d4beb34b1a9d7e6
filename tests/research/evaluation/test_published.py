"""The paper's tables, computed again from what they are made of."""

import pytest

from research.evaluation.published import DEIG_INSTANCES, MIG_INSTANCES, MIG_PASSED, TABLES
from research.evaluation.tables import rounded

MIG = TABLES["mig"].rows
DEIG = TABLES["deig"].rows["DEIG"]


@pytest.mark.parametrize(
    ("method", "passed", "printed"),
    [
        ("GLIGEN", 957, "29.91"),
        ("MIGC", 2107, "65.84"),
        ("InstanceDiffusion", 1876, "58.63"),  # 58.625: half up
        ("ROICtrl", 2024, "63.25"),
    ],
)
def test_table_2_is_pooled_over_instances(method, passed, printed):
    assert sum(MIG_PASSED[method]) == passed
    assert rounded(MIG[method]["ISR"], 2) == printed
    mean_of_levels = sum(MIG[method][f"ISR {level}"] for level in MIG_INSTANCES) / 5
    assert rounded(mean_of_levels, 2) != printed


def test_rounding_is_half_up_of_the_decimal():
    assert (rounded(58.625, 2), rounded(0.58625, 2, 100), rounded(0.125, 2), rounded(-0.125, 2)) == (
        "58.63",
        "58.63",
        "0.13",
        "-0.13",
    )
    assert f"{58.625:.2f}" == "58.62", "what Python's own rounding gives"


@pytest.mark.parametrize("level", ["L2", "L3", "L4"])
def test_table_2s_row_of_deig_is_no_whole_count(level):
    printed = rounded(MIG["DEIG"][f"ISR {level}"], 2)
    instances = MIG_INSTANCES[level]
    assert printed not in {rounded(100 * passed / instances, 2) for passed in range(instances + 1)}


@pytest.mark.parametrize("method", MIG_PASSED)
def test_table_2s_baselines_are_whole_counts(method):
    for level, instances in MIG_INSTANCES.items():
        assert (MIG[method][f"ISR {level}"] * instances / 100) == pytest.approx(
            round(MIG[method][f"ISR {level}"] * instances / 100)
        )


@pytest.mark.parametrize("kind", ["C", "L"])
def test_table_1s_averages_of_deig_are_pooled_over_instances(kind):
    """Within what the levels' own rounding leaves open; the plain mean of L1 to L4 would be printed as 0.43."""
    levels = {name: count for name, count in DEIG_INSTANCES.items() if name[0] == kind}
    pooled = sum(DEIG[name] * count for name, count in levels.items()) / sum(levels.values())
    assert rounded(pooled, 2) == rounded(DEIG[f"{kind}-AVG"], 2)
    if kind == "L":
        assert rounded(sum(DEIG[name] for name in levels) / 4, 2) == "0.43"


def test_the_benchmark_has_as_many_instances_as_its_paper_says():
    assert [sum(n for name, n in DEIG_INSTANCES.items() if name[0] == kind) for kind in "CL"] == [599, 813]


def test_table_4s_last_row_is_table_1s():
    assert {name: DEIG[name] for name in ("C-AVG", "L-AVG", "mIoU")} == {"C-AVG": 0.75, "L-AVG": 0.44, "mIoU": 0.79}
