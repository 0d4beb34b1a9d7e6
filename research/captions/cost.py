"""What a run asks for, on paper: questions, tokens, hours.

python -m research.captions.cost --pictures 118287 --instances 860001 --gpus 8
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from .prompts import DESCRIBE, QUALITY
from .views import CONTEXT, LEAST
from .work import Work

PATCH = 28  # pixels a side of a visual token of Qwen2.5-VL
LETTERS = 4.5  # of a text token
ANSWER = 40  # tokens of a description of 20 to 30 words
AGAIN = 0.1  # of the instances are asked a second time
WHOLE, CROP = (640, 480), (260, 260)  # pixels, where the set itself is not at hand


@dataclass(frozen=True)
class Set:
    """A detection set's counts, and the mean visual tokens of a whole picture and of a crop."""

    pictures: int
    instances: int
    whole: float = WHOLE[0] * WHOLE[1] / PATCH**2
    crop: float = CROP[0] * CROP[1] / PATCH**2

    @classmethod
    def of(cls, work: Sequence[Work]) -> Set:
        """work: of a plan, so one picture with one instance at least."""
        wholes = [w.width * w.height / PATCH**2 for w in work]
        crops = [_crop_tokens(*i.bbox[2:]) for w in work for i in w.instances]
        return cls(len(work), len(crops), sum(wholes) / len(wholes), sum(crops) / len(crops))

    @property
    def questions(self) -> float:
        """Two of quality for each picture (grey is asked of few), one for each instance, some of them twice."""
        return self.pictures * (len(QUALITY) - 1) + self.instances * (1 + AGAIN)

    @property
    def read(self) -> float:
        """Tokens that go in: pictures and text."""
        quality = self.whole + len(QUALITY["unclear"]) / LETTERS + 20
        described = self.whole + self.crop + len(DESCRIBE) / LETTERS + 20
        return self.pictures * (len(QUALITY) - 1) * quality + self.instances * (1 + AGAIN) * described

    @property
    def written(self) -> float:
        """Tokens that come out."""
        return self.pictures * (len(QUALITY) - 1) * 2 + self.instances * (1 + AGAIN) * ANSWER


def on_paper(data: Set) -> str:
    """One line for a person."""
    return (
        f"on paper: {data.questions:,.0f} questions, {data.read / 1e6:,.1f} million tokens to read (a picture "
        f"{data.whole:.0f}, a crop {data.crop:.0f}), {data.written / 1e6:,.2f} million to write"
    )


def _crop_tokens(width: float, height: float) -> float:
    w, h = width * (1 + 2 * CONTEXT), height * (1 + 2 * CONTEXT)
    larger = max(1.0, LEAST / max(w, h))
    return w * h * larger**2 / PATCH**2


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m research.captions.cost", description=__doc__)
    parser.add_argument("--pictures", type=int, required=True)
    parser.add_argument("--instances", type=int, required=True)
    parser.add_argument("--gpus", type=int, default=8)
    parser.add_argument("--read", type=float, default=8000, help="tokens a second that a GPU reads (default: 8000)")
    parser.add_argument("--write", type=float, default=1000, help="tokens a second that a GPU writes (default: 1000)")
    options = parser.parse_args(arguments)
    data = Set(options.pictures, options.instances)
    hours = {"reading": data.read / options.read, "writing": data.written / options.write}
    print(on_paper(data))
    total = sum(hours.values()) / 3600 / options.gpus
    print(
        f"{options.gpus} GPUs at {options.read:g} tokens/s read and {options.write:g} written: {total:.1f} hours, "
        + ", ".join(f"{100 * h / sum(hours.values()):.0f} % {name}" for name, h in hours.items())
        + f"; {data.instances / total / 3600:.1f} instances/s, {data.questions / total / 3600:.0f} questions/s in all"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
