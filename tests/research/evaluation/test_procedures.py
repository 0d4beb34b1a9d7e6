import pytest
from hand import LEFT, RIGHT, boxes, layout, records

from research.evaluation.colour import RANGES
from research.evaluation.procedures import deig, instdiff, mig
from research.evaluation.procedures.location import Thresholds, locate

YES, NO = {"text": "yes", "p_yes": 0.9}, {"text": "no", "p_yes": 0.1}
UPPER_LEFT = (0.0, 0.0, 0.5, 0.5)  # half of LEFT


def judge(of, found, *answers, **how):
    words = {"boxes": [boxes(*found)] * len(of.instances), "answer": answers}
    return deig.verdicts(of, records(words, of), **how)


def test_iou_of_exactly_one_half_passes_and_less_fails():
    cup = layout(LEFT)
    assert judge(cup, [(*UPPER_LEFT, 0.9)], YES)[0].ok
    (verdict,) = judge(cup, [(0.0, 0.0, 0.5, 0.49, 0.9)], YES)
    assert not verdict.ok
    assert verdict.iou == pytest.approx(0.49)
    assert verdict.reason == "the best of 1 cup has IoU 0.49 with the box, 0.5 is needed"


def test_thresholds_can_change_afterwards():
    cup, found = layout(LEFT), [(*LEFT, 0.26), (*RIGHT, 0.25)]
    assert judge(cup, found, YES)[0].ok
    at_the_threshold = Thresholds(score=0.26)
    strict = judge(cup, found, YES, thresholds=at_the_threshold)
    assert (strict[0].iou, strict[0].reason) == (0, "no cup was found")
    assert not judge(cup, [(*UPPER_LEFT, 0.9)], YES, thresholds=Thresholds(iou=0.6))[0].ok


def test_the_place_gates_every_parser_and_not_p_yes():
    (verdict,) = judge(layout(LEFT), [(*RIGHT, 0.9)], YES)
    assert not verdict.ok
    assert {name: verdict.scores[name] for name in deig.PARSERS} == dict.fromkeys(deig.PARSERS, 0)
    assert verdict.scores["p_yes"] == 0.9


def test_a_neighbours_detection_counts_as_published_and_not_one_to_one():
    pair = layout(LEFT, (0.05, 0.0, 0.5, 1.0))
    verdicts = judge(pair, [(*LEFT, 0.9)], YES, YES)
    assert [v.ok for v in verdicts] == [True, True]
    assert [v.scores["one to one"] for v in verdicts] == [1, 0]
    assert [v.scores["IoU one to one"] for v in verdicts] == [1, 0]


def test_another_nouns_detections_are_its_own():
    cup, bowl = layout(LEFT, noun="cup").instances[0], layout(RIGHT, noun="bowl").instances[0]
    both = layout(LEFT)
    both = type(both)(both.id, both.benchmark, both.prompt, (cup, bowl))
    words = {"boxes": [boxes((*LEFT, 0.9)), boxes((*LEFT, 0.9))], "answer": [YES, YES]}
    assert [v.ok for v in deig.verdicts(both, records(words, both))] == [True, False]


def test_a_model_that_gave_an_error_is_a_failure_and_counted():
    cups = layout(LEFT, RIGHT)
    words = {"boxes": [boxes((*LEFT, 0.9)), "NaN logits"], "answer": ["413 from the server", YES]}
    first, second = deig.verdicts(cups, records(words, cups))
    assert (first.ok, first.iou, first.reason, first.unjudged) == (False, 1, "no answer: 413 from the server", True)
    assert (second.ok, second.iou, second.reason, second.unjudged) == (False, 0, "no boxes: NaN logits", True)


# text: as published, first word
ANSWERS = {
    "yes": (True, True),
    "Yes.": (False, True),
    "YES": (False, True),
    "no": (False, False),
    "No, it is yes-coloured": (True, False),
    "": (False, False),
    "yesterday": (True, False),
    "not yes": (True, False),
    "**yes**": (True, True),
    "是的": (False, False),
    "I cannot help with that.": (False, False),
}


@pytest.mark.parametrize(("text", "expected"), ANSWERS.items())
def test_parsers_side_by_side(text, expected):
    assert (deig.passes(text, None, "published"), deig.passes(text, None, "first word")) == expected
    assert not deig.passes(text, None, "strict"), "without P(yes)"


def test_parsers_differ_where_they_should():
    assert [text for text, (published, clean) in ANSWERS.items() if published != clean] == [
        "Yes.",
        "YES",
        "No, it is yes-coloured",
        "yesterday",
        "not yes",
    ]


