"""`select`: the trainer's file from what was asked, and a report of what was kept and why not."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np

from deig_core.errors import DeigError

from ..atomic import write_whole
from ..training.pictures import Picture
from .decisions import Decision, Settings, Threshold, of_instances
from .folder import Folder
from .report import Report
from .work import Work

FEW = 20  # instances; a class with fewer takes the quantile of all


def select(folder: Folder, settings: Settings, *, keep: float | None = None, partial: bool = False) -> Report:
    """Writes selected/data.jsonl (the trainer's), decisions.jsonl and report.md into the folder.

    keep: instead of a threshold, the share of each class's otherwise good instances with the highest scores. partial:
    take what is there of an unfinished run. Raises DeigError where nothing is kept, or the settings ask for scores that
    were never made.
    """
    plan, missing = folder.plan(), folder.missing()
    made_with = folder.made_with()
    if missing and not partial:
        raise DeigError(
            f"{len(missing)} of {plan.shards} shards are missing: let the run finish, or take what is there "
            f"with --partial."
        )
    if (settings.score or keep) and not made_with["score"]:
        raise DeigError("This run made no scores (it had no --clip): select with --clip none.")
    if keep is not None:
        settings = replace(settings, score=_quantiles(folder, replace(settings, score=None), keep))
    report, lines, decision_lines = Report(plan, made_with, len(missing)), [], []
    for work, decisions in _decisions(folder, settings):
        report.add(decisions)
        decision_lines += [json.dumps({"picture": work.id, "kept": v.kept, **asdict(v)}) for v in decisions]
        kept = [(i, v) for i, v in zip(work.instances, decisions, strict=True) if v.kept]
        if kept:
            texts = tuple(v.text for _, v in kept)
            caption = work.caption or ", ".join(texts)
            boxes = tuple(i.bbox for i, _ in kept)
            lines.append(Picture(work.file_name, work.width, work.height, caption, boxes, texts).to_json())
    if not lines:
        raise DeigError(f"Nothing is kept of {report.seen} instances; most often: {report.most_often()}.")
    out = folder.path / "selected"
    out.mkdir(exist_ok=True)
    report.pictures = len(lines)
    write_whole(out / "data.jsonl", "".join(line + "\n" for line in lines))
    write_whole(out / "decisions.jsonl", "".join(line + "\n" for line in decision_lines))
    write_whole(out / "report.md", report.markdown())
    write_whole(out / "report.json", json.dumps(report.figures(), indent=1) + "\n")
    return report


def _decisions(folder: Folder, settings: Settings) -> Iterator[tuple[Work, list[Decision]]]:
    for work, record in folder.everything():
        yield work, of_instances(work, record, settings)


def _quantiles(folder: Folder, settings: Settings, keep: float) -> Threshold:
    scores = defaultdict(list)
    for _, decisions in _decisions(folder, settings):
        for v in decisions:
            if v.kept and v.score is not None:
                scores[v.noun].append(v.score)
    if not scores:
        raise DeigError("No instance has both a good text and a score, so that no share of them can be kept.")
    everything = float(np.quantile(np.concatenate([np.array(s) for s in scores.values()]), 1 - keep))
    cut = {noun: float(np.quantile(s, 1 - keep)) for noun, s in scores.items() if len(s) >= FEW}
    return lambda noun: cut.get(noun, everything)


def token_counter(path: Path):
    """text -> number of T5 tokens, with the tokenizer in the folder `path`, or beside the file `path`."""
    from transformers import AutoTokenizer

    folder = path if path.is_dir() else path.parent
    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    except (OSError, ValueError) as error:
        raise DeigError(f"{folder} holds no tokenizer: {str(error).splitlines()[0]}") from None
    return lambda text: len(tokenizer(text, verbose=False).input_ids)
