"""The architecture shows in the folders: which wing may know which."""

import ast
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACK = [ROOT / "__init__.py", *(f for wing in ("deig_core", "nodes") for f in (ROOT / wing).rglob("*.py"))]
FILES = [*PACK, *(ROOT / "research").rglob("*.py")]
HOST = {"comfy", "folder_paths", "execution", "server", "comfy_extras", "comfy_api"}
NETWORK = {"requests", "urllib", "http", "socket", "subprocess", "aiohttp", "pip"}


@cache
def tree(path):
    return ast.parse(path.read_text(encoding="utf-8"))


def imported(path):
    """Whole names of the modules that a file imports, relative ones worked out."""
    package = path.relative_to(ROOT).with_suffix("").parts
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from (a.name for a in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level] if node.level else ()
            module = ".".join([*above, *([node.module] if node.module else [])])
            yield from (f"{module}.{a.name}" if module else a.name for a in node.names)


def wings(path):
    return {name.split(".")[0] for name in imported(path)}


def named(path):
    return str(path.relative_to(ROOT))


def trespass(path):
    """What a file uses and must not know, and why; None where all is well."""
    wing, used = path.relative_to(ROOT).parts[0], wings(path)
    if wing == "deig_core":
        wrong, why = used & (HOST | {"nodes", "research"}), "the method knows neither the host nor the research wing"
    elif wing == "research":
        wrong, why = used & (HOST | {"nodes"}), "the research wing knows the method alone"
    elif "research" in used:
        wrong, why = {"research"}, "nobody knows the research wing"
    elif path.relative_to(ROOT).parts[:2] != ("nodes", "host"):
        wrong, why = used & (HOST - {"comfy_api"}), "only nodes/host touches the host's insides"
    else:
        return None
    return (wrong, why) if wrong else None


def test_wings():
    assert len(FILES) > 200
    assert {named(path): wrong for path in FILES if (wrong := trespass(path))} == {}


def test_no_network_and_no_processes_at_run_time():
    # aiohttp.web answers the page on the host's own server; it asks nobody.
    used = {named(path): {n.split(".")[0] for n in imported(path) if n != "aiohttp.web"} & NETWORK for path in PACK}
    assert {name: wrong for name, wrong in used.items() if wrong} == {}


def test_nothing_is_executed_from_files():
    for path in FILES:
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.Call):
                name = ast.unparse(node.func)
                assert name not in {"eval", "exec", "os.system", "pickle.load", "pickle.loads", "__import__"}, path
                if name == "torch.load":
                    assert {k.arg: ast.unparse(k.value) for k in node.keywords}["weights_only"] == "True", path


def test_imports_inside_the_pack_are_relative():
    """Packs share one process, and the host has a top-level module of the name "nodes"."""
    for path in PACK:
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.ImportFrom) and not node.level:
                assert node.module.split(".")[0] not in {"deig_core", "nodes"}, path
