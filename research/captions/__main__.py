"""python -m research.captions: detailed descriptions for a detection set, as the trainer's data (docs/captions.md)."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from deig_core.errors import DeigError

from ..engines import choose
from .cost import Set, on_paper
from .decisions import CLIP, PICTURE, Settings
from .folder import Folder, plan_of
from .rules import Reason, Words
from .status import status
from .work import Limits, read_work, shards


def main(arguments: list[str] | None = None) -> int:
    """The exit status: 0; 1 for what cannot be done, in a sentence on stderr, and for a review that is not accepted;
    130 after Ctrl-C.
    """
    options = parser().parse_args(arguments)
    try:
        return options.function(options)
    except (DeigError, OSError) as error:
        print(f"captions: {error}", file=sys.stderr)
        return 1


def plan(options: argparse.Namespace) -> int:
    if not options.pictures.is_dir():
        raise DeigError(f"--pictures {options.pictures} is no folder.")
    if options.per_shard < 1 or options.most < 1:
        raise DeigError("--per-shard and --most must be 1 or more.")
    limits = Limits(options.smallest, most=options.most)
    work, left_out = read_work(options.annotations, options.captions, limits)
    parts = shards(work, options.per_shard)
    words = _words(options) or Words()
    made = plan_of(options.annotations, options.pictures, parts, options.per_shard, left_out, words, options.seed)
    Folder(options.folder).create(made, parts)
    left = ", ".join(f"{n} {reason}" for reason, n in made.left_out.items() if n) or "none"
    print(f"{made.picture_count} pictures, {made.instance_count} instances in {made.shards} shards; left out: {left}")
    print(on_paper(Set.of(work)))
    return 0


def run(options: argparse.Namespace) -> int:
    from .run import Progress, Worker, check_pictures, run_here, with_errors

    if len(options.actors) > 2 or min(options.actors) < 1 or options.gpus < 0:
        raise DeigError("--actors takes one number or two (least and most), from 1 on, and --gpus 0 or more.")
    folder, again = Folder(options.folder), options.retry_failed
    plan = folder.plan()
    with folder.locked():
        todo = with_errors(folder) if again else folder.missing()
        if not todo:
            print("Nothing is left to do.")
            return 0
        check_pictures(folder, options.pictures or Path(plan.pictures), todo[0])
        progress = Progress(plan.shards - len(todo), plan.shards, say=lambda line: print(line, flush=True))
        if options.ray:
            from .cluster import connected

            with connected(options) as cluster:
                made_with = folder.made_with(cluster.made_with())
                finished = cluster.run(made_with, todo, progress, again=again)
        else:
            worker = Worker.of_options(options)
            try:
                folder.made_with(worker.made_with())
                finished = run_here(worker, todo, progress, again=again)
            finally:
                worker.engine.close()
    if not finished:
        print("Stopped; the same command goes on.")
        return 130
    if progress.errors and not progress.described:
        raise DeigError(
            f"nothing was described, and {progress.errors} pictures have errors; the first is in `status`, and "
            f"run --retry-failed asks again."
        )
    return 0


def tell_status(options: argparse.Namespace) -> int:
    print("\n".join(status(Folder(options.folder))))
    return 0


def select(options: argparse.Namespace) -> int:
    from .selection import select as make
    from .selection import token_counter

    folder = Folder(options.folder)
    known = {r.value for r in Reason} | set(PICTURE.values())
    unknown = set(options.allow) - known
    if unknown:
        raise DeigError(f"--allow {', '.join(sorted(unknown))}: no such reason; there are {', '.join(sorted(known))}.")
    if options.keep is not None and not 0 < options.keep <= 1:
        raise DeigError(f"--keep {options.keep:g} is no share: above 0 and at most 1 was expected.")
    threshold = None if options.clip is None or options.keep is not None else lambda noun: options.clip
    settings = Settings(
        _words(options) or folder.plan().words,
        threshold,
        options.quality,
        frozenset(options.allow),
        token_counter(options.text_encoder) if options.text_encoder else None,
    )
    report = make(folder, settings, keep=options.keep, partial=options.partial)
    print(report.markdown().split("## ")[0].partition("\n")[2].strip())
    print(f"\nwritten: {folder.path / 'selected'}: data.jsonl for the trainer, report.md with samples, decisions.jsonl")
    return 0


def review_make(options: argparse.Namespace) -> int:
    from .review.sample import make

    if options.pairs < 1 or not 0 < options.accept < 1:
        raise DeigError("--pairs must be 1 or more, and --accept a share between 0 and 1.")
    sample = make(
        Folder(options.folder),
        options.out,
        size=options.pairs,
        seed=options.seed,
        accept=options.accept,
        pictures=options.pictures,
    )
    print(f"{len(sample.pairs)} pairs of {sample.kept} kept instances: open {options.out / 'index.html'} in a browser")
    print(f"accepted where the lower bound of the share of right ones is at least {sample.accept:g}")
    return 0


def review_report(options: argparse.Namespace) -> int:
    from .review.answers import read_answers
    from .review.report import accepted, report
    from .review.sample import Sample

    sample = Sample.read(options.review / "sample.json")
    answers, remarks = read_answers(options.answers, sample)
    print("\n".join(report(sample, answers, remarks)))
    return 0 if accepted(sample, answers)[0] else 1


def demo(options: argparse.Namespace) -> int:
    from .demo import demo as show

    if options.folder:
        show(options.folder.resolve())
        print(f"all of it is in {options.folder}")
    else:
        with tempfile.TemporaryDirectory() as folder:
            show(Path(folder))
    return 0


def _words(options: argparse.Namespace) -> Words | None:
    if options.words is None:
        return None
    least, most = options.words
    if not 0 < least <= most:
        raise DeigError(f"--words {least} {most}: the least and the most number of words were expected.")
    wanted = Words().wanted
    return Words(least, most, wanted if least <= wanted[0] and wanted[1] <= most else (least, most))


def _score(value: str) -> float | None:
    return None if value == "none" else float(value)


def parser() -> argparse.ArgumentParser:
    """The options that it parses hold a `function`, which takes them and returns the exit status."""
    found = argparse.ArgumentParser(prog="python -m research.captions", description=__doc__)
    commands = found.add_subparsers(required=True, metavar="COMMAND")

    def command(name, function, about):
        one = commands.add_parser(name, help=about, description=about)
        one.set_defaults(function=function)
        return one

    one = command("plan", plan, "split annotations into shards of instances to describe")
    one.add_argument("annotations", type=Path, help="COCO's instances_*.json, or the trainer's .jsonl with class names")
    one.add_argument("folder", type=Path, help="where the plan and all results go")
    one.add_argument("--pictures", type=Path, required=True, help="folder of the pictures")
    one.add_argument("--captions", type=Path, help="COCO's captions_*.json (default: descriptions, joined)")
    one.add_argument("--per-shard", type=int, default=64, help="pictures (default: 64)")
    one.add_argument("--smallest", type=int, default=32, help="pixels of a box's shorter side (default: 32)")
    one.add_argument("--most", type=int, default=30, help="instances of a picture, the largest first (default: 30)")
    one.add_argument("--words", type=int, nargs=2, metavar=("LEAST", "MOST"), help="of a description (default: 12 45)")
    one.add_argument("--seed", type=int, default=0, help="of the models' sampling (default: 0)")

    one = command("run", run, "ask for what is missing; run it again to go on")
    one.add_argument("folder", type=Path)
    one.add_argument("--pictures", type=Path, help="their folder, where it is not where the plan says")
    one.add_argument("--clip", type=Path, metavar="FOLDER", help="a CLIP for scores (oracle: the demo world's)")
    one.add_argument("--retry-failed", action="store_true", help="ask again for pictures with errors")
    one.add_argument("--ray", metavar="ADDRESS", help="spread shards over a Ray cluster (local: one on this machine)")
    one.add_argument("--actors", type=int, nargs="+", default=[1], metavar="N", help="or least and most (default: 1)")
    one.add_argument("--gpus", type=float, default=0, help="for each actor of Ray (default: 0)")
    choose.add_arguments(one)

    one = command("status", tell_status, "how far it is, from the files alone")
    one.add_argument("folder", type=Path)

    one = command("select", select, "the trainer's file, and a report of what was kept and why not")
    one.add_argument("folder", type=Path)
    one.add_argument("--clip", type=_score, default=CLIP, metavar="SCORE|none", help=f"least score (default: {CLIP})")
    one.add_argument("--keep", type=float, metavar="SHARE", help="instead, this share of each class by score")
    one.add_argument("--quality", type=float, default=0.5, help="P(yes) from which a picture is faulty (default: 0.5)")
    one.add_argument("--words", type=int, nargs=2, metavar=("LEAST", "MOST"), help="(default: the plan's)")
    one.add_argument("--allow", nargs="+", default=[], metavar="REASON", help="reasons that shall not count")
    one.add_argument("--text-encoder", type=Path, help="Flan-T5-XL: its tokenizer refuses texts of over 128 tokens")
    one.add_argument("--partial", action="store_true", help="take what is there of an unfinished run")

    review = commands.add_parser("review", help="let people check a sample of what was kept")
    reviews = review.add_subparsers(required=True, metavar="COMMAND")
    one = reviews.add_parser("make", help="draw the sample and write the page")
    one.set_defaults(function=review_make)
    one.add_argument("folder", type=Path)
    one.add_argument("out", type=Path, help="a new folder; send it to who judges")
    one.add_argument("--pairs", type=int, default=500, help="(default: 500)")
    one.add_argument("--seed", type=int, default=0, help="of the lot (default: 0)")
    one.add_argument("--accept", type=float, default=0.9, help="least lower bound of the share of right (default: 0.9)")
    one.add_argument("--pictures", type=Path, help="their folder, where it is not where the plan says")
    one = reviews.add_parser("report", help="what the answers say; exit code 1 where it is not accepted")
    one.set_defaults(function=review_report)
    one.add_argument("review", type=Path, help="the folder that make wrote")
    one.add_argument("answers", type=Path, nargs="+", help="files that the page saved, of any number of people")

    one = command("demo", demo, "all of it on the demo world with its oracle: half a minute on a CPU")
    one.add_argument("folder", type=Path, nargs="?", help="where it stays (default: it is deleted)")
    return found


if __name__ == "__main__":
    sys.exit(main())
