"""What models said about pictures, kept so that thresholds and averages can change without asking again.

A file holds the evidence of one kind by one model in one folder of pictures: first a line with the fingerprint of the
model, then a line for each instance, appended as they come.

    {"version": 1, "kind": "boxes", "fingerprint": {"model": "grounding-dino-tiny", "sha256": "...", ...}}
    {"layout": "139", "instance": 0, "picture": "<sha1>", "asked": "<sha1>", "value": {"boxes": [[x0, y0, ...], ...]}}
    {"layout": "139", "instance": 1, "picture": "<sha1>", "asked": "<sha1>", "error": "the server answered 413"}

A later line about an instance replaces the earlier one. What a value is stands in `values.KINDS`.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from deig_core.errors import DeigError

from ..atomic import write_whole
from .layout import Layout
from .values import KINDS

VERSION = 1
FOLDER = "evidence"  # in the folder of pictures


class EvidenceError(DeigError):
    """A file of evidence cannot be used as it was meant."""


@dataclass(frozen=True)
class Subject:
    """What a model was asked about: which instance of which layout, in which picture.

    picture: sha1 of its file. asked: of the instance and the layout's size: a layout of the same id may ask for another
    thing, or another place.
    """

    layout: str
    instance: int
    picture: str
    asked: str

    @classmethod
    def of(cls, layout: Layout, instance: int, picture: str) -> Subject:
        """instance: its place in the layout. picture: sha1 of its file."""
        wanted = layout.instances[instance]
        parts = [
            [float(side) for side in wanted.box],
            wanted.text,
            wanted.noun,
            sorted(wanted.tags.items()),
            layout.width,
            layout.height,
        ]
        asked = hashlib.sha1(json.dumps(parts).encode(), usedforsecurity=False).hexdigest()
        return cls(layout.id, instance, picture, asked)

    @property
    def key(self) -> tuple[str, int]:
        """(layout id, place of the instance), by which `Records` are found."""
        return self.layout, self.instance


@dataclass(frozen=True)
class Record:
    """One model's word on one instance: `value` as in `values.KINDS`, or why there is none."""

    subject: Subject
    value: Mapping[str, Any] | None = None
    error: str | None = None

    def to_json(self) -> str:
        """Its line in the file. Raises ValueError for a number that is not finite."""
        word = {"value": self.value} if self.error is None else {"error": self.error}
        return json.dumps({**asdict(self.subject), **word}, allow_nan=False)


Records = dict[tuple[str, int], Record]  # by a subject's key


@dataclass(frozen=True)
class Evidence:
    """A file of evidence, read. records: the last word on each instance."""

    kind: str
    by: str
    fingerprint: Mapping[str, Any]
    records: Records

    def about(self, subject: Subject) -> Record | None:
        """None where nothing was asked. Raises EvidenceError where it was about another picture, text or box."""
        record = self.records.get(subject.key)
        if record and record.subject != subject:
            what = "picture" if record.subject.picture != subject.picture else "layout"
            raise EvidenceError(
                f"The {what} of {subject.layout} is not the one that {self.by} was asked about ({self.kind}): it has "
                f"changed since; run look again."
            )
        return record


def path_of(pictures: Path, kind: str, by: str) -> Path:
    """`pictures`/evidence/`kind`-`by`.jsonl. by: a short name of the model, for file and table."""
    if kind not in KINDS:
        raise EvidenceError(f"There is no evidence of the kind {kind!r}: {', '.join(KINDS)} were expected.")
    safe = "".join(c if c.isalnum() or c in "_.-" else "-" for c in by).strip(".-")
    return pictures / FOLDER / f"{kind}-{safe or 'model'}.jsonl"


def read_all(pictures: Path) -> list[Evidence]:
    """All evidence in a folder of pictures, by name of file."""
    return [read(path) for path in sorted((pictures / FOLDER).glob("*-*.jsonl"))]


def read(path: Path) -> Evidence:
    """Raises EvidenceError that names the line. A last line that a kill left unfinished counts as not there."""
    with open(path, "rb") as file:
        content = file.read()
    lines = content[: content.rfind(b"\n") + 1].split(b"\n")[:-1]
    if not lines:
        raise EvidenceError(f"{path} is empty: delete it and run look again.")
    header = _object(lines[0], f"{path.name}, line 1")
    kind, _, by = path.stem.partition("-")
    if kind not in KINDS:
        raise EvidenceError(
            f"{path.name} is no evidence: a name that begins with one of {', '.join(KINDS)} was expected; move it away."
        )
    if (
        header.get("version") != VERSION
        or header.get("kind") != kind
        or not isinstance(header.get("fingerprint"), dict)
    ):
        raise EvidenceError(
            f"{path.name} does not begin with version {VERSION}, kind {kind} and a fingerprint: it is of another "
            f"program or version; move it away and run look again."
        )
    records = [_record(line, kind, f"{path.name}, line {number}") for number, line in enumerate(lines[1:], 2)]
    return Evidence(kind, by, header["fingerprint"], _by_key(records))


