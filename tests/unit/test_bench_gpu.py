"""`python -m research.bench.gpu` from end to end on a CPU: with a card at last it must not fail for a silly reason."""

import ast
import json
import multiprocessing
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from deig_core.attention.triton import tiles
from research.bench.gpu import __main__ as command
from research.bench.gpu import part
from research.bench.gpu.report import Report

ROOT = Path(__file__).resolve().parents[2]
BARE = """
import multiprocessing
from importlib.machinery import PathFinder

find, hidden = PathFinder.find_spec, ("comfy", "diffusers", "accelerate")
PathFinder.find_spec = lambda name, *more: None if name.partition(".")[0] in hidden else find(name, *more)
if "fork" in multiprocessing.get_all_start_methods():  # parts have then what takes seconds to import
    import torch._dynamo, transformers, triton

    forked = multiprocessing.get_context("fork")
    multiprocessing.get_context = lambda method: forked
"""


def run(*arguments, **environment):
    return subprocess.run(
        [sys.executable, "-m", "research.bench.gpu", *map(str, arguments)],
        cwd=ROOT,
        text=True,
        capture_output=True,
        env=os.environ | {"CUDA_VISIBLE_DEVICES": "", "OMP_NUM_THREADS": "1", **environment},
    )


def test_every_part_runs_on_a_bare_machine(tmp_path):
    """All five parts, in Triton's interpreter, with what a bare machine lacks hidden from every process."""
    pytest.importorskip("triton")
    (tmp_path / "sitecustomize.py").write_text(BARE, encoding="utf-8")
    done = run("--tiny", "--out", tmp_path, TRITON_INTERPRET="1", PYTHONPATH=str(tmp_path))
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    report = Report.from_json((tmp_path / "gpu.json").read_text(encoding="utf-8"))
    assert {name: (found.state, found.left_out, found.error) for name, found in report.parts.items()} == dict.fromkeys(
        command.PARTS, ("done", [], "")
    )

    names = {name: {row["group"] for row in found.rows} for name, found in report.parts.items()}
    assert names["prove"] == {"error against float64: ||a - b|| / ||b||", "the same of the worst cell"}
    assert names["speed"] == {
        "launched one by one / replayed",
        *(
            f"the kernel / {other}"
            for other in (
                "unmasked flash attention",
                "unmasked, torch's own choice",
                "torch's attention with a dense mask",
                "FlexAttention",
                "ours without the kernel (unmasked, then merged)",
                "ours by widened heads",
            )
        ),
    }
    assert names["whole"] == {
        "a UNet step, 64 px, CFG, 5 regions, fp32",
        "7 texts",
        "16 fusers of a call, one row: ours / the same products with unmasked attention",
    }
    proved = {row["name"] for row in report.parts["prove"].rows}
    assert proved >= {
        f"{name}, {dtype}"
        for name in (
            "sdpa",
            "merge by cells",
            "merge by region",
            "widened",
            "dense in the dtype",
            "auto",
            "no region: plain attention",
            "a fuser, no region",
        )
        for dtype in ("fp16", "bf16", "fp32")
    }
    assert proved >= {"triton, fp16", "triton, fp32"} and all(row["met"] for row in report.parts["prove"].rows)
    assert len(report.parts["speed"].tables[0]["lines"]) == 3
    (tuned,) = report.parts["tune"].texts
    (table,) = ast.literal_eval("{" + tuned["text"] + "}").values()
    assert list(table) == [(16, 16)] and len(table[16, 16]) == 4

    page = (tmp_path / "gpu.md").read_text(encoding="utf-8")
    assert page.startswith(f"## {report.environment['card']}, {report.environment['date']}\n")
    assert (
        all(f"### {title}" in page for title in ("Proof", "The attention alone", "Tiles", "The whole"))
        and report.environment["triton"] in page
    )
    assert "nothing of any speed" in page


