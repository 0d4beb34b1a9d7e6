"""Every node says what it is, on the page and in its help."""

import json
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
IDS = sorted(p.stem for p in (ROOT / "web" / "docs").glob("*.md"))


def test_every_node_has_a_help_page(host_nodes):
    ours = [
        i
        for i, cls in host_nodes.NODE_CLASS_MAPPINGS.items()
        if getattr(cls, "RELATIVE_PYTHON_MODULE", "").endswith("deig")
    ]
    assert sorted(ours) == IDS


@pytest.mark.parametrize("node_id", IDS)
def test_node_and_help_agree(host_nodes, node_id):
    schema = host_nodes.NODE_CLASS_MAPPINGS[node_id].GET_SCHEMA()
    page = (ROOT / "web" / "docs" / f"{node_id}.md").read_text(encoding="utf-8")
    assert schema.category == "DEIG" and len(schema.description) > 20
    assert page.startswith(f"# {schema.display_name}\n")
    assert all(i.tooltip and len(i.tooltip) > 10 for i in schema.inputs)
    assert all(o.tooltip and len(o.tooltip) > 8 for o in schema.outputs)
    assert [i.id for i in schema.inputs if f"**{i.id}**" not in page] == []


@pytest.mark.parametrize("node_id", IDS)
def test_prompts_of_before_give_all_that_is_required(host_nodes, node_id):
    """The host leaves out a part of a prompt that lacks a required input, and says so in its log alone: what is added
    to a node is optional.
    """
    required = json.loads((ROOT / "tests" / "data" / "required_inputs.json").read_text(encoding="utf-8"))
    schema = host_nodes.NODE_CLASS_MAPPINGS[node_id].GET_SCHEMA()
    assert {i.id for i in schema.inputs if not i.optional} <= set(required[node_id])


def test_the_node_starts_with_the_editors_empty_document(host_nodes):
    schema = host_nodes.NODE_CLASS_MAPPINGS["DEIGRegions"].GET_SCHEMA()
    (regions,) = (i for i in schema.inputs if i.id == "regions")
    shared = json.loads((ROOT / "tests" / "data" / "document.json").read_text(encoding="utf-8"))
    assert json.loads(regions.default) == shared["empty"]


def test_what_the_editor_was_shown_survives_a_reload_where_the_host_can_do_it(host_nodes):
    schema = host_nodes.NODE_CLASS_MAPPINGS["DEIGRegions"].GET_SCHEMA()
    if not hasattr(schema, "has_intermediate_output"):
        pytest.skip("this host keeps no node's UI output over a reload")
    assert schema.has_intermediate_output
