"""How far a folder is, from its files alone: also while others work in it, and on a machine without any model."""

from __future__ import annotations

from ..lock import holder
from .folder import Folder
from .rules import describes
from .run import duration


def status(folder: Folder) -> list[str]:
    """Lines for a person."""
    plan, done = folder.plan(), folder.done()
    lines = [
        f"{plan.annotations}: {plan.picture_count} pictures, {plan.instance_count} instances in {plan.shards} shards",
        f"done: {len(done)} of {plan.shards} shards ({100 * len(done) / plan.shards:.1f} %)",
    ]
    if who := holder(folder.path):
        lines.append(f"at work: {who}")
    times = sorted((folder.path / "shards" / f"{i:05d}.jsonl").stat().st_mtime for i in done)
    if len(times) > 1 and len(done) < plan.shards:
        recent = times[-50:]
        each = (recent[-1] - recent[0]) / (len(recent) - 1)
        lines.append(f"left: about {duration(each * (plan.shards - len(done)))}, at the pace of the last {len(recent)}")
    if done:
        instances = described = 0
        wrong: list[str] = []
        for index in done:
            for record in folder.results(index):
                instances += len(record["instances"])
                described += sum(describes(i["text"]) for i in record["instances"])
                wrong += _errors(record)[:1]
        lines.append(f"described: {described} of {instances} instances; pictures with an error: {len(wrong)}")
        if wrong:
            lines.append(f"first error: {wrong[0]} (run --retry-failed asks those again)")
    return lines


def _errors(record: dict) -> list[str]:
    parts = [record, *record["quality"].values(), *record["instances"]]
    return [part["error"] for part in parts if part["error"]]
