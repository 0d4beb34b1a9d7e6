"""The paper's tables, computed again from what they are made of."""

import pytest

from research.evaluation.published import MIG_INSTANCES, MIG_PASSED, TABLES
from research.evaluation.tables import rounded

MIG = TABLES["mig"].rows


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


def test_table_4s_last_row_is_table_1s():
    assert TABLES["deig"].rows["DEIG"] == {"C-AVG": 0.75, "L-AVG": 0.44, "mIoU": 0.79}
