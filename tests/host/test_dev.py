"""Commands of dev.py that run the pack in a host."""

import argparse
import sys
from pathlib import Path

from conftest import COMFYUI, ROOT

import dev
from tools import setup
from tools.setup import Host


def test_parity_in_another_hosts_base_directory(monkeypatch, tmp_path, capfd):
    """As on a fresh clone with --comfyui: the pack is in the base directory of that host and in no other."""
    host = Host(COMFYUI, Path(sys.prefix), tmp_path / "base")
    setup.prepare_base(host)
    monkeypatch.setattr(dev, "set_up", lambda comfyui: host)
    monkeypatch.setenv("DEIG_BASE", str(tmp_path / "nowhere"))
    files = [str(ROOT / "tests" / "golden" / "unet.safetensors")]
    assert dev.parity(argparse.Namespace(comfyui=str(COMFYUI), files=files)) == 0
    assert capfd.readouterr().out.count("largest difference") == 3
