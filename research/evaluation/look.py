"""Evidence on folders of pictures: slow, and gone on with after any kill."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache, partial
from pathlib import Path

from deig_core.errors import DeigError

from ..atomic import remove_halves
from ..lock import only_run
from . import pictures
from .evidence import FOLDER, Log, Record, Subject, keys
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
    evidence is of another fingerprint, another run holds the folder, or, after all have looked, where every word of a
    witness is a failure.
    """
    with only_run(folder, "look"):
        remove_halves(folder / FOLDER)
        found = pictures.find(layouts, folder, stretch=stretch)
        usable = {key: f for key, f in found.items() if f.problem is None}
        if len(usable) < len(found):
            lost = len(found) - len(usable)
            say(f"{folder}: {lost} of {len(found)} pictures are missing or cannot be used; they fail.")
        failed = 0
        without: list[str] = []
        for witness in witnesses:
            errors = [record.error for record in _look(layouts, folder, usable, witness, retry_failed)]
            failed += sum(error is not None for error in errors)
            if errors and None not in errors:
                without.append(f"{witness.by} has no word on any of the {len(errors)} instances ({errors[0]})")
        if without:
            raise DeigError(f"{folder}: {'; '.join(without)}: mend that, then look with --retry-failed.")
        return failed


def _look(
    layouts: Sequence[Layout],
    folder: Path,
    usable: Mapping[str, Found],
    witness: Witness,
    retry_failed: bool,
) -> list[Record]:
    """The last word on each instance in a usable picture."""
    from tqdm import tqdm

    with Log(folder, witness.kind, witness.by, witness.fingerprint()) as log:
        subjects = {
            layout.id: [Subject.of(layout, i, usable[layout.id].sha1) for i in range(len(layout.instances))]
            for layout in layouts
            if layout.id in usable
        }
        lacking = {
            key: [s for s in of_picture if log.lacks(s, retry_failed=retry_failed)]
            for key, of_picture in subjects.items()
        }
        work = [(layout, lacking[layout.id]) for layout in layouts if lacking.get(layout.id)]
        number, failed = sum(len(of_picture) for _, of_picture in work), 0
        with tqdm(total=number, unit="instance", desc=f"{folder.name}, {witness.kind} by {witness.by}") as bar:
            for records in _words(work, usable, witness):
                log.add(records)
                failed += sum(record.error is not None for record in records)
                bar.set_postfix({"failed": failed} if failed else {}, refresh=False)
                bar.update(len(records))
        log.put_in_order(keys(layouts))
        return [log.records[subject.key] for of_picture in subjects.values() for subject in of_picture]


def _words(
    work: Sequence[tuple[Layout, Sequence[Subject]]], usable: Mapping[str, Found], witness: Witness
) -> Iterator[list[Record]]:
    """Records of `at_once` pictures at a time; of half as many once a GPU had no memory for them."""
    at_once, begin, halved = witness.at_once, 0, False
    while begin < len(work):
        part = work[begin : begin + at_once]
        shown = {layout.id: lru_cache(1)(partial(pictures.load, layout, usable[layout.id])) for layout, _ in part}
        asked = [(layout, subject) for layout, subjects in part for subject in subjects]
        sights = [Sight(layout, subject.instance, shown[layout.id]) for layout, subject in asked]
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
            Record(subject, error=word.error) if isinstance(word, Failure) else Record(subject, word)
            for (_, subject), word in zip(asked, words, strict=True)
        ]
        begin += len(part)