@pytest.mark.parametrize(("p_yes", "expected"), [(0.6, True), (0.59, False), (None, False)])
def test_strict_is_a_margin(p_yes, expected):
    assert deig.passes("yes", p_yes, "strict") is expected


def test_the_parser_can_change_afterwards():
    answer = {"text": "Yes.", "p_yes": 0.55}
    cup, found = layout(LEFT), [(*LEFT, 0.9)]
    by_parser = {name: judge(cup, found, answer, parser=name)[0] for name in deig.PARSERS}
    assert {name: v.ok for name, v in by_parser.items()} == {"published": False, "first word": True, "strict": False}
    assert by_parser["published"].reason == "the judge says 'Yes.', P(yes) 0.55"
    assert [v.scores["first word"] for v in by_parser.values()] == [1, 1, 1]


def coloured(red, pixels=1000):
    return {"pixels": pixels, "shares": dict.fromkeys(RANGES, 0.0) | {"red": red}}


def mig_verdict(found, value):
    cup = layout(LEFT, benchmark="mig", colour="red", level="L2")
    return mig.verdicts(cup, records({"boxes": [boxes(*found)], "colours": [value]}, cup))[0]


def test_a_share_of_exactly_a_fifth_passes():
    assert mig_verdict([(*LEFT, 0.9)], coloured(200 / 1000)).ok
    verdict = mig_verdict([(*LEFT, 0.9)], coloured(0.199))
    assert verdict.reason == "red is 19.9 % of the mask, 20 % are needed"


def test_migs_iou_is_0_for_the_wrong_colour_alone():
    assert mig_verdict([(*LEFT, 0.9)], coloured(0.1)).iou == 0
    assert mig_verdict([(*UPPER_LEFT, 0.9)], coloured(0.3)).iou == 0.5
    wrong_place = mig_verdict([(0.0, 0.0, 0.5, 0.25, 0.9)], coloured(0.1))
    assert (wrong_place.iou, wrong_place.ok) == (0.25, False)


def test_an_empty_mask_fails():
    verdict = mig_verdict([(*LEFT, 0.9)], coloured(0.0, pixels=0))
    assert verdict.reason == "the segmenter's mask is empty"
    assert verdict.iou == 0


def test_instdiff_takes_the_nearest_label():
    cups = layout(LEFT, RIGHT, benchmark="instdiff", label="black", attribute="colour")
    near, far = {"black": 0.25, "white": 0.2}, {"black": 0.2, "white": 0.25}
    words = {"clip": [{"phrase": 0.24, "labels": near}, {"phrase": 0.21, "labels": far}]}
    first, second = instdiff.verdicts(cups, records(words, cups))
    assert (first.ok, first.iou, dict(first.scores)) == (True, None, {"clip": 0.24})
    assert second.reason == "looks white (0.250) rather than black (0.200)"


def test_evidence_without_what_was_asked_for_is_unjudged():
    cup = layout(LEFT, benchmark="mig", colour="red", label="black", attribute="colour")
    words = {
        "boxes": [boxes((*LEFT, 0.9))],
        "colours": [{"pixels": 9, "shares": {"blue": 1.0}}],
        "clip": [{"phrase": 0.2, "labels": {"rubber": 0.3}}],
    }
    for procedure, lacks in ((mig, "a share of red lacks"), (instdiff, "a cosine of black lacks")):
        kinds = {kind: words[kind] for kind in procedure.NEEDS}
        (verdict,) = procedure.verdicts(cup, records(kinds, cup))
        assert verdict.unjudged and lacks in verdict.reason
        (verdict,) = procedure.verdicts(cup, records({kind: ["NaN"] for kind in kinds}, cup))
        assert verdict.unjudged and verdict.reason.endswith(": NaN")


def test_mirrored_boxes_are_judged_alike():
    def mirrored(box):
        return (1 - box[2], box[1], 1 - box[0], box[3], *box[4:])

    found = [(0.1, 0.1, 0.4, 0.9, 0.9), (0.12, 0.1, 0.42, 0.9, 0.8), (0.6, 0.2, 0.9, 0.7, 0.5)]
    wanted = [(0.1, 0.1, 0.35, 0.8), (0.5, 0.2, 0.95, 0.9)]

    def places(wanted, found):
        of = layout(*wanted)
        return [p.iou for p in locate(of, records({"boxes": [boxes(*found)] * 2}, of), Thresholds())]

    assert places(wanted, found) == pytest.approx(places([*map(mirrored, wanted)], [*map(mirrored, found)]))
