"""Commands of dev.py that run the pack in a host."""

import argparse
import socket
import sys
from pathlib import Path

import pytest
from conftest import COMFYUI, ROOT
from safetensors import safe_open
from safetensors.torch import save_file

import dev
from tools import setup
from tools.server import Server
from tools.setup import DevError, Host


def test_a_port_in_use_is_said_and_nothing_is_started(tmp_path):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        server = Server(Host(COMFYUI, Path(sys.prefix), tmp_path), port, arguments=("--cpu",))
        with pytest.raises(DevError, match=f"Port {port} is in use"):
            server.__enter__()
        assert server.process is None


def test_a_virtual_environment_that_was_not_finished_is_made_anew(monkeypatch, tmp_path):
    """Killed after Python was there and before pip was."""
    host = Host(COMFYUI, tmp_path / "venv", tmp_path / "base")
    host.python.parent.mkdir(parents=True)
    host.python.touch()
    done = []

    def run(what, *command, **_):
        done.append(what)
        if "venv" in map(str, command):
            host.python.parent.mkdir(parents=True)
            host.python.symlink_to(sys.executable)
        return ""

    monkeypatch.setattr(setup, "DEV", tmp_path)
    monkeypatch.setattr(setup, "run", run)
    setup._install_python(host)
    assert done[0].startswith("making the virtual environment")
    (tmp_path / "stamps").rename(tmp_path / "no stamps")
    done.clear()
    setup._install_python(host)
    assert not done[0].startswith("making")


def test_parity_in_another_hosts_base_directory(monkeypatch, tmp_path, capfd):
    """As on a fresh clone with --comfyui: the pack is in the base directory of that host and in no other."""
    host = Host(COMFYUI, Path(sys.prefix), tmp_path / "base")
    setup.prepare_base(host)
    monkeypatch.setattr(dev, "set_up", lambda comfyui: host)
    monkeypatch.setenv("DEIG_BASE", str(tmp_path / "nowhere"))
    with safe_open(ROOT / "tests" / "golden" / "unet_2level.safetensors", "pt") as whole:
        tensors = {name: whole.get_tensor(name) for name in whole.keys()}  # noqa: SIM118
        tensors["golden.x"] = tensors["golden.x"][:1].clone()  # the first row alone: test_parity.py has them all
        save_file(tensors, tmp_path / "row.safetensors", whole.metadata())
    files = [str(tmp_path / "row.safetensors")]
    assert dev.parity(argparse.Namespace(comfyui=str(COMFYUI), files=files)) == 0
    assert capfd.readouterr().out.count("largest difference") == 3
