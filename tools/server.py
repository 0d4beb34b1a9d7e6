"""A running ComfyUI with this pack, and what a client of its HTTP API does. Standard library only."""

from __future__ import annotations

import contextlib
import json
import re
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

from .setup import DevError, Host, run


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
            # The database's default place is the checkout, which is the user's.
            "--base-directory",
            str(host.base),
            "--database-url",
            "sqlite:///:memory:",
            "--disable-api-nodes",
            "--disable-auto-launch",
            *(["--cpu"] if cpu_only else []),
            *arguments,
        ]
        self.environment = host.environment
        self.process: subprocess.Popen | None = None

    def __enter__(self) -> Server:
        self._check_port()
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(self.command, stdout=log, stderr=subprocess.STDOUT, env=self.environment)
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

    def _check_port(self) -> None:
        """Raise DevError where another program answers on the port: it would be taken for this server."""
        with socket.socket() as probe:
            if sys.platform != "win32":  # as the server binds: a port that was just left is free
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", self.port))
            except OSError:
                raise DevError(f"Port {self.port} is in use by another program: choose one with --port.") from None

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
