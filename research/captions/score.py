"""How well a description fits its crop, as a number that `select` can cut at: CLIP's cosine, or the demo's oracle."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from PIL import Image

Crop = Callable[[], Image.Image]


class Score(Protocol):
    """context: of the box, around it in the crops that `pairs` is given."""

    context: float

    def fingerprint(self) -> dict[str, str | int | float]:
        """All that decides the scores; those of different fingerprints are not comparable."""

    def tokens(self, text: str) -> int:
        """How many the text has for this score."""

    def pairs(self, crops: Sequence[Crop], texts: Sequence[str], pairs: Sequence[tuple[int, int]]) -> list[float]:
        """The score of each (index of a crop, index of a text)."""


class ClipScore:
    """Cosine of a crop's and a text's CLIP embeddings, as in the paper (not times 100).

    path: folder of a CLIP for transformers or open_clip; openai/clip-vit-large-patch14 in the paper. CLIP reads 77
    tokens; a longer text is scored in windows at word borders, and the mean of their cosines counts.
    """

    context = 0.0

    def __init__(self, path: Path, device: str | None = None):
        from ..engines.clip import load_clip

        self._clip = load_clip(path, device)

    def fingerprint(self) -> dict[str, str | int | float]:
        return {"score": "clip", **self._clip.fingerprint()}

    def tokens(self, text: str) -> int:
        return self._clip.count(text) - 2

    def windows(self, text: str) -> list[str]:
        """The text in parts of whole words that CLIP can read. A word that is too long alone is cut in two."""
        if self._clip.count(text) <= self._clip.context:
            return [text]
        words = text.split() if " " in text else [text[: len(text) // 2], text[len(text) // 2 :]]
        parts: list[str] = []
        for word in words:
            longer = f"{parts[-1]} {word}" if parts else word
            if parts and self._clip.count(longer) <= self._clip.context:
                parts[-1] = longer
            else:
                parts += self.windows(word)
        return parts

    def pairs(self, crops: Sequence[Crop], texts: Sequence[str], pairs: Sequence[tuple[int, int]]) -> list[float]:
        import torch

        seen = torch.cat([self._clip.pictures([crop()]) for crop in crops])  # one by one: crops are made when needed
        said = [self._clip.texts(self.windows(text)) for text in texts]
        return [(said[t] @ seen[c]).mean().item() for c, t in pairs]


class OracleScore:
    """The probability, by the demo world's classifier, that the crop shows what the text says."""

    context = 0.12

    def __init__(self):
        from ..engines.oracle import Oracle

        self._oracle = Oracle()

    def fingerprint(self) -> dict[str, str | int | float]:
        return {"score": "oracle", "model": self._oracle.fingerprint()["model"]}

    def tokens(self, text: str) -> int:
        return len(text.split())

    def pairs(self, crops: Sequence[Crop], texts: Sequence[str], pairs: Sequence[tuple[int, int]]) -> list[float]:
        from ..engines.contract import Question

        asked = [Question([crops[c]], f"Is this {texts[t]}?", yes_no=True) for c, t in pairs]
        return [answer.p_yes or 0.0 for answer in self._oracle.ask(asked)]
