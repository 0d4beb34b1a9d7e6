"""The real ComfyUI, imported into the test process, with this pack loaded the way the host loads packs."""

import asyncio
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
COMFYUI = Path(os.environ.get("DEIG_COMFYUI", ROOT / ".dev" / "comfyui"))
BASE = Path(os.environ.get("DEIG_BASE", ROOT / ".dev" / "base"))


def finish(coroutine):
    """The result of one of the host's coroutines. In a thread of its own: the browser tests leave an event loop
    running in this one.
    """
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, coroutine).result()


def import_host(*device: str):
    """Make the real host importable, on the CPU unless told (by its own arguments) otherwise; returns the module
    `nodes` of ComfyUI with
    this pack's nodes in it.
    """
    sys.argv[1:] = [
        *(device or ["--cpu"]),
        "--use-pytorch-cross-attention",
        "--base-directory",
        str(BASE),
        "--disable-api-nodes",
    ]
    sys.path.insert(0, str(COMFYUI))
    import comfy.options

    comfy.options.enable_args_parsing()
    import nodes

    finish(nodes.load_custom_node(str(BASE / "custom_nodes" / "deig")))
    return nodes


if not (COMFYUI / "main.py").is_file():
    collect_ignore_glob = ["test_*.py"]
    print(f"tests/host: no ComfyUI at {COMFYUI}; run `python dev.py test`", file=sys.stderr)


@pytest.fixture(scope="session")
def host_nodes():
    saved = sys.argv[:]
    try:
        nodes = import_host()
    finally:
        sys.argv[:] = saved
    missing = [i for i in ("DEIGLoad", "DEIGApply") if i not in nodes.NODE_CLASS_MAPPINGS]
    assert not missing, f"the host did not load the pack: {missing}"
    return nodes


@pytest.fixture(scope="session")
def graph(host_nodes):
    from graph import Graph

    finish(host_nodes.init_builtin_extra_nodes())
    return Graph(host_nodes)
