"""What a selection kept and why not, for people to read and for programs to compare."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Sequence

import numpy as np

from .decisions import LOW, Decision
from .folder import Plan
from .rules import word_count

SAMPLES = 5  # of each reason
LADDER = (0.16, 0.18, 0.20, 0.22, 0.24, 0.26)
QUANTILES = (0.01, 0.05, 0.1, 0.25, 0.5, 0.9)
CLIP_ROOM = 75


class Report:
    """Counts decisions as they come; `markdown` and `figures` say what they came to."""

    def __init__(self, plan: Plan, made_with: dict, missing_shards: int):
        self.plan, self.made_with, self.missing = plan, made_with, missing_shards
        self.seen = self.kept = self.pictures = self.again = self.helped = self.twins = self.words = self.truncated = 0
        self.reasons: Counter[str] = Counter()
        self.alone: Counter[str] = Counter()
        self.by_class: dict[str, Counter[str]] = defaultdict(Counter)
        self.samples: dict[str, list[tuple[str, Decision]]] = defaultdict(list)
        self._good: list[float] = []  # scores of all that the score alone could still refuse
        self._own: list[float] = []
        self._control: list[float] = []

    def add(self, decisions: Sequence[Decision]) -> None:
        """Every decision is counted; a few are remembered, as samples of their reasons."""
        for v in decisions:
            self.seen += 1
            self.kept += v.kept
            self.again += v.again
            self.helped += v.again and v.kept
            self.twins += v.kept and v.twin
            self.words += word_count(v.text) if v.kept else 0
            self.truncated += v.score_tokens > CLIP_ROOM
            self.reasons.update(v.reasons)
            self.by_class[v.noun].update(["seen"] + ["kept"] * v.kept)
            if len(v.reasons) == 1:
                self.alone[v.reasons[0]] += 1
            for reason in v.reasons or ("kept",):
                self._sample(reason, v)
            if v.score is not None:
                if set(v.reasons) <= {LOW}:
                    self._good.append(v.score)
                if v.control is not None:
                    self._own.append(v.score)
                    self._control.append(v.control)

    def most_often(self) -> str:
        """The three most frequent reasons with their counts, in words."""
        return ", ".join(f"{reason} ({count})" for reason, count in self.reasons.most_common(3)) or "nothing was asked"

    def figures(self) -> dict:
        """For JSON: the counts, and where there are scores their quantiles and the control."""
        found = {
            "instances": self.seen,
            "kept": self.kept,
            "pictures": self.pictures,
            "missing_shards": self.missing,
            "reasons": dict(self.reasons.most_common()),
            "alone": dict(self.alone.most_common()),
            "asked_again": self.again,
            "asked_again_and_kept": self.helped,
            "same_text_twice_in_a_picture": self.twins,
            "mean_words": round(self.words / max(self.kept, 1), 2),
            "classes": {noun: dict(count) for noun, count in sorted(self.by_class.items())},
            "made_with": self.made_with,
        }
        if self._good:
            scores = np.array(self._good)
            found["scores"] = {
                "quantiles": {f"{q}": round(float(np.quantile(scores, q)), 4) for q in QUANTILES},
                "kept_at": {f"{t:.2f}": round(float((scores >= t).mean()), 4) for t in LADDER},
                "longer_than_clip_reads": self.truncated,
            }
        if self._own:
            found["control"] = control(self._own, self._control)
        return found

    def markdown(self) -> str:
        """A page: the figures in words, then samples of what was kept and of each reason."""
        f = self.figures()
        share = 100 * self.kept / max(self.seen, 1)
        lines = [
            f"# What was kept of {self.plan.annotations}",
            "",
            f"{self.kept} of {self.seen} instances ({share:.1f} %) in {self.pictures} pictures; "
            f"{f['mean_words']} words on average. {self.again} were asked again, {self.helped} of these are kept. "
            f"{self.twins} kept texts stand twice in a picture.",
            "",
            *([f"{self.missing} of {self.plan.shards} shards are missing here.", ""] if self.missing else []),
            "Before anything was asked, the plan left out: "
            + (", ".join(f"{n} {reason}" for reason, n in self.plan.left_out.items() if n) or "nothing")
            + ".",
            "",
            "| why not | instances | share | for this reason alone |",
            "|---|---|---|---|",
            *(f"| {r} | {n} | {100 * n / self.seen:.2f} % | {self.alone[r]} |" for r, n in self.reasons.most_common()),
            "",
        ]
        if "scores" in f:
            lines += [
                "Scores of what nothing else speaks against: "
                + ", ".join(f"{100 * float(q):g} % below {v}" for q, v in f["scores"]["quantiles"].items())
                + ". A threshold of "
                + ", ".join(f"{t} keeps {100 * share:.1f} %" for t, share in f["scores"]["kept_at"].items())
                + f". {self.truncated} texts are longer than CLIP reads at once and were scored in parts.",
                "",
            ]
        if "control" in f:
            c = f["control"]
            lines += [
                f"Control: a text against another crop of its class scores lower than against its own in "
                f"{100 * c['auc']:.1f} % of all pairings (AUC {c['auc']:.3f}, {c['pairs']} texts). The best cut "
                f"between them is {c['best']}: it keeps {100 * c['own_kept']:.1f} % of the own and "
                f"{100 * c['other_kept']:.1f} % of the others.",
                "",
            ]
        for reason in ("kept", *(r for r, _ in self.reasons.most_common())):
            lines += [f"## {reason[0].upper()}{reason[1:]}", ""]
            for _, v in sorted(self.samples[reason], key=lambda s: s[0]):
                score = "" if v.score is None else f" ({v.score:.3f})"
                text = v.text.replace("\n", " / ").replace("|", "\\|") or "(nothing)"
                lines.append(f"- {v.noun} {v.id}{score}: {text}")
            lines.append("")
        return "\n".join(lines)

    def _sample(self, reason: str, decision: Decision) -> None:
        """Some by lot, which is the instance's own, so that the same ones are shown however the work was split."""
        kept = self.samples[reason]
        kept.append((hashlib.sha256(decision.id.encode()).hexdigest(), decision))
        kept.sort(key=lambda s: s[0])
        del kept[SAMPLES:]


def control(own: Sequence[float], other: Sequence[float]) -> dict:
    """AUC of telling texts on their own crop from texts on another one of the class, ties counting half; and the cut
    with the largest difference of what it keeps of both.
    """
    a, b = np.sort(np.asarray(own, dtype=float)), np.sort(np.asarray(other, dtype=float))
    below = np.searchsorted(b, a, "left") + np.searchsorted(b, a, "right")
    cuts = np.unique(np.concatenate([a, b]))
    own_kept = 1 - np.searchsorted(a, cuts, "left") / len(a)
    other_kept = 1 - np.searchsorted(b, cuts, "left") / len(b)
    best = int(np.argmax(own_kept - other_kept))
    return {
        "auc": round(float(below.sum() / (2 * len(a) * len(b))), 4),
        "pairs": len(a),
        "best": round(float(cuts[best]), 4),
        "own_kept": round(float(own_kept[best]), 4),
        "other_kept": round(float(other_kept[best]), 4),
    }
