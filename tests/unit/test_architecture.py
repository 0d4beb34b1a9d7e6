"""The architecture shows in the folders: which wing may know which."""

import ast
import os
import re
import sys
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACK = [ROOT / "__init__.py", *(f for wing in ("deig_core", "nodes") for f in (ROOT / wing).rglob("*.py"))]
AROUND = [ROOT / "dev.py", *(f for wing in ("tools", "examples") for f in (ROOT / wing).rglob("*.py"))]
FILES = [*PACK, *(ROOT / "research").rglob("*.py"), *AROUND]
HOST = {
    *(
        "alembic_db",
        "api_server",
        "app",
        "cuda_malloc",
        "custom_nodes",
        "execution",
        "folder_paths",
        "hook_breaker_ac10a0",
    ),
    *("latent_preview", "main", "middleware", "new_updater", "node_helpers", "protocol", "server", "utils"),
}
"""The host's top-level modules beside its `nodes` and those that begin with "comfy"."""
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


def of_host(used):
    return {name for name in used if name in HOST or name.startswith("comfy")}


def named(path):
    return str(path.relative_to(ROOT))


def trespass(path):
    """What a file uses and must not know, and why; None where all is well."""
    place, used = path.relative_to(ROOT).parts, wings(path)
    if place[0] == "deig_core":
        wrong, why = of_host(used) | used & {"nodes", "research"}, "the method knows neither the host nor research"
    elif place[0] == "research":
        wrong, why = of_host(used) | used & {"nodes"}, "the research wing knows the method alone"
    elif place[0] == "examples":
        wrong, why = of_host(used) | used & {"nodes", "research"}, "the examples are of the method alone"
    elif path in AROUND:
        drawing = {"PIL"} if place == ("tools", "previews.py") else set()
        wrong, why = used - set(sys.stdlib_module_names) - {"tools"} - drawing, "set-up needs Python alone"
    elif "research" in used:
        wrong, why = {"research"}, "nobody knows the research wing"
    elif place[:2] != ("nodes", "host"):
        wrong, why = of_host(used) - {"comfy_api"}, "only nodes/host touches the host's insides"
    else:
        return None
    return (wrong, why) if wrong else None


def test_wings():
    assert len(FILES) > 200
    assert {named(path): wrong for path in FILES if (wrong := trespass(path))} == {}


def test_every_module_of_the_host_is_known_as_its_own():
    """Of the ComfyUI that the tests run on, where there is one."""
    host = Path(os.environ.get("DEIG_COMFYUI") or ROOT / ".dev" / "comfyui")
    modules = {f.stem for f in host.glob("*.py")} | {f.parent.name for f in host.glob("*/__init__.py")}
    assert modules - of_host(modules) <= {"nodes", "tests"}


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


def test_the_picture_names_every_wrapper_that_is_installed():
    installed = re.findall(r"\(WrappersMP\.(\w+), \w+\)", (ROOT / "nodes/host/sampling.py").read_text(encoding="utf-8"))
    picture = (ROOT / "docs" / "architecture.svg").read_text(encoding="utf-8")
    assert len(installed) == 5 and [f">{name}</text>" in picture for name in installed] == [True] * 5
