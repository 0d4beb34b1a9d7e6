"""The demo world's oracle: its classifier of things (`research.demo.scorer`) as an engine, for whole runs without a
vision-language model.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

import torch
from PIL import Image

from deig_core.demo import files

from ..demo.scorer import ANSWERS, CROP, Classifier
from ..demo.world import COLOURS, PATTERNS, SHAPES, Thing
from ..training.store import fingerprint
from .contract import Answer, Question

_COLOUR, _SHAPE, _PATTERN = ("|".join(words) for words in (COLOURS, SHAPES, PATTERNS))
_THING = re.compile(
    rf"\ban? (?P<colour>{_COLOUR}) (?P<shape>{_SHAPE})\b"
    rf"(?: with(?: (?P<second>{_COLOUR}) (?P<pattern>{_PATTERN})\b)?(?: and)?"
    rf"(?: an? (?P<outline>{_COLOUR}) outline\b)?)?"
)


class Oracle:
    """Answers from the first picture: one thing of the demo's world, in a crop with 5 to 20 % around its box.

    A question with `yes_no` that describes a thing in the world's words ("a red star with a black outline") is whether
    it is that: p_yes is the probability of all its attributes. Another one is answered no. Any other question gets the
    thing's description.
    """

    shards_at_once = 1

    def __init__(self):
        self._classifier = Classifier().eval()
        self._classifier.load_state_dict(files.read(files.SCORER))

    def ask(self, questions: Sequence[Question]) -> list[Answer]:
        return [self._answer(question) for question in questions]

    def fingerprint(self) -> dict[str, str | int | float]:
        model = fingerprint(files.WEIGHTS / files.SCORER)
        return {"engine": "oracle", "version": f"torch {torch.__version__}", "model": model, "dtype": "float32"}

    def close(self) -> None:
        """There is nothing to give back."""

    def _answer(self, question: Question) -> Answer:
        try:
            shares = self._look(question.images()[0])
        except OSError as error:
            return Answer(error=f"The picture cannot be read: {error}.")
        if question.yes_no:
            asked = thing_in(question.text)
            if not asked:
                return Answer("No", 0.0)
            p = math.prod(float(shares[name][answers.index(getattr(asked, name))]) for name, answers in ANSWERS.items())
            return Answer("Yes" if p >= 0.5 else "No", p)
        seen = {name: ANSWERS[name][int(share.argmax())] for name, share in shares.items()}
        if not seen["shape"] or not seen["colour"]:
            return Answer("UNSURE")
        if not (seen["pattern"] and seen["second"]):
            seen["pattern"] = seen["second"] = None
        return Answer(Thing(**seen).describe())

    @torch.no_grad()
    def _look(self, picture: Image.Image) -> dict[str, torch.Tensor]:
        """Probabilities of each head's answers, by the head's name."""
        crop = torch.frombuffer(bytearray(picture.tobytes()), dtype=torch.uint8)
        crop = crop.reshape(1, picture.height, picture.width, 3).permute(0, 3, 1, 2).float() / 255
        crop = torch.nn.functional.interpolate(crop, (CROP, CROP), mode="bilinear", antialias=True)
        return {name: logits[0].softmax(0) for name, logits in self._classifier(crop).items()}


def thing_in(text: str) -> Thing | None:
    """The first thing that `text` describes in the words of `Thing.describe`."""
    found = _THING.search(text)
    return Thing(**found.groupdict()) if found else None
