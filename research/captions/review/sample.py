"""`review make`: pairs of crop and description by lot, with the page that shows them."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from deig_core.errors import DeigError

from ...atomic import write_whole
from ..folder import Folder
from ..views import Pictures, crop, marked
from ..work import Work

FORMAT = "deig-review/1"
PAGE = Path(__file__).parent / "page"
SIDE = 640  # pixels of a picture's longer side in the page
BANDS = 10  # of the score, in each kind


@dataclass(frozen=True)
class Pair:
    """kind: person or object. band: tenth of the kind by score, 0 the lowest; 0 for all where there are no scores.
    weight: how many kept instances it stands for.
    """

    id: str
    noun: str
    kind: str
    band: int
    weight: float
    text: str
    crop: str
    whole: str


@dataclass(frozen=True)
class Sample:
    """accept: least lower bound of the share of right descriptions, stated before anybody looks."""

    seed: int
    accept: float
    kept: int
    pairs: tuple[Pair, ...]

    @property
    def hash(self) -> str:
        """Of what is judged: answers belong to it alone."""
        judged = [self.seed, *((p.id, p.noun, p.text) for p in self.pairs)]
        return hashlib.sha256(json.dumps(judged).encode()).hexdigest()[:16]

    def to_json(self) -> str:
        return json.dumps({"format": FORMAT, "hash": self.hash} | asdict(self), indent=1) + "\n"

    @classmethod
    def read(cls, path: Path) -> Sample:
        """Raises DeigError for a file of another format, and for a sample that was changed after it was made."""
        try:
            data = json.loads(path.read_text(encoding="utf-8"))
            expected = data.pop("hash")
            if data.pop("format") != FORMAT:
                raise KeyError("format")
            found = cls(**data | {"pairs": tuple(Pair(**p) for p in data["pairs"])})
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise DeigError(
                f"{path} is no sample of the format {FORMAT} ({error!r}): review make writes one."
            ) from None
        if found.hash != expected:
            raise DeigError(f"{path} was changed after it was made: its answers would be of other pairs.")
        return found


def draw(kept: Sequence[Mapping], size: int, seed: int) -> list[tuple[Mapping, str, int, float]]:
    """`size` of the kept decisions, or all: (decision, kind, band, weight), in an order by lot.

    Each kind and band gets its share, so that persons and objects, low and high scores are all seen, and the weights
    make the overall share one of all that was kept. Raises DeigError where `size` is less than there are strata: one
    without a pair would stand for nothing, and the weights would not sum to what was kept.
    """
    strata = defaultdict(list)
    for kind in ("person", "object"):
        of_kind = [v for v in kept if (v["noun"] == "person") == (kind == "person")]
        of_kind.sort(key=lambda v: (v["score"] if v["score"] is not None else 0.0, v["id"]))
        for rank, decision in enumerate(of_kind):
            band = rank * BANDS // len(of_kind) if decision["score"] is not None else 0
            strata[kind, band].append(decision)
    if size < len(strata):
        raise DeigError(
            f"{size} pairs cannot stand for the {len(strata)} strata (persons and objects, each in up to {BANDS} bands "
            f"of the score) of what was kept: --pairs {len(strata)} or more was expected."
        )
    counts = _shares({key: len(found) for key, found in strata.items()}, min(size, len(kept)))
    lot = np.random.default_rng((0xDE16, seed))
    drawn = []
    for (kind, band), found in sorted(strata.items()):
        count = counts[kind, band]
        for place in sorted(lot.choice(len(found), count, replace=False).tolist()):
            drawn.append((found[place], kind, band, len(found) / count))
    return [drawn[i] for i in lot.permutation(len(drawn))]


def make(
    folder: Folder, out: Path, *, size: int = 500, seed: int = 0, accept: float = 0.9, pictures: Path | None = None
) -> Sample:
    """Writes the page with its pictures and sample.json into `out`, a folder that is not there yet.

    Raises DeigError where nothing was selected, `out` is there, `size` is too small for `draw`, or a picture cannot be
    read any more.
    """
    decisions = folder.path / "selected" / "decisions.jsonl"
    if not decisions.exists():
        raise DeigError(f"{folder.path} has nothing selected: run python -m research.captions select first.")
    if out.exists():
        raise DeigError(f"{out} is there already: a review is made once, so that no answers are lost.")
    kept = [v for v in map(json.loads, decisions.read_text(encoding="utf-8").splitlines()) if v["kept"]]
    drawn = draw(kept, size, seed)
    ids = {decision["id"] for decision, *_ in drawn}
    places = {i.id: (w, i) for index in folder.done() for w in folder.work(index) for i in w.instances if i.id in ids}
    read = Pictures(pictures or Path(folder.plan().pictures))
    half = out.with_name(out.name + ".partial")
    shutil.rmtree(half, ignore_errors=True)
    (half / "pairs").mkdir(parents=True)
    pairs = []
    for number, (decision, kind, band, weight) in enumerate(drawn):
        work, instance = places[decision["id"]]
        names = f"pairs/{number:04d}-crop.jpg", f"pairs/{number:04d}-whole.jpg"
        whole = _picture(read, work)
        for name, view in zip(names, (crop(whole, instance.bbox), marked(whole, instance.bbox)), strict=True):
            view.thumbnail((SIDE, SIDE))
            view.save(half / name, quality=88)
        pairs.append(Pair(instance.id, instance.noun, kind, band, weight, decision["text"], *names))
    sample = Sample(seed, accept, len(kept), tuple(pairs))
    for file in PAGE.iterdir():
        shutil.copy(file, half)
    write_whole(half / "sample.json", sample.to_json())
    write_whole(half / "pairs.js", f"const SAMPLE = {json.dumps(_shown(sample))};\n")
    half.rename(out)
    return sample


def _shown(sample: Sample) -> dict:
    """What the page is told: no scores and no bands, which would sway who judges."""
    pairs = [{name: getattr(p, name) for name in ("id", "noun", "text", "crop", "whole")} for p in sample.pairs]
    return {"hash": sample.hash, "pairs": pairs}


def _picture(read: Pictures, work: Work) -> Image.Image:
    try:
        return read(work)
    except OSError as error:
        raise DeigError(f"A picture of the sample cannot be read: {error}. --pictures names their folder.") from None


def _shares(sizes: Mapping, total: int) -> dict:
    """Whole numbers in proportion to the sizes that sum to `total`, by largest remainder; at least one of each."""
    everything = sum(sizes.values())
    exact = {key: total * size / everything for key, size in sizes.items()}
    counts = {key: max(1, int(share)) for key, share in exact.items()}
    by_remainder = sorted(sizes, key=lambda key: (exact[key] - counts[key], key))
    while sum(counts.values()) > total:
        key = next(k for k in by_remainder if counts[k] > 1)
        counts[key] -= 1
        by_remainder.remove(key)
        by_remainder.append(key)
    for key in reversed(by_remainder):
        if sum(counts.values()) == total:
            break
        counts[key] += counts[key] < sizes[key]
    return counts
