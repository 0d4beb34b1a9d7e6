"""Evidence on folders of pictures: slow, and gone on with after any kill."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path

from deig_core.errors import DeigError

from ..lock import only_run
from . import pictures
from .evidence import Log, Record, keys
from .layout import Layout
from .pictures import Found
from .witness import Failure, Sight, Witness


def look(
    layouts: Sequence[Layout],
    folder: Path,
    witnesses: Sequence[Witness],
    *,
    retry_failed: bool = False,
    stretch: bool = False,
    say: Callable[[str], None] = print,
) -> int:
    """Let each witness look at all that it has no word on yet, in one set of pictures; how many words are failures.

    retry_failed: ask again where the word was a failure. Raises DeigError where the pictures are of other layouts, the
    evidence is of another fingerprint, or another run holds the folder.
    """
    with only_run(folder, "look"):
        found = pictures.find(layouts, folder, stretch=stretch)
        usable = {key: f for key, f in found.items() if f.problem is None}
        if len(usable) < len(found):
            lost = len(found) - len(usable)
            say(f"{folder}: {lost} of {len(found)} pictures are missing or cannot be used; they fail.")
        return sum(_look(layouts, folder, usable, witness, retry_failed) for witness in witnesses)


def _look(
    layouts: Sequence[Layout],
    folder: Path,
    usable: Mapping[str, Found],
    witness: Witness,
    retry_failed: bool,
) -> int:
    from tqdm import tqdm

    with Log(folder, witness.kind, witness.by, witness.fingerprint()) as log:
        work = []  # the instances of a picture stay together
        for layout in layouts:
            if layout.id in usable:
                sha1 = usable[layout.id].sha1
                lacking = [
                    i for i in range(len(layout.instances)) if log.lacks(layout.id, i, sha1, retry_failed=retry_failed)
                ]
                if lacking:
                    work.append((layout, lacking))
        number, failed = sum(len(indices) for _, indices in work), 0
        with tqdm(total=number, unit="instance", desc=f"{folder.name}, {witness.kind} by {witness.by}") as bar:
            for records in _words(work, usable, witness):
                log.add(records)
                failed += sum(record.error is not None for record in records)
                bar.set_postfix({"failed": failed} if failed else {}, refresh=False)
                bar.update(len(records))
        log.put_in_order(keys(layouts))
        return sum(
            record.error is not None
            for key, record in log.records.items()
            if key[0] in usable and record.picture == usable[key[0]].sha1
        )


def _words(
    work: Sequence[tuple[Layout, Sequence[int]]], usable: Mapping[str, Found], witness: Witness
) -> Iterator[list[Record]]:
    """Records of `at_once` pictures at a time; of half as many once a GPU had no memory for them."""
    at_once, begin, halved = witness.at_once, 0, False
    while begin < len(work):
        part = work[begin : begin + at_once]
        loaded = lru_cache(maxsize=len(part))(lambda layout_id: _load(layout_id, part, usable))  # noqa: B023
        sights = [
            Sight(layout, index, lambda key=layout.id: loaded(key))  # noqa: B023
            for layout, indices in part
            for index in indices
        ]
        try:
            words = witness.look(sights)
        except RuntimeError as error:
            if "out of memory" not in str(error).lower():
                raise
            if halved or at_once == 1:
                raise DeigError(
                    f"The GPU has no memory for {witness.by} and {at_once} picture(s) at once: free some, or take "
                    f"--device cpu or a smaller model."
                ) from None
            at_once, halved = at_once // 2, True
            continue
        yield [
            Record(s.layout.id, s.index, usable[s.layout.id].sha1, error=word.error)
            if isinstance(word, Failure)
            else Record(s.layout.id, s.index, usable[s.layout.id].sha1, word)
            for s, word in zip(sights, words, strict=True)
        ]
        begin += len(part)


def _load(layout_id: str, part: Sequence[tuple[Layout, Sequence[int]]], usable: Mapping[str, Found]):
    layout = next(layout for layout, _ in part if layout.id == layout_id)
    return pictures.load(layout, usable[layout_id])
