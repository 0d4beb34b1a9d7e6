"""How well a description fits its crop, as a number that `select` can cut at: CLIP's cosine, or the demo's oracle."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from PIL import Image

from deig_core.errors import DeigError

Crop = Callable[[], Image.Image]


class Score(Protocol):
    """context: of the box, around it in the crops that `pairs` is given."""

    context: float

    def fingerprint(self) -> dict[str, str | int | float]: ...

    def tokens(self, text: str) -> int:
        """How many the text has for this score."""

    def pairs(self, crops: Sequence[Crop], texts: Sequence[str], pairs: Sequence[tuple[int, int]]) -> list[float]:
        """The score of each (index of a crop, index of a text)."""


class ClipScore:
    """Cosine of a crop's and a text's CLIP embeddings, as in the paper (not times 100).

    path: folder of a Hugging Face CLIP, openai/clip-vit-large-patch14 in the paper. CLIP reads 77 tokens; a longer text
    is scored in windows at word borders, and the mean of their cosines counts.
    """

    context = 0.0

    def __init__(self, path: Path, device: str | None = None, batch: int = 32):
        import torch
        from transformers import AutoImageProcessor, AutoTokenizer, CLIPModel

        self.path, self.batch = path, batch
        self.device = device or ("cuda" if torch.cuda.is_available() else "cpu")
        try:
            self._model = CLIPModel.from_pretrained(path, local_files_only=True, use_safetensors=True)
            self._tokenizer = AutoTokenizer.from_pretrained(path, local_files_only=True)
            self._processor = AutoImageProcessor.from_pretrained(path, local_files_only=True)
        except (OSError, ValueError) as error:
            line = (str(error).strip().splitlines() or [type(error).__name__])[0]
            raise DeigError(f"{path} is no folder of a CLIP with tokenizer and image processor: {line}") from None
        self._model = self._model.to(self.device).eval()
        self._room = self._model.config.text_config.max_position_embeddings - 2

    def fingerprint(self) -> dict[str, str | int | float]:
        from ..training.store import fingerprint

        return {"score": "clip", "model": fingerprint(self.path), "device": self.device.partition(":")[0]}

    def tokens(self, text: str) -> int:
        return len(self._tokenizer(text, add_special_tokens=False, verbose=False).input_ids)

    def windows(self, text: str) -> list[str]:
        """The text in parts of whole words that CLIP can read; a single word that is too long is cut."""
        if self.tokens(text) <= self._room:
            return [text]
        parts: list[list[str]] = [[]]
        for word in text.split():
            if parts[-1] and self.tokens(" ".join([*parts[-1], word])) > self._room:
                parts.append([])
            parts[-1].append(word)
        return [" ".join(part) for part in parts]

    def pairs(self, crops: Sequence[Crop], texts: Sequence[str], pairs: Sequence[tuple[int, int]]) -> list[float]:
        split = [self.windows(text) for text in texts]
        seen, said = self._seen(crops), self._said([window for windows in split for window in windows])
        first = [0]
        for windows in split:
            first.append(first[-1] + len(windows))
        return [(said[first[t] : first[t + 1]] @ seen[c]).mean().item() for c, t in pairs]

    def _seen(self, crops: Sequence[Crop]):
        import torch

        found = []
        with torch.no_grad():
            for start in range(0, len(crops), self.batch):
                images = [crop() for crop in crops[start : start + self.batch]]
                pixels = self._processor(images, return_tensors="pt").pixel_values.to(self.device)
                found.append(_unit(self._model.get_image_features(pixel_values=pixels)))
        return torch.cat(found)

    def _said(self, texts: Sequence[str]):
        import torch

        found = []
        with torch.no_grad():
            for start in range(0, len(texts), self.batch):
                tokens = self._tokenizer(
                    list(texts[start : start + self.batch]),
                    padding=True,
                    truncation=True,
                    max_length=self._room + 2,
                    return_tensors="pt",
                ).to(self.device)
                found.append(_unit(self._model.get_text_features(**tokens)))
        return torch.cat(found)


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


def _unit(features):
    """Rows of length 1, float32 on the CPU. transformers 4 gives a tensor, 5 an output that holds it."""
    features = getattr(features, "pooler_output", features).float().cpu()
    return features / features.norm(dim=-1, keepdim=True)
