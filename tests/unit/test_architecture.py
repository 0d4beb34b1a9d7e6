"""The architecture shows in the folders."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILES = [*(ROOT / "deig_core").rglob("*.py"), *(ROOT / "nodes").rglob("*.py"), ROOT / "__init__.py"]
HOST = {"comfy", "folder_paths", "nodes", "execution", "server", "comfy_extras", "comfy_api"}


def imported(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (a.name.split(".")[0] for a in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield node.module.split(".")[0]


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_rooms(path):
    place, used = path.relative_to(ROOT), set(imported(path))
    if place.parts[0] == "deig_core":
        assert not used & HOST, "deig_core must not know the host"
    elif place.parts[:2] != ("nodes", "host"):
        assert not used & (HOST - {"comfy_api"}), "only nodes/host touches the host's insides"
    assert not used & {"requests", "urllib", "http", "socket", "subprocess", "aiohttp", "pip"}, "no network and no processes at run time"
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 300


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_nothing_is_executed_from_files(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            name = ast.unparse(node.func)
            assert name not in {"eval", "exec", "os.system", "pickle.load", "pickle.loads", "__import__"}
            if name == "torch.load":
                assert {k.arg: ast.unparse(k.value) for k in node.keywords}["weights_only"] == "True"
