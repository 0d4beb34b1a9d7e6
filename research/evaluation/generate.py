"""Layouts to pictures: what is missing in a folder is drawn, whoever draws it.

FOLDER/settings.json        what all pictures in FOLDER were made with
FOLDER/<seed>/<layout id>.png
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from deig_core.errors import DeigError

from ..atomic import remove_halves, write_whole
from ..lock import only_run
from .layout import Layout
from .pictures import PICTURE_ERRORS

SETTINGS = "settings.json"
NOISES = ("shared", "per-picture")
MOST_FAILURES = 5  # one after the other, before what is wrong is taken to be wrong with all


@dataclass(frozen=True)
class Job:
    """One picture to be drawn. noise: the seed of its noise."""

    layout: Layout
    noise: int
    path: Path


@dataclass(frozen=True)
class Drawn:
    """A picture file's bytes, or in words why there are none."""

    job: Job
    picture: bytes | None
    error: str = ""


class Sampler(Protocol):
    """What draws."""

    def settings(self) -> Mapping[str, Any]:
        """What its pictures depend on, as a JSON object."""

    def draw(self, jobs: Sequence[Job]) -> Iterator[Drawn]:
        """Each job once, in any order."""


def generate(
    layouts: Sequence[Layout], folder: Path, sampler: Sampler, seeds: Sequence[int], noise: str = "shared"
) -> dict[Path, str]:
    """Draw what `folder` lacks. noise: shared = a seed's pictures all begin with the same one, as the paper's do;
    per-picture = each with its own, so that their errors are independent.

    Returns why pictures could not be drawn, by their paths. Raises DeigError for a folder that was made with other
    settings or is in use, for a picture of another size than its layout, and after 5 failures in a row.
    """
    from tqdm import tqdm

    if min(seeds) < 0 or len(set(seeds)) < len(seeds):
        raise DeigError(f"The seeds {', '.join(map(str, seeds))} are not all different whole numbers from 0 on.")
    folder.mkdir(parents=True, exist_ok=True)
    with only_run(folder, "generate"):
        remove_halves(folder, *(folder / str(seed) for seed in seeds))
        _settle(folder / SETTINGS, {"layouts": fingerprint(layouts), "noise": noise, **sampler.settings()})
        jobs = [
            Job(layout, noise_seed(seed, layout, noise), folder / str(seed) / f"{layout.id}.png")
            for seed in seeds
            for layout in layouts
        ]
        missing = [job for job in jobs if not job.path.is_file()]
        failures: dict[Path, str] = {}
        in_a_row = 0
        with tqdm(desc=folder.name, total=len(jobs), initial=len(jobs) - len(missing), unit="picture") as bar:
            for drawn in sampler.draw(missing):
                if drawn.picture is None:
                    failures[drawn.job.path] = drawn.error
                    in_a_row += 1
                    bar.write(f"{drawn.job.layout.id} could not be drawn: {drawn.error}")
                    if in_a_row == MOST_FAILURES:
                        raise DeigError(f"The last {in_a_row} pictures all failed, the last one so: {drawn.error}")
                    continue
                in_a_row = 0
                _keep(drawn.picture, drawn.job)
                bar.update()
    return failures


def noise_seed(seed: int, layout: Layout, noise: str) -> int:
    """The seed of a picture's noise. It depends on nothing else, so that every method begins with the same."""
    if noise == "shared":
        return seed
    digest = hashlib.sha256(f"{seed} {layout.id}".encode()).digest()
    return int.from_bytes(digest[:6], "big")  # a JavaScript page shows no larger ones exactly


def fingerprint(layouts: Sequence[Layout]) -> str:
    """sha256 of what is to be drawn."""
    return hashlib.sha256("\n".join(layout.to_json() for layout in layouts).encode()).hexdigest()


def _settle(path: Path, settings: Mapping[str, Any]) -> None:
    """Write the settings, or compare them with those there. Raises DeigError that names what differs."""
    text = json.dumps(settings, indent=1, ensure_ascii=False)
    try:
        there = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None
    except ValueError:
        raise DeigError(f"{path} cannot be read: choose another folder, or delete this one.") from None
    if there is not None and not isinstance(there, dict):
        raise DeigError(f"{path} holds no settings: choose another folder, or delete this one.")
    if there is None:
        if pictures := next(path.parent.rglob("*.png"), None):
            raise DeigError(f"{pictures} was not drawn here (there is no {SETTINGS}): choose another folder.")
        write_whole(path, text)
    elif there != (settings := json.loads(text)):
        names = sorted(k for k in {*there, *settings} if there.get(k) != settings.get(k))
        raise DeigError(
            f"{path.parent} was made with other settings ({', '.join(names)}): choose another folder, or delete that "
            f"one."
        )


def _keep(picture: bytes, job: Job) -> None:
    from PIL import Image

    width, height = job.layout.width, job.layout.height
    try:
        with Image.open(io.BytesIO(picture)) as image:
            if image.size != (width, height) or image.format != "PNG":
                raise DeigError(
                    f"What came for {job.layout.id} is a {image.format} of {image.width} x {image.height} pixels, and "
                    f"a PNG of {width} x {height} was expected: the workflow must not resize."
                )
            image.load()
    except PICTURE_ERRORS as error:
        raise DeigError(f"What came for {job.layout.id} is no picture ({error}).") from None
    job.path.parent.mkdir(exist_ok=True)
    write_whole(job.path, picture)
