#!/usr/bin/env python3
"""Set up, run and test this pack in a real ComfyUI. Standard library only.

Everything lands in `.dev/`; delete that folder to start over.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path

from tools import locales as texts
from tools.server import Server, images
from tools.setup import DEV, ROOT, DevError, Host, run, say, set_up


def demo(options: argparse.Namespace) -> int:
    host = set_up(options.comfyui)
    if options.evaluate:
        command = [host.python, "-m", "research.demo.evaluate", "--sheet", DEV / "demo", *options.arguments]
        return subprocess.run(command, cwd=ROOT).returncode
    workflow = json.loads((ROOT / "example_workflows" / "api" / "DEIG demo.json").read_text(encoding="utf-8"))
    # The host's default attention on a CPU trades speed for memory that a picture of this size does not need.
    with Server(host, arguments=("--cpu", "--use-pytorch-cross-attention")) as server:
        entry = server.wait(server.queue(workflow), progress=True)
    image, overlay = images(host, entry)
    say(f"image:   {image}\noverlay: {overlay}")
    return 0


def test(options: argparse.Namespace) -> int:
    host = set_up(options.comfyui)
    ruff = subprocess.run([host.python, "-m", "ruff", "check", "."], cwd=ROOT)
    # One thread each, because torch's threads of several processes would wait for one another; three processes for two
    # cores, because two of them begin with web pages, for which they wait.
    spread = ["-n", "3", "--dist", "loadgroup", "--no-loadscope-reorder", "--max-worker-restart=0", "tests"]
    pytest = [host.python, "-m", "pytest", *(options.arguments or spread)]
    tests = subprocess.run(pytest, cwd=ROOT, env={**host.environment, "OMP_NUM_THREADS": "1"})
    return ruff.returncode | tests.returncode


def locales(options: argparse.Namespace) -> int:
    host = set_up(options.comfyui)
    with Server(host, arguments=("--cpu",)) as server:
        info = server.get("/object_info")
    now = texts.english({name: node for name, node in info.items() if node["category"].startswith("DEIG")})
    missing = texts.update(ROOT / "locales", now)
    for language, left in missing.items():
        say(f"{language}: {len(left)} to translate in locales/{language}/nodeDefs.json")
        for path, text in left.items():
            say(f"   {path}: {text}")
    return int(any(missing.values()))


def previews(options: argparse.Namespace) -> int:
    host = set_up(options.comfyui)
    where = ["--comfyui", host.comfyui, "--base", host.base]
    return subprocess.run([host.python, "-m", "tools.previews", *where, *options.arguments], cwd=ROOT).returncode


def serve(options: argparse.Namespace) -> int:
    host = set_up(options.comfyui)
    with Server(host, options.port) as server:
        say(f"ComfyUI with DEIG: {server.url}   (Ctrl+C stops it; log: {server.log})")
        with contextlib.suppress(KeyboardInterrupt):
            server.process.wait()
    return 0


def parity(options: argparse.Namespace) -> int:
    host = set_up(options.comfyui)
    command = [host.python, ROOT / "tests" / "host" / "parity.py", *map(os.path.abspath, options.files)]
    return subprocess.run(command, cwd=ROOT, env=host.environment).returncode


def bench(options: argparse.Namespace) -> int:
    host = set_up(options.comfyui)
    step = [host.python, ROOT / "tests" / "host" / "bench_step.py"]
    editor = [host.python, ROOT / "tests" / "browser" / "bench_editor.py", host.comfyui, host.base]
    targets = {"core": [host.python, "-m", "research.bench"], "step": step, "editor": editor}
    if (
        run("asking torch for a GPU", host.python, "-c", "import torch; print(torch.cuda.is_available())").strip()
        == "True"
    ):
        targets["step-gpu"] = [*step, "--gpu"]
    failed, results = 0, {}
    for name, command in targets.items():
        if options.target and name.partition("-")[0] != options.target:
            continue
        part = DEV / f"bench-{name}.json"
        part.unlink(missing_ok=True)
        more = ["--rounds", str(options.rounds)] if options.rounds else []
        failed |= subprocess.run([*command, "--json", part, *more], cwd=ROOT, env=host.environment).returncode
        if part.exists():
            results[name] = json.loads(part.read_text(encoding="utf-8"))
    if options.json:
        Path(options.json).write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    return failed


def gpu(options: argparse.Namespace) -> int:
    host = set_up(options.comfyui)
    began = time.monotonic()
    out = Path(options.out or DEV / "gpu").absolute()
    command = [host.python, "-m", "research.bench.gpu", "--out", out]
    result = subprocess.run([*command, "--minutes", str(options.minutes), *options.arguments], cwd=ROOT).returncode
    if result not in (0, 1) or "--tiny" in options.arguments:  # there is no GPU, or the arguments are wrong
        return result
    rows = out / "host.json"
    result |= _gpu_step(host, 60 * options.minutes - (time.monotonic() - began), rows)
    run("joining the step in ComfyUI to the report", *command, "--join", rows, cwd=ROOT)
    return result


def _gpu_step(host: Host, left: float, rows: Path) -> int:
    """Measure the step in the host in the seconds that are left; `rows` holds what came out, or why nothing did."""
    what = "the UNet step in ComfyUI (python dev.py bench step)"
    if left < 60:
        found = {"state": "done", "left_out": [what]}
        say(f"No time is left for {what}.")
    else:
        say(f"\n== {what} ==")
        rows.unlink(missing_ok=True)
        step = [host.python, ROOT / "tests" / "host" / "bench_step.py", host.comfyui, "--gpu", "--json", rows]
        began = time.monotonic()
        try:
            code = subprocess.run(step, cwd=ROOT, timeout=left).returncode
            found = {"state": "failed", "error": f"It ended with exit code {code}."} if code else {"state": "done"}
        except subprocess.TimeoutExpired:
            found = {"state": "done", "left_out": [f"what {what} had not measured after {left:.0f} s"]}
        found["seconds"] = time.monotonic() - began
        with contextlib.suppress(OSError, ValueError):  # stopped before it wrote any, or while it wrote
            found["rows"] = json.loads(rows.read_text(encoding="utf-8"))
    rows.write_text(json.dumps(found), encoding="utf-8")
    return int(found["state"] != "done")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    for function, about in (
        (demo, "make a picture with the example workflow"),
        (test, "run all tests; arguments go to pytest"),
        (locales, "bring locales/*/nodeDefs.json up to the nodes, and say what is to be translated"),
        (previews, "make the pictures beside the example workflows anew; names of workflows make those alone"),
        (serve, "open ComfyUI with the pack"),
        (parity, "compare the pack in the host with golden whole-UNet files"),
        (bench, "measure speed and memory, as ratios"),
        (
            gpu,
            "prove, measure and tune on this machine's GPU, in six minutes; other arguments go to research.bench.gpu",
        ),
    ):
        command = commands.add_parser(function.__name__, help=about, allow_abbrev=False)  # pytest has a --co of its own
        command.set_defaults(function=function)
        command.add_argument("--comfyui", metavar="PATH", help="use this ComfyUI checkout instead of the pinned one")
        if function is demo:
            command.add_argument(
                "--evaluate",
                action="store_true",
                help="measure how well the demo's models follow 512 unseen layouts instead; other options go to "
                "research.demo.evaluate",
            )
        if function is serve:
            command.add_argument("--port", type=int, default=8188)
        if function is parity:
            command.add_argument("files", nargs="+", metavar="FILE")
        if function is bench:
            command.add_argument(
                "target", nargs="?", choices=("core", "step", "editor"), help="one part alone (default: all)"
            )
            command.add_argument("--json", metavar="FILE", help="also write the rows here")
            command.add_argument("--rounds", type=int, help="measurements a row")
        if function is gpu:
            command.add_argument("--minutes", type=float, default=6.0, help="for all of it (default 6)")
            command.add_argument("--out", metavar="FOLDER", help="where gpu.json and gpu.md go (default: .dev/gpu)")
    options, options.arguments = parser.parse_known_args()
    if options.arguments and not (options.function in (test, gpu, previews) or getattr(options, "evaluate", False)):
        parser.error(f"unrecognized arguments: {' '.join(options.arguments)}")
    try:
        return options.function(options)
    except DevError as error:
        print(f"\ndev.py: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
