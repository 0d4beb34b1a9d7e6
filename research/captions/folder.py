"""A captioning folder: the plan, one file of work and one of results for each shard, and what made the results.

    plan.json  work/00017.jsonl  made_with.json  shards/00017.jsonl

A file appears whole or not at all, so what is missing is what is left to do, whatever was killed when.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

from deig_core.errors import DeigError

from ..atomic import remove_halves, write_whole
from ..lock import only_run
from .rules import Words
from .work import Work

PLAN, RESULTS = "deig-captions-plan/1", "deig-captions/1"


@dataclass(frozen=True)
class Plan:
    """annotations: name and sha256 of the file. pictures: their folder. Counts are of the whole work."""

    annotations: str
    sha256: str
    pictures: str
    shards: int
    per_shard: int
    picture_count: int
    instance_count: int
    left_out: dict[str, int]
    words: Words = field(default_factory=Words)
    seed: int = 0


class Folder:
    """path: need not be there before `create`."""

    def __init__(self, path: Path):
        self.path = path

    def create(self, plan: Plan, parts: Sequence[Sequence[Work]]) -> None:
        """Raises DeigError where another plan is there; the same one again changes nothing."""
        if (self.path / "plan.json").exists():
            if self.plan() == plan:
                return
            raise DeigError(f"{self.path} holds another plan already: use another folder, or delete that one.")
        for name in ("work", "shards"):
            (self.path / name).mkdir(parents=True, exist_ok=True)
        for index, part in enumerate(parts):
            write_whole(self._part("work", index), "".join(w.to_json() + "\n" for w in part))
        write_whole(self.path / "plan.json", json.dumps({"format": PLAN} | asdict(plan), indent=1) + "\n")

    def plan(self) -> Plan:
        """Raises DeigError where there is none, or none of this format."""
        path = self.path / "plan.json"
        try:
            data = json.loads(path.read_text(encoding="utf-8"))
            if data.pop("format") != PLAN:
                raise KeyError("format")
            words = data.pop("words")
            return Plan(**data, words=Words(words["least"], words["most"], tuple(words["wanted"])))
        except FileNotFoundError:
            raise DeigError(f"{self.path} holds no plan: run python -m research.captions plan first.") from None
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise DeigError(f"{path} is no plan of the format {PLAN} ({error!r}).") from None

    def work(self, index: int) -> list[Work]:
        """The pictures of a shard, in the order of its results."""
        return [Work.from_json(line) for line in self._part("work", index).read_text(encoding="utf-8").splitlines()]

    def missing(self) -> list[int]:
        """Indices of the shards without results."""
        return [i for i in range(self.plan().shards) if not self._part("shards", i).exists()]

    def done(self) -> list[int]:
        """Indices of the shards with results."""
        return [i for i in range(self.plan().shards) if self._part("shards", i).exists()]

    def made_with(self, wanted: dict | None = None) -> dict:
        """What made the results here. `wanted`: what would make more of them; the first time it is written down.

        Raises DeigError, with the differences, where something else made what is there.
        """
        path = self.path / "made_with.json"
        if not path.exists():
            if wanted is None:
                raise DeigError(f"{self.path} holds no results: run python -m research.captions run first.")
            write_whole(path, json.dumps(wanted, indent=1) + "\n")
        found = json.loads(path.read_text(encoding="utf-8"))
        if wanted is not None and found != json.loads(json.dumps(wanted)):
            differ = [
                f"{k}: {found.get(k)!r} there, {wanted.get(k)!r} now"
                for k in {**found, **wanted}
                if found.get(k) != wanted.get(k)
            ]
            raise DeigError(
                f"The results in {self.path} were made otherwise and do not mix: {'; '.join(differ)}. Go on as before, "
                f"or plan another folder."
            )
        return found

    def write_results(self, index: int, records: Sequence[dict]) -> None:
        """records: one for each picture of the shard, in the order of its work. Raises DeigError where they cannot be
        written; what was there before stays.
        """
        head = {"format": RESULTS, "shard": index, "made_with": _digest(self.made_with())}
        write_whole(self._part("shards", index), "".join(json.dumps(r) + "\n" for r in (head, *records)))

    def results(self, index: int) -> list[dict]:
        """A record for each picture of the shard. Raises DeigError where the file is not of this folder's making."""
        path = self._part("shards", index)
        try:
            head, *records = map(json.loads, path.read_text(encoding="utf-8").splitlines())
            if (head["format"], head["shard"], head["made_with"]) != (RESULTS, index, _digest(self.made_with())):
                raise DeigError(
                    f"{path} is of another run than the folder's made_with.json says: delete it and run again."
                )
        except (ValueError, KeyError, TypeError) as error:
            raise DeigError(f"{path} cannot be read ({error!r}): delete it and run again.") from None
        return records

    def everything(self) -> Iterator[tuple[Work, dict]]:
        """Every picture that is done, with its record."""
        for index in self.done():
            yield from zip(self.work(index), self.results(index), strict=True)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keeps a second run out, and takes away what a killed one left half. Raises DeigError where one is at work."""
        with only_run(self.path):
            remove_halves(self.path, self.path / "work", self.path / "shards")
            yield

    def _part(self, name: str, index: int) -> Path:
        return self.path / name / f"{index:05d}.jsonl"


def file_digest(path: Path) -> str:
    """sha256 in hexadecimal digits; the file is read in pieces."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() if hasattr(hashlib, "file_digest") else _sha256(file)


def _sha256(file) -> str:
    found = hashlib.sha256()
    while block := file.read(1 << 20):
        found.update(block)
    return found.hexdigest()


def plan_of(
    annotations: Path,
    pictures: Path,
    parts: Sequence[Sequence[Work]],
    per_shard: int,
    left_out: Counter,
    words: Words,
    seed: int,
) -> Plan:
    """parts: of `work.shards`. left_out: of `work.read_work`. seed: of the models' sampling."""
    return Plan(
        annotations.name,
        file_digest(annotations),
        str(pictures.resolve()),
        len(parts),
        per_shard,
        sum(map(len, parts)),
        sum(len(w.instances) for part in parts for w in part),
        dict(sorted(left_out.items())),
        words,
        seed,
    )


def _digest(made_with: dict) -> str:
    return hashlib.sha256(json.dumps(made_with, sort_keys=True).encode()).hexdigest()[:16]
