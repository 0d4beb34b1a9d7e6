"""What every engine takes and gives: `ask` turns questions about pictures into answers, in the same order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from PIL import Image

from deig_core.errors import DeigError

PIXELS = 768 * 768  # a picture's default budget
MOST_ASPECT = 200  # longer side over shorter one: Qwen's processors refuse more


class EngineError(DeigError):
    """Nothing can be asked at all: a server that is down, a model that is not there. One sentence for the user."""


@dataclass(frozen=True)
class Question:
    """pictures: shown before the text, each an image or a function that makes it when its turn has come, so that
    thousands of questions can wait without their pixels.

    seed: of the sampling; temperature 0 takes the likeliest token. yes_no: the answer's P(yes) is wanted too.
    """

    pictures: Sequence[Image.Image | Callable[[], Image.Image]]
    text: str
    seed: int = 0
    most_tokens: int = 128
    temperature: float = 0.0
    yes_no: bool = False

    def images(self, pixels: int = PIXELS) -> list[Image.Image]:
        """The pictures in RGB, none with more than `pixels` pixels."""
        return [fitted(p() if callable(p) else p, pixels) for p in self.pictures]


@dataclass(frozen=True)
class Answer:
    """p_yes: P(yes) / (P(yes) + P(no)) at the first token, where it was asked for and can be known.

    error: why there is no answer, for this question alone; `text` is empty then. cut: the answer ended at most_tokens.
    """

    text: str = ""
    p_yes: float | None = None
    error: str | None = None
    cut: bool = False


class Engine(Protocol):
    """`shards_at_once`: how many threads may call `ask` at the same time to their profit."""

    shards_at_once: int

    def ask(self, questions: Sequence[Question]) -> list[Answer]:
        """One answer for each question, in their order. Raises EngineError where no question could be answered."""

    def fingerprint(self) -> dict[str, str | int | float]:
        """All that decides the answers to a question: engine, version, model, precision, pixels. Answers of different
        fingerprints are not comparable.
        """

    def close(self) -> None:
        """Gives back what the engine holds, a model's memory or connections. Nothing is asked afterwards."""


def fitted(picture: Image.Image, pixels: int) -> Image.Image:
    """RGB, on white where it is transparent, and scaled down to `pixels` pixels where it has more."""
    if picture.has_transparency_data:
        layer = picture.convert("RGBA")
        picture = Image.new("RGBA", layer.size, "white")
        picture.alpha_composite(layer)
    picture = picture.convert("RGB")
    scale = (pixels / (picture.width * picture.height)) ** 0.5
    if scale >= 1:
        return picture
    return picture.resize((max(1, int(picture.width * scale)), max(1, int(picture.height * scale))), Image.LANCZOS)
