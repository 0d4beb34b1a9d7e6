"""What people get when they clone the pack or install it from the registry."""

import ast
import fnmatch
import json
import re
from pathlib import Path

import pytest
import tomllib

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
WORKFLOWS = sorted((ROOT / "example_workflows").glob("*.json"))


def test_the_registry_finds_what_it_needs():
    project, comfy = PROJECT["project"], PROJECT["tool"]["comfy"]
    assert project["name"] == "deig" and re.fullmatch(r"\d+\.\d+\.\d+", project["version"])
    assert project["license"] == {"file": "LICENSE"} and "Apache License" in (ROOT / "LICENSE").read_text()
    assert comfy["DisplayName"] == "DEIG: instance control by text" and comfy["PublisherId"]
    assert comfy["requires-comfyui"] == ">=0.3.75"
    assert set(project["optional-dependencies"]) >= {"dev", "train", "bench"}
    assert f"## {project['version']}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_nothing_is_installed_beside_the_host():
    assert PROJECT["project"]["dependencies"] == []
    assert not (ROOT / "requirements.txt").exists() and not (ROOT / "install.py").exists()


def test_the_runtime_imports_only_what_the_host_has():
    allowed = {"torch", "transformers", "safetensors", "einops", "numpy", "PIL", "tqdm", "comfy", "comfy_api", "folder_paths", "triton", "typing_extensions"}
    import sys

    for path in [ROOT / "__init__.py", *(ROOT / "nodes").rglob("*.py"), *(ROOT / "deig_core").rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and not node.level:
                names = [node.module]
            for name in names:
                top = name.split(".")[0]
                assert top in allowed or top in sys.stdlib_module_names, f"{path.name} imports {name}"


def test_ignored_files_are_not_needed_at_run_time():
    patterns = (ROOT / ".comfyignore").read_text().split()
    needed = ["__init__.py", "LICENSE", "README.md", "pyproject.toml", "nodes/apply.py", "deig_core/fuser.py", "web/deig.js", "web/docs/DEIGApply.md"]
    needed += [f"example_workflows/{w.name}" for w in WORKFLOWS]
    assert not [n for n in needed for p in patterns if fnmatch.fnmatch(n, p) or n.startswith(p.rstrip("/") + "/")]


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda w: w.stem)
def test_example_workflows_are_complete(workflow):
    assert workflow.with_suffix(".jpg").is_file()
    graph = json.loads(workflow.read_text(encoding="utf-8"))
    api = json.loads((workflow.parent / "api" / workflow.name).read_text(encoding="utf-8"))
    nodes = {str(n["id"]): n["type"] for n in graph["nodes"] if n["type"] != "MarkdownNote"}
    assert nodes == {k: v["class_type"] for k, v in api.items()}
    assert {"DEIGApply", "DEIGEncode", "DEIGRegions"} <= set(nodes.values())
