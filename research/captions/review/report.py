"""`review report`: what people's answers say of all that was kept, and whether that was agreed to be enough."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from itertools import combinations

from .answers import RIGHT, UNKNOWN, WRONG, Answer
from .sample import Pair, Sample
from .statistics import kappa, weighted, wilson

Answers = Mapping[str, Mapping[str, Answer]]


def joined(sample: Sample, answers: Answers) -> dict[str, str]:
    """One answer for each pair that somebody judged: wrong where anybody says so, else unknown where anybody does."""
    found = {}
    for pair in sample.pairs:
        said = {mine[pair.id].answer for mine in answers.values() if pair.id in mine}
        if said:
            found[pair.id] = WRONG if WRONG in said else UNKNOWN if UNKNOWN in said else RIGHT
    return found


def accepted(sample: Sample, answers: Answers) -> tuple[bool, str]:
    """Whether the rule stated in the sample is met, and the sentence that says why.

    Every pair must be judged, and the lower bound of the share of right ones reach `accept`; what nobody could tell
    counts as wrong.
    """
    answered = joined(sample, answers)
    left = len(sample.pairs) - len(answered)
    if left:
        return False, f"not accepted: {left} of {len(sample.pairs)} pairs are not judged yet"
    low, _ = wilson(*_counts(sample.pairs, answered))
    met = low >= sample.accept
    sign = "at least" if met else "below"
    return met, f"{'accepted' if met else 'not accepted'}: the lower bound {low:.4f} is {sign} {sample.accept:g}"


def report(sample: Sample, answers: Answers, remarks: Sequence[str] = ()) -> list[str]:
    """Lines of markdown."""
    answered = joined(sample, answers)
    judged = [p for p in sample.pairs if p.id in answered]
    certain = [p for p in judged if answered[p.id] != UNKNOWN]
    said = Counter(answered.values())
    lines = [
        f"{len(judged)} of {len(sample.pairs)} pairs judged, for {sample.kept} kept instances (seed {sample.seed}): "
        f"{said[RIGHT]} right, {said[WRONG]} wrong, {said[UNKNOWN]} cannot be told.",
        *(f"{remark}." for remark in remarks),
        "",
        "| | pairs | right | 95 % interval |",
        "|---|---|---|---|",
        _row("of what can be told", certain, answered),
        _row("cannot be told counts as wrong", judged, answered),
        *(_row(f"- {name}", found, answered) for name, found in _strata(judged)),
        *(
            _row(f"by {who}", [p for p in sample.pairs if p.id in mine], {i: a.answer for i, a in mine.items()})
            for who, mine in sorted(answers.items())
        ),
        "",
    ]
    reasons = Counter(r for mine in answers.values() for a in mine.values() if a.answer == WRONG for r in a.reasons)
    if reasons:
        lines += ["Why wrong: " + ", ".join(f"{reason} {count}" for reason, count in reasons.most_common()) + ".", ""]
    for first, second in combinations(sorted(answers), 2):
        lines += _agreement(first, answers[first], second, answers[second])
    return [*lines, f"{accepted(sample, answers)[1][0].upper()}{accepted(sample, answers)[1][1:]}."]


def _counts(pairs: Sequence[Pair], answered: Mapping[str, str]) -> tuple[float, float]:
    return weighted([answered[p.id] == RIGHT for p in pairs], [p.weight for p in pairs])


def _row(name: str, pairs: Sequence[Pair], answered: Mapping[str, str]) -> str:
    right, of = _counts(pairs, answered)
    low, high = wilson(right, of)
    share = f"{100 * right / of:.1f} %" if of else "-"
    return f"| {name} | {len(pairs)} | {share} | {100 * low:.1f} to {100 * high:.1f} % |"


def _strata(pairs: Sequence[Pair]) -> list[tuple[str, list[Pair]]]:
    bands: list[tuple[str, Callable[[Pair], bool]]] = [
        ("persons", lambda p: p.kind == "person"),
        ("objects", lambda p: p.kind == "object"),
    ]
    if len({p.band for p in pairs}) > 1:
        bands += [
            ("lowest fifth of the scores", lambda p: p.band < 2),
            ("middle three fifths", lambda p: 2 <= p.band < 8),
            ("highest fifth", lambda p: p.band >= 8),
        ]
    return [(name, [p for p in pairs if holds(p)]) for name, holds in bands]


def _agreement(first: str, one: Mapping[str, Answer], second: str, two: Mapping[str, Answer]) -> list[str]:
    both = [i for i in one if i in two and UNKNOWN not in (one[i].answer, two[i].answer)]
    table = Counter((one[i].answer == RIGHT, two[i].answer == RIGHT) for i in both)
    found = kappa(table)
    value = "undefined (both always say the same)" if found is None and both else f"{found:.2f}" if both else ""
    if not both:
        return [f"{first} and {second} have judged no pair in common.", ""]
    return [
        f"{first} and {second} judged {len(both)} pairs in common, kappa {value}:",
        "",
        f"| | {second}: right | wrong |",
        "|---|---|---|",
        f"| {first}: right | {table[True, True]} | {table[True, False]} |",
        f"| wrong | {table[False, True]} | {table[False, False]} |",
        "",
    ]
