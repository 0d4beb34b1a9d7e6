"""From folders of pictures with their evidence to the rows of a table, in seconds."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, is_dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from deig_core.errors import DeigError

from . import evidence, pictures
from .evidence import Evidence, Record, Subject, different
from .layout import Layout, LayoutError
from .pictures import Found
from .procedures import deig, demo, instdiff, mig
from .tables import Judged, Row, as_json, row
from .verdict import failed

VERSION = 1
PROCEDURES: Mapping[str, ModuleType] = {"deig": deig, "mig": mig, "instdiff": instdiff, "demo": demo}


@dataclass(frozen=True)
class Set:
    """One set of pictures, judged by one choice of models. group: the folder whose seeds belong together."""

    name: str
    group: str
    folder: Path
    found: Mapping[str, Found]
    judged: Judged
    by: Mapping[str, Evidence]  # kind -> whose evidence


@dataclass(frozen=True)
class Scores:
    """rows: each set, and the seeds of a folder together where there are several."""

    benchmark: str
    sets: Sequence[Set]
    rows: Sequence[Row]
    how: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self, layouts: Sequence[Layout]) -> dict[str, Any]:
        """How and of what the rows are, then the rows."""
        fingerprints = {
            kind: {s.by[kind].by: dict(s.by[kind].fingerprint) for s in self.sets if kind in s.by}
            for kind in sorted({kind for s in self.sets for kind in s.by})
        }
        text = "".join(layout.to_json() for layout in layouts)
        return {
            "version": VERSION,
            "benchmark": self.benchmark,
            "layouts": {
                "sha256": hashlib.sha256(text.encode()).hexdigest(),
                "pictures": len(layouts),
                "instances": sum(len(layout.instances) for layout in layouts),
            },
            "how": {name: asdict(value) if is_dataclass(value) else value for name, value in self.how.items()},
            "evidence": fingerprints,
            "rows": as_json(self.rows),
        }


def procedure(layouts: Sequence[Layout]) -> ModuleType:
    """The module with `NEEDS`, `TAGS`, `verdicts` and `columns` of the layouts' benchmark.

    Raises LayoutError where an instance lacks a tag that it is judged by.
    """
    benchmark = layouts[0].benchmark
    if benchmark not in PROCEDURES:
        raise LayoutError(f"There is no procedure for {benchmark!r}: {', '.join(PROCEDURES)} were expected.")
    for layout in layouts:
        for number, instance in enumerate(layout.instances, 1):
            for tag, values in PROCEDURES[benchmark].TAGS.items():
                if instance.tags.get(tag) not in values:
                    raise LayoutError(
                        f"Layout {layout.id}, instance {number} has the {tag} {instance.tags.get(tag)!r}; {benchmark} "
                        f"judges by one of {', '.join(values)}."
                    )
    return PROCEDURES[benchmark]


def score(
    layouts: Sequence[Layout],
    folders: Sequence[Path],
    *,
    use: Mapping[str, str] | None = None,
    stretch: bool = False,
    how: Mapping[str, Any] | None = None,
) -> Scores:
    """use: kind -> the model whose evidence counts, where several looked; several judges (kind answer) are several
    rows. how: further arguments of the procedure: thresholds, parser.

    Raises DeigError where evidence is lacking, is on other pictures, or of one name and different fingerprints.
    """
    folders = [folder.resolve() for folder in folders]
    sets = [
        made
        for folder, group in zip(folders, _names(folders), strict=True)
        for name, path in pictures.runs(folder).items()
        for made in _sets(layouts, path, group + name.removeprefix(folder.name), group, use or {}, stretch, how or {})
    ]
    _same_fingerprints(sets)
    columns, rows = procedure(layouts).columns(), []
    for key in dict.fromkeys((s.group, _judge(s)) for s in sets):
        same = [s for s in sets if (s.group, _judge(s)) == key]
        rows += [row(s.name, layouts, [(s.judged, s.found)], columns) for s in same]
        if len(same) > 1:
            name = f"{same[0].group}, {len(same)} seeds" + (f", by {key[1]}" if ", by " in same[0].name else "")
            rows.append(row(name, layouts, [(s.judged, s.found) for s in same], columns))
    return Scores(layouts[0].benchmark, sets, rows, how or {})


def _sets(
    layouts: Sequence[Layout],
    folder: Path,
    name: str,
    group: str,
    use: Mapping[str, str],
    stretch: bool,
    how: Mapping[str, Any],
) -> list[Set]:
    found = pictures.find(layouts, folder, stretch=stretch)
    choices = _choices(folder, procedure(layouts).NEEDS, use)
    return [
        Set(
            name + (f", by {by['answer'].by}" if len(choices) > 1 else ""),
            group,
            folder,
            found,
            {layout.id: _verdicts(layout, folder, found[layout.id], by, how) for layout in layouts},
            by,
        )
        for by in choices
    ]


def _choices(folder: Path, needs: Sequence[str], use: Mapping[str, str]) -> list[dict[str, Evidence]]:
    """For each judge, whose evidence counts for each kind."""
    there = evidence.read_all(folder)
    chosen: dict[str, list[Evidence]] = {}
    for kind in needs:
        some = [e for e in there if e.kind == kind and use.get(kind, e.by) == e.by]
        if not some:
            others = ", ".join(e.by for e in there if e.kind == kind)
            raise DeigError(
                f"{folder} has no evidence of {kind}"
                + (f" by {use[kind]} ({others or 'nobody'} gave some)" if kind in use else "")
                + ": run look first."
            )
        if len(some) > 1 and kind != "answer":
            names = ", ".join(e.by for e in some)
            raise DeigError(f"{folder} has evidence of {kind} by {names}: choose one with --use {kind}=NAME.")
        chosen[kind] = some
    return [
        {kind: some[judge if kind == "answer" else 0] for kind, some in chosen.items()}
        for judge in range(len(chosen.get("answer", [None])))
    ]


def _verdicts(layout: Layout, folder: Path, found: Found, by: Mapping[str, Evidence], how: Mapping[str, Any]) -> list:
    if found.problem:
        return failed(layout, found.problem)
    records = [
        {kind: _record(e, layout, index, found, folder) for kind, e in by.items()}
        for index in range(len(layout.instances))
    ]
    return PROCEDURES[layout.benchmark].verdicts(layout, records, **how)


def _record(e: Evidence, layout: Layout, index: int, found: Found, folder: Path) -> Record:
    record = e.about(Subject.of(layout, index, found.sha1))
    if record is None:
        raise DeigError(
            f"{e.by} has not looked at all of {folder} yet ({e.kind}; instance {index} of {layout.id} lacks): run look "
            f"again, it goes on where it was."
        )
    return record


def _same_fingerprints(sets: Sequence[Set]) -> None:
    first: dict[tuple[str, str], Set] = {}
    for each in sets:
        for kind, e in each.by.items():
            other = first.setdefault((kind, e.by), each)
            if differing := different(other.by[kind].fingerprint, e.fingerprint):
                raise DeigError(
                    f"{e.by} was not the same in {other.name} and {each.name}: {differing}. Their rows cannot be "
                    f"compared; look at both with one."
                )


def _judge(each: Set) -> str:
    return each.by["answer"].by if "answer" in each.by else ""


def _names(folders: Sequence[Path]) -> list[str]:
    """Names of folders, longer where two have the same."""
    names = [folder.name for folder in folders]
    return [n if names.count(n) == 1 else str(f) for n, f in zip(names, folders, strict=True)]
