"""A vision-language model as DEIG-Bench uses it: is the crop of the given box as its description says?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...engines.contract import Answer, Engine, Question
from ..procedures.deig import PUBLISHED, QUESTIONS
from ..witness import Failure, Sight, Word, decimals

MOST_TOKENS = 128


class Judge:
    """engine: of `research.engines`. Asked at temperature 0; P(yes) is kept where the engine gives it.

    question: its words, with {} for the description. at_once: pictures; many keep a server busy, few lose little when
    killed.
    """

    kind = "answer"

    def __init__(self, engine: Engine, by: str, at_once: int = 1, question: str = QUESTIONS[PUBLISHED]):
        self.by, self.at_once, self._engine, self._question = by, at_once, engine, question

    def fingerprint(self) -> dict[str, Any]:
        return {**self._engine.fingerprint(), "question": self._question, "most_tokens": MOST_TOKENS, "temperature": 0}

    def look(self, sights: Sequence[Sight]) -> list[Word]:
        questions = [
            Question((s.crop,), self._question.replace("{}", s.instance.text), most_tokens=MOST_TOKENS, yes_no=True)
            for s in sights
        ]
        return [_word(answer) for answer in self._engine.ask(questions)]

    def close(self) -> None:
        self._engine.close()


def _word(answer: Answer) -> Word:
    if answer.error:
        return Failure(answer.error)
    p_yes = None if answer.p_yes is None else decimals(answer.p_yes)
    return {"text": answer.text, "p_yes": p_yes, **({"cut": True} if answer.cut else {})}
