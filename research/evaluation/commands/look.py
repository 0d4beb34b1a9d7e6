"""let models look at drawn pictures and keep what they say; run it again to go on"""

from __future__ import annotations

import argparse
from contextlib import ExitStack
from pathlib import Path

from deig_core.errors import DeigError

from ...engines import choose
from .. import pictures
from ..layout import read_layouts
from ..look import look
from ..procedures.deig import PUBLISHED, QUESTIONS
from ..score import procedure
from ..witness import Witness

NAME = "look"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("layouts", type=Path, help="the .jsonl file of layouts")
    parser.add_argument("folders", type=Path, nargs="+", help="pictures <id>.png, or a folder of them for each seed")
    parser.add_argument("--detector", type=Path, metavar="FOLDER", help="Grounding DINO, for deig and mig")
    parser.add_argument("--sam", type=Path, metavar="FOLDER", help="SAM, for mig")
    parser.add_argument("--clip", type=Path, metavar="FOLDER", help="CLIP, for instdiff")
    parser.add_argument("--as", dest="name", help="the judge's name in files and tables (default: the model's)")
    parser.add_argument(
        "--question",
        default=PUBLISHED,
        metavar="NAME|TEXT",
        help=f"the judge's: {', '.join(QUESTIONS)}, or a text with {{}} for the description (default: {PUBLISHED})",
    )
    parser.add_argument("--retry-failed", action="store_true", help="ask again where a model gave an error")
    parser.add_argument("--stretch", action="store_true", help="take pictures of another shape, stretched")
    choose.add_arguments(parser, required=False)


def run(options: argparse.Namespace) -> None:
    layouts = read_layouts(options.layouts)
    sets = [path for folder in options.folders for path in pictures.runs(folder).values()]
    chosen = {"boxes": options.detector, "colours": options.sam, "clip": options.clip, "answer": choose.name(options)}
    needs = procedure(layouts).NEEDS
    if strange := [kind for kind, by in chosen.items() if by is not None and kind not in needs]:
        raise DeigError(f"{layouts[0].benchmark} needs evidence of {' and '.join(needs)}, and none of {strange[0]}.")
    if options.question != PUBLISHED and chosen["answer"] is None:
        raise DeigError("--question is for a judge: name one (--endpoint URL, --transformers FOLDER, ...).")
    with ExitStack() as stack:
        witnesses = _witnesses(options, stack)
        failures = sum(
            look(layouts, path, witnesses, retry_failed=options.retry_failed, stretch=options.stretch) for path in sets
        )
    if failures:
        print(f"{failures} words are failures, with their reasons in the evidence; --retry-failed asks again.")


def _witnesses(options: argparse.Namespace, stack: ExitStack) -> list[Witness]:
    found: list[Witness] = []
    if options.detector:
        from ..witnesses.detector import Detector

        found.append(Detector(options.detector, device=options.device))
    if options.sam:
        from ..witnesses.segmenter import Segmenter

        found.append(Segmenter(options.sam, device=options.device))
    if options.clip:
        from ..witnesses.labeller import Labeller

        found.append(Labeller(options.clip, device=options.device))
    if (name := choose.name(options)) is not None:
        from ..witnesses.judge import Judge

        # Of pictures with three or four instances each: the last answers of a batch leave a server idle.
        at_once = 2 * options.in_flight * len(options.endpoint) if options.endpoint else 64 if options.vllm else 1
        question, by = _question(options.question, options.name, name)
        judge = Judge(choose.from_arguments(options), by, at_once, question)
        stack.callback(judge.close)
        found.append(judge)
    if not found:
        raise DeigError("Nobody is there to look: name --detector, --sam, --clip, or a judge (--endpoint URL, ...).")
    return found


def _question(asked: str, name: str | None, model: str) -> tuple[str, str]:
    """The question's words, and the judge's name: answers to another question are another judge's."""
    if asked in QUESTIONS:
        return QUESTIONS[asked], name or (model if asked == PUBLISHED else f"{model}-{asked}")
    if asked.count("{}") != 1:
        raise DeigError(
            f"--question {asked!r} is none of {', '.join(QUESTIONS)}, and no text with one {{}} for the description."
        )
    if not name:
        raise DeigError("--question with words of your own needs --as: a name for the judge that they make.")
    return asked, name
