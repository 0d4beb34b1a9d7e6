"""What the nodes and the page must agree on: the table that tests/web/shared.test.mjs reads too."""

import json
from pathlib import Path

import pytest
from parity import pack_module

SHARED = json.loads((Path(__file__).parents[1] / "data" / "document.json").read_text(encoding="utf-8"))


def test_the_names_under_which_nodes_tell_something(host_nodes):
    keys = pack_module(host_nodes, "nodes.host.keys")
    assert {name: getattr(keys, name.upper()) for name in SHARED["told"]} == SHARED["told"]


@pytest.mark.parametrize(("node_id", "prefix"), [("DEIGRegions", "boxes_"), ("DEIGRegionsFromBoxes", "")])
def test_choices_of_nodes(host_nodes, node_id, prefix):
    inputs = {one.id: one for one in host_nodes.NODE_CLASS_MAPPINGS[node_id].define_schema().inputs}
    for name in ("layout", "units"):
        assert inputs[prefix + name].options == SHARED[name.removesuffix("s") + "s"]
    for side in ("width", "height"):
        assert inputs[f"{prefix}source_{side}"].max == SHARED["max_source_side"]
    if prefix:
        assert inputs["boxes_mode"].options == SHARED["boxes_modes"]


def test_how_much_the_routes_read(host_nodes):
    """Their sides, as those of a node's boxes; what is longer than `max_bytes` is tested in test_routes.py."""
    routes = pack_module(host_nodes, "nodes.host.routes")
    assert SHARED["max_bytes"] == routes.MOST_BYTES
    most = SHARED["max_source_side"]
    asked = {"text": "[[0, 0, 10, 10]]", "width": 64, "height": 64}
    assert routes._read({**asked, "size": [most, most]})["doc"]["regions"]
    with pytest.raises(pack_module(host_nodes, "deig_core.errors").DeigError, match="own picture"):
        routes._read({**asked, "size": [most + 1, most]})
