"""What people get when they clone the pack or install it from the registry."""

import ast
import fnmatch
import json
import re
import subprocess
import sys
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
    assert set(project["optional-dependencies"]) >= {"dev", "train"}
    assert f"## {project['version']}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("page", [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")], ids=lambda page: page.name)
def test_prose_ends_at_120_columns(page):
    """But for tables, and what is indented as code."""
    lines = enumerate(page.read_text(encoding="utf-8").splitlines(), 1)
    assert [n for n, line in lines if len(line) > 120 and not line.startswith(("|", "    ", "!["))] == []


def test_the_readme_says_where_the_pack_the_paper_and_the_weights_are():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert f"git clone {PROJECT['project']['urls']['Repository']} deig" in readme
    weights = re.search(r"https://huggingface\.co/\w+/\w+", WORKFLOWS[-1].read_text(encoding="utf-8"))[0]
    for text in (readme.split("## Install")[0], (ROOT / "docs" / "method.md").read_text(encoding="utf-8")):
        assert "https://arxiv.org/abs/2602.18282" in text and weights in text


def test_nothing_is_installed_beside_the_host():
    assert PROJECT["project"]["dependencies"] == []
    assert not (ROOT / "requirements.txt").exists() and not (ROOT / "install.py").exists()


def test_the_runtime_imports_only_what_the_host_has():
    # What attaches to a diffusers UNet is for those who have one; the graph never imports it.
    elsewhere = ROOT / "deig_core" / "diffusers_unet"
    method = {"torch", "transformers", "safetensors", "einops", "numpy"}
    method |= {"tqdm", "yaml", "triton"}  # of transformers and torch
    # aiohttp is the host's server, which the page asks; tokenizers is of transformers.
    graph = method | {"PIL", "aiohttp", "tokenizers", "comfy", "comfy_api", "comfy_execution", "folder_paths"}
    for path in [ROOT / "__init__.py", *(ROOT / "nodes").rglob("*.py"), *(ROOT / "deig_core").rglob("*.py")]:
        if elsewhere in path.parents:
            continue
        allowed = method if ROOT / "deig_core" in path.parents else graph
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and not node.level:
                names = [node.module]
            for name in names:
                top = name.split(".")[0]
                assert top in allowed or top in sys.stdlib_module_names, f"{path.name} imports {name}"


def shipped() -> set[str]:
    """Paths of the repository that .comfyignore leaves in the registry's archive."""
    patterns = (ROOT / ".comfyignore").read_text().split()
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = {name for name in subprocess.check_output(listed, cwd=ROOT, text=True).split("\0") if name}
    return {n for n in names if not any(fnmatch.fnmatch(n, p) or n.startswith(p.rstrip("/") + "/") for p in patterns)}


def test_the_archive_holds_what_runs_and_no_more():
    names = shipped()
    assert names >= {"__init__.py", "LICENSE", "README.md", "pyproject.toml", "web/deig.js", "web/docs/DEIGApply.md"}
    assert names >= {f"example_workflows/{w.name}" for w in WORKFLOWS} | {
        f"example_workflows/{w.stem}.jpg" for w in WORKFLOWS
    }
    assert names >= {"subgraphs/DEIG for SD 1.5.json", "web/docs/DEIGApply/zh.md", "locales/zh/nodeDefs.json"}
    assert "dev.py" not in names and not [
        n for n in names if n.startswith((".ci/", "docs/", "examples/", "research/", "tests/", "tools/"))
    ]


def test_every_relative_import_of_the_archive_is_in_it():
    names = shipped()
    modules = {n.removesuffix(".py").removesuffix("/__init__") for n in names if n.endswith(".py")}
    missing = [
        f"{name}: {'.' * node.level}{node.module or ''}"
        for name in names
        if name.endswith(".py")
        for node in ast.walk(ast.parse((ROOT / name).read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and node.level
        if "/".join([*Path(name).parts[: -node.level], *(node.module or "").split(".")]).strip("/") not in modules
    ]
    assert missing == []


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda w: w.stem)
def test_example_workflows_are_complete(workflow):
    assert workflow.with_suffix(".jpg").is_file()
    graph = json.loads(workflow.read_text(encoding="utf-8"))
    api = json.loads((workflow.parent / "api" / workflow.name).read_text(encoding="utf-8"))
    nodes = {str(n["id"]): n["type"] for n in graph["nodes"] if n["type"] != "MarkdownNote"}
    assert nodes == {k: v["class_type"] for k, v in api.items()}
    used = set(nodes.values())
    assert {"DEIGApply", "DEIGEncode"} <= used and used & {"DEIGRegions", "DEIGRegionsFromMasks"}
