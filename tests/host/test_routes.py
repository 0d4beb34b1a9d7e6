"""The pack's own routes over HTTP: what the page asks, and that every other question ends in one sentence."""

import asyncio
import json

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from parity import pack_module

BOXES = json.dumps([[64, 64, 256, 256]])
GOOD = {"text": BOXES, "width": 512, "height": 512}


@pytest.fixture(scope="module")
def ask(graph):
    """ask(work, question) -> the answer of a server with that route; a refusal is one too."""
    routes = pack_module(graph.host, "nodes.host.routes")

    async def asked(work, question):
        app = web.Application()
        app.router.add_post("/", routes._answering(getattr(routes, work)))
        async with TestClient(TestServer(app)) as client:
            response = await client.post("/", json=question)
            assert response.status == 200
            return await response.json()

    return lambda work, question: asyncio.run(asked(work, question))


def test_boxes_are_read(ask):
    answer = ask("_read", {**GOOD, "size": [1024, 1024]})
    assert answer["doc"]["regions"][0]["box"] == [0.0625, 0.0625, 0.25, 0.25]
    assert "error" not in ask("_read", {**GOOD, "size": None})


ODD = [None, True, 5, 0.5, -1, "", "x", [], {}, [1], [1, 2, 3], [[1, 2], 3], {"0": 1, "1": 2}, [0, 512], [512.5, 512]]


@pytest.mark.parametrize("key", ["text", "width", "height", "size", "layout", "units"])
def test_every_odd_value_is_refused_in_a_sentence(ask, key):
    for value in ODD:
        error = ask("_read", {**GOOD, key: value}).get("error")
        assert error or (key == "size" and value is None) or (key == "text" and isinstance(value, str))
        assert not error or error.endswith(".")


@pytest.mark.parametrize("side", [1, 7, 8, 16384, 16385, 60000])
def test_the_picture_has_the_sides_that_a_document_may_have(ask, side):
    for sides in ({"width": side, "height": 512}, {"width": 512, "height": side}):
        refused = "error" in ask("_read", {**GOOD, "text": "[[0, 0, 1, 1]]", **sides})
        assert refused == (side not in (8, 16384))


def test_texts_are_looked_at_and_nothing_else(ask):
    assert ask("_texts", {"texts": ["a red hoodie"]})["texts"][0]["tokens"] > 3
    for texts in ODD:
        if texts != []:
            assert ask("_texts", {"texts": texts})["error"].endswith(".")


@pytest.mark.parametrize(("encoder", "count"), [({"demo": True}, 11), ({"name": "own"}, 11), ({}, 5), (None, 5)])
def test_texts_are_counted_by_the_connected_encoders_vocabulary(graph, ask, monkeypatch, encoder, count):
    """A folder of the loader's list is asked by its name; the demo's vocabulary spells raincoats letter by letter."""
    routes = pack_module(graph.host, "nodes.host.routes")
    demo = routes.demo_files.WEIGHTS / routes.demo_files.TEXT
    monkeypatch.setattr(routes, "text_encoders", lambda: ["own"])
    monkeypatch.setattr(routes, "text_encoder_path", lambda name: {"own": str(demo)}[name])
    assert ask("_texts", {"texts": ["a raincoat"], "encoder": encoder})["texts"][0]["tokens"] == count


@pytest.mark.parametrize("name", ["../../models", "/etc/passwd", "other", 5, [1]])
def test_no_file_is_looked_at_but_those_of_the_loaders_list(ask, name):
    assert ask("_texts", {"texts": ["a"], "encoder": {"name": name}})["error"].endswith(".")
