"""The architecture shows in the folders: which wing may know which."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACK = [ROOT / "__init__.py", *(f for wing in ("deig_core", "nodes") for f in (ROOT / wing).rglob("*.py"))]
FILES = [*PACK, *(ROOT / "research").rglob("*.py")]
HOST = {"comfy", "folder_paths", "execution", "server", "comfy_extras", "comfy_api"}
NETWORK = {"requests", "urllib", "http", "socket", "subprocess", "aiohttp", "pip"}


def imported(path):
    """Whole names of the modules that a file imports, relative ones worked out."""
    package = path.relative_to(ROOT).with_suffix("").parts
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (a.name for a in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level] if node.level else ()
            module = ".".join([*above, *([node.module] if node.module else [])])
            yield from (f"{module}.{a.name}" if module else a.name for a in node.names)


def wings(path):
    return {name.split(".")[0] for name in imported(path)}


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_wings(path):
    wing, used = path.relative_to(ROOT).parts[0], wings(path)
    if wing == "deig_core":
        assert not used & (HOST | {"nodes", "research"}), "the method knows neither the host nor the research wing"
    elif wing == "research":
        assert not used & (HOST | {"nodes"}), "the research wing knows the method alone"
    else:
        assert "research" not in used, "nobody knows the research wing"
        if path.relative_to(ROOT).parts[:2] != ("nodes", "host"):
            assert not used & (HOST - {"comfy_api"}), "only nodes/host touches the host's insides"


@pytest.mark.parametrize("path", PACK, ids=lambda p: str(p.relative_to(ROOT)))
def test_no_network_and_no_processes_at_run_time(path):
    # aiohttp.web answers the page on the host's own server; it asks nobody.
    assert not {name.split(".")[0] for name in imported(path) if name != "aiohttp.web"} & NETWORK


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_nothing_is_executed_from_files(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            name = ast.unparse(node.func)
            assert name not in {"eval", "exec", "os.system", "pickle.load", "pickle.loads", "__import__"}
            if name == "torch.load":
                assert {k.arg: ast.unparse(k.value) for k in node.keywords}["weights_only"] == "True"


def test_imports_inside_the_pack_are_relative():
    """Packs share one process, and the host has a top-level module of the name "nodes"."""
    for path in PACK:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and not node.level:
                assert node.module.split(".")[0] not in {"deig_core", "nodes"}, path
