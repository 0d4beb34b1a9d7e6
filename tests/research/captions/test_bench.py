"""What the speed command measures is what a run does."""

import pytest

from research.captions.bench import throughput


def test_a_run_is_measured_against_what_its_server_could_answer():
    row = throughput(delay=0.2, in_flight=9, rounds=4)
    assert row["pictures"] == 4 and row["questions"] == 4 * 9
    assert 0.2 * 36 / 9 / row["seconds"] == row["of the ideal"] == pytest.approx(1 - row["idle"]) and row["idle"] > 0
