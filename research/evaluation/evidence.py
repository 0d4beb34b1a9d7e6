"""What models said about pictures, kept so that thresholds and averages can change without asking again.

A file holds the evidence of one kind by one model in one folder of pictures: first a line with the fingerprint of the
model, then a line for each instance, appended as they come.

    {"version": 1, "kind": "boxes", "fingerprint": {"model": "grounding-dino-tiny", "sha256": "...", ...}}
    {"layout": "139", "instance": 0, "picture": "<sha1 of the file>", "value": {"boxes": [[x0, y0, x1, y1, score]]}}
    {"layout": "139", "instance": 1, "picture": "<sha1 of the file>", "error": "the server answered 413"}

A later line about an instance replaces the earlier one. What a value is stands in `values.KINDS`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deig_core.errors import DeigError

from .layout import Layout
from .values import KINDS

VERSION = 1
FOLDER = "evidence"  # in the folder of pictures


class EvidenceError(DeigError):
    """A file of evidence cannot be used as it was meant."""


@dataclass(frozen=True)
class Record:
    """One model's word on one instance: `value` as in `values.KINDS`, or why there is none.

    layout, instance: the layout's id and the index into its instances. picture: sha1 of the picture's file.
    """

    layout: str
    instance: int
    picture: str
    value: Mapping[str, Any] | None = None
    error: str | None = None

    @property
    def key(self) -> tuple[str, int]:
        return self.layout, self.instance

    def to_json(self) -> str:
        word = {"value": self.value} if self.error is None else {"error": self.error}
        whole = {"layout": self.layout, "instance": self.instance, "picture": self.picture, **word}
        return json.dumps(whole, allow_nan=False)


@dataclass(frozen=True)
class Evidence:
    """A file of evidence, read. records: the last word on each (layout, instance)."""

    kind: str
    by: str
    fingerprint: Mapping[str, Any]
    records: Mapping[tuple[str, int], Record]

    def about(self, layout: str, instance: int, picture: str | None) -> Record | None:
        """The record of an instance in the picture with this sha1; None where there is none.

        Raises EvidenceError where another picture was looked at.
        """
        record = self.records.get((layout, instance))
        if record and record.picture != picture:
            raise EvidenceError(
                f"The picture of {layout} is not the one that {self.by} looked at ({self.kind}): it has changed since; "
                f"run look again."
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
    return Evidence(kind, by, header["fingerprint"], {record.key: record for record in records})


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
            self.records = dict(there.records)
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

    def lacks(self, layout: str, instance: int, picture: str, *, retry_failed: bool = False) -> bool:
        """Whether nothing is known about the instance in the picture with this sha1."""
        record = self.records.get((layout, instance))
        return record is None or record.picture != picture or (retry_failed and record.error is not None)

    def add(self, records: Sequence[Record]) -> None:
        """Append, and come back when they are on the disk. Raises OSError where it is full."""
        if records:
            _write(self._file, *(record.to_json() for record in records))
            self.records.update({record.key: record for record in records})

    def put_in_order(self, keys: Iterable[tuple[str, int]]) -> None:
        """Rewrite the file in the order of `keys`, a line an instance, so that one run and many leave the same bytes.

        Records of other instances are kept, after these.
        """
        order = {key: i for i, key in enumerate(keys)}
        records = sorted(self.records.values(), key=lambda r: (order.get(r.key, len(order)), r.key))
        aside = self.path.with_suffix(".partial")
        with open(aside, "wb") as file:
            _write(file, self._header, *(record.to_json() for record in records))
        self._file.close()
        os.replace(aside, self.path)
        self._file = open(self.path, "ab")  # noqa: SIM115


def different(a: Mapping[str, Any], b: Mapping[str, Any]) -> str:
    """In words, where fingerprint `a` differs from `b`: "dtype float16 instead of float32"; empty where nowhere."""
    return ", ".join(
        f"{name} {a.get(name)!r} instead of {b.get(name)!r}" for name in sorted({*a, *b}) if a.get(name) != b.get(name)
    )


def _write(file, *lines: str) -> None:
    file.write("".join(line + "\n" for line in lines).encode())
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
    except ValueError as error:
        raise EvidenceError(f"{where} cannot be read ({error}): move the file away and run look again.") from None
    if not isinstance(data, dict):
        raise EvidenceError(f"{where} is no JSON object: move the file away and run look again.")
    return data


def _record(line: bytes, kind: str, where: str) -> Record:
    data = _object(line, where)
    if not (
        isinstance(data.get("layout"), str)
        and type(data.get("instance")) is int
        and isinstance(data.get("picture"), str)
        and (isinstance(data["error"], str) if "error" in data else KINDS[kind].fits(data.get("value")))
    ):
        raise EvidenceError(f"{where}: layout, instance, picture and error, or a value of {kind}, were expected.")
    return Record(data["layout"], data["instance"], data["picture"], data.get("value"), data.get("error"))


def keys(layouts: Iterable[Layout]) -> Iterator[tuple[str, int]]:
    """(layout id, index) of all instances of `layouts`, in order."""
    for layout in layouts:
        for index in range(len(layout.instances)):
            yield layout.id, index