class Log:
    """The file of one kind of evidence by one model, being written; killed at any point, it can be gone on with.

    Opening it makes the file, or cuts off the line that a kill left unfinished. Raises EvidenceError where the
    evidence there is of another fingerprint. Hold `research.lock.only_run` on the folder meanwhile.
    """

    def __init__(self, pictures: Path, kind: str, by: str, fingerprint: Mapping[str, Any]):
        self.path = path_of(pictures, kind, by)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        header = json.dumps({"version": VERSION, "kind": kind, "fingerprint": dict(fingerprint)})
        if self.path.exists() and _heal(self.path):
            there = read(self.path)
            if differing := different(there.fingerprint, json.loads(header)["fingerprint"]):
                raise EvidenceError(
                    f"{self.path} was made with {differing}: use the same, or another name (--as), or move the file "
                    f"away."
                )
            self.records = there.records
        else:
            self.records = {}
            with open(self.path, "ab") as file:
                _write(file, header)
        self._header = header
        self._file = open(self.path, "ab")  # noqa: SIM115  (closed by close)

    def __enter__(self) -> Log:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def lacks(self, subject: Subject, *, retry_failed: bool = False) -> bool:
        """Whether nothing is known about the subject."""
        record = self.records.get(subject.key)
        return record is None or record.subject != subject or (retry_failed and record.error is not None)

    def add(self, records: Sequence[Record]) -> None:
        """Append, and come back when they are on the disk. Raises OSError where it is full."""
        if records:
            _write(self._file, *(record.to_json() for record in records))
            self.records.update(_by_key(records))

    def put_in_order(self, keys: Iterable[tuple[str, int]]) -> None:
        """Rewrite the file in the order of `keys`, a line an instance, so that one run and many leave the same bytes.

        Records of other instances are kept, after these.
        """
        order = {key: i for i, key in enumerate(keys)}
        records = [self.records[key] for key in sorted(self.records, key=lambda k: (order.get(k, len(order)), k))]
        text = _lines(self._header, *(record.to_json() for record in records))
        self._file.close()
        write_whole(self.path, text)
        self._file = open(self.path, "ab")  # noqa: SIM115


def different(a: Mapping[str, Any], b: Mapping[str, Any]) -> str:
    """In words, where fingerprint `a` differs from `b`: "dtype float16 instead of float32"; empty where nowhere."""
    return ", ".join(
        f"{name} {a.get(name)!r} instead of {b.get(name)!r}" for name in sorted({*a, *b}) if a.get(name) != b.get(name)
    )


def _lines(*lines: str) -> bytes:
    return "".join(line + "\n" for line in lines).encode()


def _write(file, *lines: str) -> None:
    file.write(_lines(*lines))
    file.flush()
    os.fsync(file.fileno())


def _heal(path: Path) -> bool:
    """Cut an unfinished last line off; whether anything is left."""
    with open(path, "rb+") as file:
        content = file.read()
        whole = content.rfind(b"\n") + 1
        file.truncate(whole)
    return whole > 0


def _object(line: bytes, where: str) -> dict:
    try:
        data = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise EvidenceError(f"{where} cannot be read ({error}): move the file away and run look again.") from None
    if not isinstance(data, dict):
        raise EvidenceError(f"{where} is no JSON object: move the file away and run look again.")
    return data


def _record(line: bytes, kind: str, where: str) -> Record:
    data = _object(line, where)
    about = [data.get(name) for name in ("layout", "instance", "picture", "asked")]
    word = isinstance(data["error"], str) if "error" in data else KINDS[kind].fits(data.get("value"))
    if [type(part) for part in about] != [str, int, str, str] or not word:
        raise EvidenceError(f"{where}: layout, instance, picture, asked, and error or a value of {kind} were expected.")
    return Record(Subject(*about), data.get("value"), data.get("error"))


def _by_key(records: Iterable[Record]) -> Records:
    return {record.subject.key: record for record in records}


def keys(layouts: Iterable[Layout]) -> Iterator[tuple[str, int]]:
    """(layout id, index) of all instances of `layouts`, in order."""
    for layout in layouts:
        for index in range(len(layout.instances)):
            yield layout.id, index