@pytest.fixture
def without_a_gpu(monkeypatch):
    """And parts are forked where that is possible: each has torch then, which takes seconds to import."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    if "fork" in multiprocessing.get_all_start_methods():
        forked = SimpleNamespace(get_context=lambda _: multiprocessing.get_context("fork"))
        monkeypatch.setattr(part, "multiprocessing", forked)


def test_without_a_gpu_it_says_so(monkeypatch, capsys):
    """From a part that is started as it is for a user, with nothing of this process in it."""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert command.main(["--parts", "tune"]) == 2
    assert part.NO_GPU in capsys.readouterr().out


PARTS = {
    "raises": "def run(part):\n    part.note('before')\n    raise RuntimeError('a bad day')",
    "dies": "def run(part):\n    part.note('before')\n    import os\n    os._exit(7)",
    "hangs": "def run(part):\n    part.note('before')\n    import time\n    time.sleep(600)",
    "works": "from research.bench.measure import Row\n\ndef run(part):\n"
    "    part.row(Row('g', 'n', float('inf'), at_most=1.0))\n    part.has(1e9, 'the long one')",
}


def test_a_part_that_fails_takes_no_other_with_it(without_a_gpu, tmp_path, monkeypatch):
    for name, code in PARTS.items():
        (tmp_path / f"gpu_part_that_{name}.py").write_text(code, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(command, "MODULE", "gpu_part_that_{}")
    monkeypatch.setattr(command, "TITLES", {name: name for name in PARTS})
    # The one that hangs has no time at all beyond its grace.
    monkeypatch.setattr(command, "PARTS", {"raises": 30, "dies": 30, "hangs": 0, "works": 30})
    monkeypatch.setattr(part, "GRACE", 2.0)
    assert command.main(["--tiny", "--minutes", "2", "--out", str(tmp_path)]) == 1
    report = Report.from_json((tmp_path / "gpu.json").read_text(encoding="utf-8"))
    assert {name: found.state for name, found in report.parts.items()} == {
        "raises": "failed",
        "dies": "died",
        "hangs": "stopped",
        "works": "done",
    }
    assert report.failed() == ["raises", "dies", "hangs"]
    assert report.parts["raises"].notes == report.parts["dies"].notes == ["before"]
    assert "RuntimeError: a bad day" in report.parts["raises"].error and "exit code 7" in report.parts["dies"].error
    assert report.parts["works"].rows[0]["value"] == float("inf") and report.parts["works"].left_out == ["the long one"]
    page = (tmp_path / "gpu.md").read_text(encoding="utf-8")
    assert (
        "RuntimeError: a bad day" in page
        and "**This part stopped.**" in page
        and "Left out, for there was no time: the long one." in page
    )
    assert "| n | inf x |  | <= 1.000 | **missed** |  |" in page


def test_the_step_in_comfyui_joins_a_report(tmp_path):
    Report(6.0, environment={"card": "a card", "date": "today"}).write(tmp_path / "gpu.json", tmp_path / "gpu.md")
    rows = tmp_path / "host.json"
    rows.write_text(
        json.dumps(
            {"state": "done", "rows": [{"group": "g", "name": "DEIG / without: time", "value": 1.5, "met": None}]}
        ),
        encoding="utf-8",
    )
    assert command.main(["--join", str(rows), "--out", str(tmp_path)]) == 0
    page = (tmp_path / "gpu.md").read_text(encoding="utf-8")
    assert (
        page.startswith("## a card, today")
        and "### A step in ComfyUI" in page
        and "| DEIG / without: time | 1.500 x |" in page
    )


@pytest.mark.parametrize("path", sorted((ROOT / "research" / "bench").rglob("*.py")), ids=lambda p: p.stem)
def test_it_imports_what_a_bare_machine_has(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = (
            [a.name for a in node.names]
            if isinstance(node, ast.Import)
            else [node.module]
            if isinstance(node, ast.ImportFrom) and not node.level
            else []
        )
        for name in names:
            top = name.partition(".")[0]
            assert (
                top in {"torch", "triton", "transformers", "numpy", "einops", "safetensors", "deig_core"}
                or top in sys.stdlib_module_names
            )


class Finished:
    def __init__(self, returncode):
        self.returncode = returncode


@pytest.mark.parametrize(
    "parts, step, minutes, result, state, rows, left_out",
    [
        (0, 0, 6.0, 0, "done", 2, 0),
        (1, 0, 6.0, 1, "done", 2, 0),
        (0, "late", 6.0, 0, "done", 1, 1),
        (0, 3, 6.0, 1, "failed", 1, 0),
        (0, None, 0.5, 0, "done", 0, 1),
        (2, None, 6.0, 2, None, 0, 0),
    ],
)
def test_dev_measures_the_step_in_the_host_in_the_time_that_is_left(
    tmp_path, monkeypatch, parts, step, minutes, result, state, rows, left_out
):
    """parts, step: how the two commands end; None: the second is not to run."""
    import dev
    from tools.setup import Host

    commands, host = [], Host(tmp_path / "comfyui", tmp_path / "venv", tmp_path / "base")
    module = ["-m", "research.bench.gpu", "--out", str(tmp_path)]

    def called(command, cwd=None, timeout=None):
        commands.append([str(part) for part in command[1:]])
        if "-m" in commands[-1]:
            return Finished(parts)
        assert 60 <= timeout <= 360 and commands[-1][-3:] == ["--gpu", "--json", str(tmp_path / "host.json")]
        made = [{"group": "g", "name": str(i), "value": 1.0, "met": None} for i in range(1 if step else 2)]
        (tmp_path / "host.json").write_text(json.dumps(made), encoding="utf-8")
        if step == "late":
            raise subprocess.TimeoutExpired(command, timeout)
        return Finished(step)

    monkeypatch.setattr(dev, "set_up", lambda path: host)
    monkeypatch.setattr(dev.subprocess, "run", called)
    monkeypatch.setattr(dev, "run", lambda what, *command, cwd: commands.append([str(part) for part in command[1:]]))
    arguments = ["--minutes", str(minutes), "--out", str(tmp_path), "--parts", "tune"]
    monkeypatch.setattr(sys, "argv", ["dev.py", "gpu", *arguments])
    assert dev.main() == result
    assert commands[0] == [*module, "--minutes", str(minutes), "--parts", "tune"]
    if state is None:
        assert len(commands) == 1
        return
    assert commands[-1] == [*module, "--join", str(tmp_path / "host.json")]
    assert len(commands) == (2 if step is None else 3)
    found = json.loads((tmp_path / "host.json").read_text(encoding="utf-8"))
    assert (found["state"], len(found.get("rows", [])), len(found.get("left_out", []))) == (state, rows, left_out)


def test_the_table_takes_what_tuning_prints(monkeypatch):
    from research.bench.gpu.tune import as_code

    torch = pytest.importorskip("torch")
    text = as_code({(160, 16): (64, 64, 4, 3), (48, 16): (128, 128, 8, 3), (48, 32): (64, 32, 4, 2)}, 227)
    assert text.splitlines()[1] == "        (48, 16): (128, 128, 8, 3),"
    monkeypatch.setattr(tiles, "LARGER", ast.literal_eval("{" + text + "}"))
    assert tiles.tile_for(48, torch.bfloat16, 227) == (128, 128, 8, 3) and tiles.tile_for(160, torch.float16, 228) == (
        64,
        64,
        4,
        3,
    )
    assert tiles.tile_for(48, torch.bfloat16, 99) == tiles.TILES[64, 16]
    assert ast.literal_eval("{" + as_code({}, 99) + "}") == {99: {}} and list(
        ast.literal_eval("{" + as_code({}, 166) + "}")
    ) == [163]
