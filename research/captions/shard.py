"""One shard: questions about each picture and each instance, one more try where the text rules refuse, scores."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from PIL import Image

from ..engines.contract import Answer, Engine, Question
from . import prompts, rules
from .grey import DOUBTFUL, GREY, colour_spread
from .prompts import QUALITY
from .score import Score
from .views import CONTEXT, LEAST, Pictures, crop, marked
from .work import Instance, Work

SAMPLING = {"temperature": 0.4, "most_tokens": 96}
YES_NO_TOKENS = 8
_LOOKING = threading.Lock()  # shards at one time take turns here, so that the first one's questions are soon asked


def made_with(engine: Engine, score: Score | None) -> dict:
    """All that decides a shard's results, beside the plan."""
    return {
        "engine": engine.fingerprint(),
        "score": score.fingerprint() if score else None,
        "prompts": prompts.version(),
        "rules": rules.version(),
        "sampling": SAMPLING,
        "views": {"context": CONTEXT, "least": LEAST},
    }


class Shard:
    """The work of one shard, and what asks and scores it."""

    def __init__(
        self,
        work: Sequence[Work],
        pictures: Pictures,
        engine: Engine,
        score: Score | None,
        words: rules.Words,
        seed: int,
    ):
        self.work, self.pictures, self.engine, self.score = work, pictures, engine, score
        self.words, self.seed = words, seed

    def describe(self, before: Sequence[dict] | None = None) -> list[dict]:
        """A record for each picture, in the order of the work.

        before: records of an earlier run; pictures without an error keep theirs.
        """
        records: dict[int, dict] = {}
        for i, old in enumerate(before or ()):
            if not failed(old):
                records[i] = old
        with _LOOKING:
            new = {i: self._looked_at(work) for i, work in enumerate(self.work) if i not in records}
        readable = [i for i, record in new.items() if not record["error"]]
        self._ask(new, readable)
        if self.score:
            self._add_scores(new, readable)
        records |= new
        return [records[i] for i in range(len(self.work))]

    def _looked_at(self, work: Work) -> dict:
        record: dict = {"id": work.id, "error": None, "spread": None, "quality": {}, "instances": []}
        try:
            record["spread"] = colour_spread(self.pictures(work))
        except OSError as error:
            record["error"] = f"The picture cannot be used: {error}."
        return record

    def _ask(self, new: Mapping[int, dict], readable: Sequence[int]) -> None:
        # Of one picture after the other, so that each is read once.
        subjects: list[tuple[int, str | Instance]] = []
        for i in readable:
            subjects += [(i, kind) for kind in QUALITY if kind != "grey" or _doubtful(new[i])]
            subjects += [(i, instance) for instance in self.work[i].instances]
        questions = [self._question(i, about) for i, about in subjects]
        described, first, tries = [], [], []
        for (i, about), question, answer in zip(subjects, questions, self.engine.ask(questions), strict=True):
            if isinstance(about, str):
                new[i]["quality"][about] = {"text": answer.text, "p_yes": answer.p_yes, "error": answer.error}
            else:
                described.append((i, about))
                first.append(question)
                tries.append([answer])
        refused = [n for n, (answer,) in enumerate(tries) if self._refused(answer, described[n][1])]
        again = [self._once_more(first[n], tries[n][0], described[n][1]) for n in refused]
        for n, answer in zip(refused, self.engine.ask(again), strict=True):
            tries[n].append(answer)
        for (i, instance), found in zip(described, tries, strict=True):
            new[i]["instances"].append(self._record(instance, found))

    def _question(self, i: int, about: str | Instance) -> Question:
        """On the picture's quality of that kind, or on the instance."""
        return self._of_quality(i, about) if isinstance(about, str) else self._of_instance(i, about)

    def _of_quality(self, i: int, kind: str) -> Question:
        whole = partial(self.pictures, self.work[i])
        return Question([whole], QUALITY[kind], most_tokens=YES_NO_TOKENS, yes_no=True)

    def _of_instance(self, i: int, instance: Instance) -> Question:
        views = [partial(self._view, view, i, instance) for view in (crop, marked)]
        return Question(views, prompts.describe(instance.noun, self.words), seed=instance.seed(self.seed), **SAMPLING)

    def _once_more(self, question: Question, answer: Answer, instance: Instance) -> Question:
        reasons = self._refused(answer, instance)
        text = prompts.again(question.text, answer.text, reasons, self.words)
        return Question(question.pictures, text, seed=question.seed ^ 1, **SAMPLING)

    def _view(self, view: Callable[..., Image.Image], i: int, instance: Instance) -> Image.Image:
        return view(self.pictures(self.work[i]), instance.bbox)

    def _refused(self, answer: Answer, instance: Instance) -> list[rules.Reason]:
        """Why the model is asked again; not where it failed, or honestly cannot tell."""
        if answer.error:
            return []
        found = rules.reasons(rules.tidied(answer.text), instance.noun, self.words, cut=answer.cut)
        return [reason for reason in found if reason in rules.ASKED_AGAIN]

    def _record(self, instance: Instance, tries: Sequence[Answer]) -> dict:
        """The last answer counts where it is one, else the first."""
        last = next((a for a in reversed(tries) if not a.error), tries[-1])
        return {
            "id": instance.id,
            "text": rules.tidied(last.text),
            "cut": last.cut,
            "error": last.error,
            "tries": [{"text": a.text, "error": a.error} for a in tries],
        }

    def _add_scores(self, new: Mapping[int, dict], readable: Sequence[int]) -> None:
        """Each text's score on its own crop, and as a control on the next crop of its class in the shard."""
        places = [(i, k) for i, work in enumerate(self.work) for k in range(len(work.instances))]
        instance = {place: self.work[place[0]].instances[place[1]] for place in places}
        same = defaultdict(list)
        for place in places:
            if place[0] not in new or place[0] in readable:
                same[instance[place].noun].append(place)
        found = {(i, k): f for i in readable for k, f in enumerate(new[i]["instances"])}
        wanted = [place for place, f in found.items() if rules.describes(f["text"])]
        crops: dict[tuple[int, int], int] = {}
        texts, pairs, controls = [], [], set()
        for t, place in enumerate(wanted):
            texts.append(found[place]["text"])
            pairs.append((crops.setdefault(place, len(crops)), t))
            group = same[instance[place].noun]
            other = group[(group.index(place) + 1) % len(group)]
            if other != place:
                controls.add(t)
                pairs.append((crops.setdefault(other, len(crops)), t))
        if not wanted:
            return
        views = [partial(self._scored_crop, i, instance[i, k]) for i, k in crops]
        scores = iter(self.score.pairs(views, texts, pairs))
        for t, place in enumerate(wanted):
            found[place]["score"] = round(next(scores), 5)
            found[place]["control"] = round(next(scores), 5) if t in controls else None
            found[place]["score_tokens"] = self.score.tokens(texts[t])

    def _scored_crop(self, i: int, instance: Instance) -> Image.Image:
        return crop(self.pictures(self.work[i]), instance.bbox, self.score.context)


def failed(record: dict) -> bool:
    """Whether something in a picture's record may succeed when it is asked again."""
    parts = [record, *record["quality"].values(), *record["instances"]]
    return any(part["error"] for part in parts)


def _doubtful(record: dict) -> bool:
    return GREY <= record["spread"] < DOUBTFUL
