"""`python -m research.studies.tokens FOLDER`: the paper's Figure 6 on what there is here: T, the tokens of an instance,
against parameters, time and memory at full size, and against accuracy in the demo's world. Stop it whenever you like;
it goes on where it was.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from deig_core.errors import DeigError

from ..atomic import write_whole
from ..bench.gpu.environment import environment
from ..bench.gpu.whole import FULL, TINY
from ..lock import only_run
from .token_accuracy import Recipe, accuracies, every
from .token_cost import costs, memory_line
from .token_report import plot, table

TOKENS = (4, 8, 16, 32, 64)
RESULTS = "tokens.json"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m research.studies.tokens", description=__doc__)
    parser.add_argument("folder", type=Path, help="where tokens.json, tokens.md, tokens.png and the adapters go")
    parser.add_argument("--only", choices=("cost", "accuracy"), help="one half; the other stays as it was")
    parser.add_argument("--tokens", type=int, nargs="+", default=TOKENS, metavar="T")
    parser.add_argument("--seeds", type=int, nargs="+", default=(0, 1), help="of the adapters' training")
    recipe = Recipe()
    parser.add_argument("--steps", type=int, default=recipe.steps, help="of each adapter's training")
    parser.add_argument("--batch", type=int, default=recipe.batch)
    parser.add_argument("--scenes", type=int, default=recipe.scenes, help="to train on")
    parser.add_argument("--layouts", type=int, default=recipe.layouts, help="to be judged on")
    parser.add_argument("--rounds", type=int, default=3, help="of the time's measurement")
    parser.add_argument("--minutes", type=float, default=math.inf, help="of training: save and stop after this time")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--tiny", action="store_true", help="the cost of a tiny model: tries the command out")
    options = parser.parse_args(arguments)
    positive = ("steps", "batch", "scenes", "layouts", "rounds", "threads")
    if min(*options.tokens, *(getattr(options, name) for name in positive)) < 1 or min(options.seeds) < 0:
        parser.error(f"--tokens, --{', --'.join(positive)} are positive numbers, and seeds are no negative ones")
    if not options.minutes >= 0:
        parser.error("--minutes is 0 or more")
    torch.set_num_threads(options.threads)
    try:
        options.folder.mkdir(parents=True, exist_ok=True)
        with only_run(options.folder, "tokens"):
            _study(options)
    except (DeigError, OSError) as error:
        print(f"tokens: {error}", file=sys.stderr)
        return 1
    return 0


def _study(options: argparse.Namespace) -> None:
    path = options.folder / RESULTS
    results = _read(path)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if options.only != "accuracy":
        results["cost"] = _cost(options, results.get("cost"), device)
        write_whole(path, _text(results))
    if options.only != "cost":
        recipe = Recipe(options.steps, options.batch, options.scenes, options.layouts)
        until = time.monotonic() + 60 * options.minutes
        made = accuracies(options.folder, options.tokens, options.seeds, recipe, threads=options.threads, until=until)
        results["accuracy"] = _accuracy(options, recipe)  # refuses another recipe's rows before it trains
        for _ in made:
            results["accuracy"] = _accuracy(options, recipe)
            write_whole(path, _text(results))
        write_whole(path, _text(results))
    text = table(results)
    write_whole(options.folder / "tokens.md", text + "\n")
    plot(results, options.folder / "tokens.png")
    print(f"\n{text}")


def _cost(options: argparse.Namespace, before: dict[str, Any] | None, device: torch.device) -> dict[str, Any]:
    """Those of `options.tokens`, and what was there of other T. Raises DeigError where that was measured otherwise."""
    where = environment(device) | {"threads": str(torch.get_num_threads())}
    others = _others(options, before, where) if before else []
    tokens = sorted({*options.tokens, *(row["tokens"] for row in others)})
    torch.manual_seed(0)
    sizes = TINY if options.tiny else FULL
    rows = [cost.to_dict() for cost in costs(options.tokens, device, sizes=sizes, rounds=options.rounds)]
    return {
        "command": _command(options, tokens, options.seeds),
        "environment": where,
        "rows": sorted([*others, *rows], key=lambda row: row["tokens"]),
        "line": asdict(memory_line(tokens, device, (8, 8) if options.tiny else (64, 64))),
    }


def _others(options: argparse.Namespace, before: dict[str, Any], where: dict[str, str]) -> list[dict[str, Any]]:
    try:
        others = [row for row in before["rows"] if row["tokens"] not in options.tokens]
        now = where | {"tiny": options.tiny, "rounds": options.rounds}
        then = before["environment"] | {"tiny": "--tiny" in before["command"]}
        then["rounds"] = len(others[0]["seconds"]) if others else options.rounds
    except (KeyError, TypeError, AttributeError) as error:
        path = options.folder / RESULTS
        raise DeigError(f"{path} holds a cost that cannot be read ({error!r}): move it away.") from None
    different = sorted(name for name in {*now, *then} - {"date"} if now.get(name) != then.get(name))
    if others and different:
        listed = ", ".join(str(row["tokens"]) for row in others)
        raise DeigError(
            f"{options.folder / RESULTS} holds the cost of T = {listed}, measured otherwise ({', '.join(different)}): "
            f"give those to --tokens too, or take another folder."
        )
    return others


def _accuracy(options: argparse.Namespace, recipe: Recipe) -> dict[str, Any]:
    """All rows that the folder holds, whichever run made them."""
    rows = every(options.folder, recipe)
    tokens = sorted({row.tokens for row in rows} | set(options.tokens))
    seeds = sorted({row.seed for row in rows} | set(options.seeds))
    return {"command": _command(options, tokens, seeds), "rows": [row.to_dict() for row in rows]}


def _command(options: argparse.Namespace, tokens: Sequence[int], seeds: Sequence[int]) -> str:
    """What remakes the rows of these T and seeds."""
    words = ["python -m research.studies.tokens FOLDER"]
    values = vars(options) | {"tokens": tokens, "seeds": seeds}
    for name in ("only", "tokens", "seeds", "steps", "batch", "scenes", "layouts", "rounds", "threads"):
        value = values[name]
        if value is not None:
            words.append(f"--{name} {' '.join(map(str, value)) if isinstance(value, (list, tuple)) else value}")
    return " ".join(words + (["--tiny"] if options.tiny else []))


def _read(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise DeigError(f"{path} cannot be read ({error}): move it away.") from None
    if not isinstance(found, dict):
        raise DeigError(f"{path} holds no results: move it away.")
    return found


def _text(results: dict[str, Any]) -> str:
    return json.dumps(results, indent=1) + "\n"


if __name__ == "__main__":
    raise SystemExit(main())
