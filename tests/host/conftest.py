"""The real ComfyUI, imported into the test process, with this pack loaded the way the host loads packs."""

import asyncio
import os
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
COMFYUI = Path(os.environ.get("DEIG_COMFYUI", ROOT / ".dev" / "comfyui"))
BASE = Path(os.environ.get("DEIG_BASE", ROOT / ".dev" / "base"))
DYNAMIC = os.environ.get("DEIG_DYNAMIC") == "1"


def switch_on_dynamic_vram(change=setattr) -> bool:
    """Make the host what it is with DynamicVRAM on, as far as that goes without a GPU, by change(object, name, value).

    Its layers have no weights before a state dict is loaded, it maps files into memory, and its patchers say that they
    are dynamic and let the layers cast (they do not page). False where the host has no such thing.
    """
    import comfy.model_patcher as patchers

    try:
        import comfy.memory_management as memory
        import comfy_aimdo.control
    except ImportError:
        return False

    class Dynamic(patchers.ModelPatcher):
        non_dynamic_delegate_model = None
        get_non_dynamic_delegate = patchers.ModelPatcherDynamic.get_non_dynamic_delegate

        def is_dynamic(self):
            return True

        def loaded_ram_size(self):
            return 0

        def load(self, *args, **kwargs):
            super().load(*args, **kwargs)
            for layer in self.model.modules():
                if hasattr(layer, "comfy_cast_weights"):
                    layer.comfy_cast_weights = True

    comfy_aimdo.control.init()
    change(memory, "aimdo_enabled", True)
    change(patchers, "CoreModelPatcher", Dynamic)
    return True


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

    if DYNAMIC:
        assert switch_on_dynamic_vram(), "DEIG_DYNAMIC=1: this host has no DynamicVRAM"
    asyncio.run(nodes.load_custom_node(str(BASE / "custom_nodes" / "deig")))
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

    asyncio.run(host_nodes.init_builtin_extra_nodes())
    return Graph(host_nodes)


@pytest.fixture
def runs(graph, monkeypatch):
    """Every list of runs that a UNet call was grounded with."""
    from parity import pack_module

    sampling = pack_module(graph.host, "nodes.host.sampling")
    seen, ground = [], sampling.ground
    monkeypatch.setattr(
        sampling, "ground", lambda extractor, found, *a, **k: seen.append(found) or ground(extractor, found, *a, **k)
    )
    return seen


@pytest.fixture
def heard(graph, monkeypatch):
    """What was said at the sampler's node, run by run."""
    from parity import pack_module

    said = []
    monkeypatch.setattr(pack_module(graph.host, "nodes.host.sampling"), "say_at_running_node", said.append)
    return said


@pytest.fixture
def dynamic_vram(host_nodes, monkeypatch):
    """The host with DynamicVRAM on."""
    if not switch_on_dynamic_vram(monkeypatch.setattr):
        pytest.skip("this host has no DynamicVRAM")
