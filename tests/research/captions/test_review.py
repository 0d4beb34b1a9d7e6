"""The human check: the sample, the answers and what they say."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deig_core.errors import DeigError
from research.captions.review.answers import read_answers
from research.captions.review.report import accepted, report
from research.captions.review.sample import Pair, Sample, draw
from research.captions.review.statistics import kappa, weighted, wilson


@pytest.mark.parametrize(
    ("right", "of", "low", "high"),
    [
        (475, 500, 0.9272, 0.9659),
        (490, 500, 0.9636, 0.9891),
        (450, 500, 0.8706, 0.9233),
        (500, 500, 0.9924, 1),
        (0, 500, 0, 0.0076),
    ],
)
def test_wilson(right, of, low, high):
    assert wilson(right, of) == pytest.approx((low, high), abs=5e-5)


def test_wilson_of_nothing_says_nothing():
    assert wilson(0, 0) == (0, 1)


@given(st.integers(0, 300), st.integers(1, 300))
def test_an_interval_holds_its_share_and_is_the_mirror_of_the_others(right, more):
    low, high = wilson(right, right + more)
    assert 0 <= low <= right / (right + more) + 1e-12 and right / (right + more) - 1e-12 <= high <= 1
    assert wilson(more, right + more) == pytest.approx((1 - high, 1 - low), abs=1e-12)


def test_kappa():
    assert kappa({(True, True): 20, (True, False): 5, (False, True): 10, (False, False): 15}) == pytest.approx(0.4)
    assert kappa({(True, True): 7, (False, False): 3}) == 1 and kappa({}) is None and kappa({(True, True): 7}) is None
    assert kappa({(True, True): 25, (True, False): 25, (False, True): 25, (False, False): 25}) == 0


@given(st.lists(st.booleans(), min_size=1), st.floats(0.1, 10))
def test_equal_weights_are_plain_counts(right, weight):
    assert weighted(right, [weight] * len(right)) == pytest.approx((sum(right), len(right)))


def test_unequal_weights_count_for_what_they_stand_for():
    right, of = weighted([True, False, False], [8, 1, 1])
    assert right / of == pytest.approx(0.8) and of == pytest.approx(100 / 66)


def decision(i, noun, score):
    return {"id": str(i), "noun": noun, "score": score, "text": f"a {noun}"}


@settings(max_examples=60)
@given(st.integers(0, 60), st.integers(0, 200), st.integers(1, 150), st.integers(0, 5), st.booleans())
def test_a_sample_takes_from_every_kind_and_band_its_share(persons, objects, size, seed, scored):
    kept = [
        decision(i, "person" if i < persons else "dog", i / 7 % 1 if scored else None) for i in range(persons + objects)
    ]
    if not kept:
        return
    try:
        drawn = draw(kept, size, seed)
    except DeigError:
        assert size < len(strata_of(kept))
        return
    ids = [v["id"] for v, *_ in drawn]
    assert len(ids) == len(set(ids)) == min(size, len(kept)) and drawn == draw(kept[::-1], size, seed)
    strata = {(kind, band) for _, kind, band, _ in drawn}
    assert strata == strata_of(kept)
    assert sum(weight for *_, weight in drawn) == pytest.approx(len(kept))
    if not scored:
        assert {band for _, band in strata} == {0}


def strata_of(kept):
    """Kinds and bands as the lot of everything shows them."""
    return {(kind, band) for _, kind, band, _ in draw(kept, 10_000, 0)}


def test_fewer_pairs_than_strata_are_refused():
    kept = [decision(i, "person" if i < 3 else "dog", i / 100) for i in range(100)]
    with pytest.raises(DeigError, match=r"8 pairs cannot stand for the 13 strata .*: --pairs 13 or more was expected"):
        draw(kept, 8, 0)
    assert sum(weight for *_, weight in draw(kept, 13, 0)) == pytest.approx(100)


def test_another_seed_is_another_sample():
    kept = [decision(i, "dog", i / 100) for i in range(100)]
    assert [v["id"] for v, *_ in draw(kept, 20, 0)] != [v["id"] for v, *_ in draw(kept, 20, 1)]


SAMPLE = Sample(
    0,
    0.9,
    1000,
    tuple(
        Pair(str(i), "dog", "person" if i % 4 == 0 else "object", i % 10, 10.0, f"text {i}", "c.jpg", "w.jpg")
        for i in range(100)
    ),
)


def line(pair, answer="right", who="Ann", reasons=(), at="2026-01-01T00:00:00.000Z", sample=SAMPLE.hash):
    return {"sample": sample, "reviewer": who, "pair": str(pair), "answer": answer, "reasons": reasons, "at": at}


def read(tmp_path, *files):
    paths = []
    for number, lines in enumerate(files):
        paths.append(tmp_path / f"answers-{number}.jsonl")
        paths[-1].write_text("".join(json.dumps(found) + "\n" for found in lines))
    return read_answers(paths, SAMPLE)


def test_a_sample_comes_back_and_a_changed_one_is_refused(tmp_path):
    path = tmp_path / "sample.json"
    path.write_text(SAMPLE.to_json())
    assert Sample.read(path) == SAMPLE
    path.write_text(SAMPLE.to_json().replace("text 7", "text seven"))
    with pytest.raises(DeigError, match="was changed after it was made"):
        Sample.read(path)
    path.write_text("{}")
    with pytest.raises(DeigError, match=r"is no sample of the format deig-review/1 .* review make writes one"):
        Sample.read(path)


def test_all_right_is_accepted_and_says_how_sure_that_is(tmp_path):
    answers, remarks = read(tmp_path, [line(i) for i in range(100)])
    assert remarks == [] and accepted(SAMPLE, answers) == (True, "accepted: the lower bound 0.9630 is at least 0.9")
    text = "\n".join(report(SAMPLE, answers))
    assert text.startswith("100 of 100 pairs judged, for 1000 kept instances (seed 0): 100 right, 0 wrong")
    assert "| of what can be told | 100 | 100.0 % | 96.3 to 100.0 % |" in text
    assert "| - persons | 25 | 100.0 %" in text and "| - highest fifth | 20 |" in text


@pytest.mark.parametrize(
    ("wrong", "unknown", "met"), [(4, 0, True), (5, 0, False), (0, 5, False), (2, 2, True), (4, 1, False)]
)
def test_what_nobody_can_tell_counts_as_wrong_in_the_rule(tmp_path, wrong, unknown, met):
    said = ["wrong"] * wrong + ["unknown"] * unknown + ["right"] * (100 - wrong - unknown)
    answers, _ = read(tmp_path, [line(i, a, reasons=["colour"] if a == "wrong" else []) for i, a in enumerate(said)])
    assert accepted(SAMPLE, answers)[0] is met
    text = "\n".join(report(SAMPLE, answers))
    assert f"| of what can be told | {100 - unknown} |" in text and "| cannot be told counts as wrong | 100 |" in text
    assert (f"Why wrong: colour {wrong}." in text) == bool(wrong)


def test_an_unfinished_review_is_not_accepted(tmp_path):
    answers, _ = read(tmp_path, [line(i) for i in range(99)])
    assert accepted(SAMPLE, answers) == (False, "not accepted: 1 of 100 pairs are not judged yet")


def test_two_people_are_joined_by_the_stricter_and_compared(tmp_path):
    ann = [line(i, "right" if i < 25 else "wrong") for i in range(50)]
    ben = [line(i, "right" if i < 20 or 25 <= i < 35 else "wrong", "Ben") for i in range(50)]
    answers, _ = read(tmp_path, ann, ben)
    text = "\n".join(report(SAMPLE, answers))
    assert "Ann and Ben judged 50 pairs in common, kappa 0.40:" in text
    assert "| Ann: right | 20 | 5 |\n| wrong | 10 | 15 |" in text
    assert "50 of 100 pairs judged" in text and ": 20 right, 30 wrong" in text
    assert "| by Ann | 50 | 50.0 %" in text and "| by Ben | 50 | 60.0 %" in text


def test_the_last_of_two_answers_counts_and_is_remarked(tmp_path):
    later = "2026-01-02T00:00:00.000Z"
    for files in ([[line(1), line(1, "wrong", at=later)]], [[line(1, "wrong", at=later)], [line(1)]]):
        answers, remarks = read(tmp_path, *files)
        assert answers["Ann"]["1"].answer == "wrong"
        assert remarks == ["Ann answered 1 pairs twice and differently; the last answer counts"]
    assert read(tmp_path, [line(1)], [line(1)])[1] == []


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ([line(1, sample="other")], r"answers-0\.jsonl, line 1 answers another sample \(other\)"),
        ([line(1), line(100)], "line 2 answers the pair '100', which is not in the sample"),
        ([line(1, "yes")], "'yes' is no answer; there are right, wrong and unknown"),
        ([line(1, "wrong", reasons=["ugly"])], "'ugly' is no reason"),
        ([line(1, who="")], "line 1 is no answer of the review's page"),
        ([{"pair": "1"}], "line 1 is no answer"),
        ([3], "line 1 is no answer"),
        ([], "holds no answers"),
    ],
)
def test_answers_that_are_none_are_refused_by_line(tmp_path, lines, said):
    with pytest.raises(DeigError, match=said):
        read(tmp_path, lines)
