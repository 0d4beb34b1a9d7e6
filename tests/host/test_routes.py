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
    """ask(work, question) -> (status, answer) of a server with that route."""
    routes = pack_module(graph.host, "nodes.host.routes")

    async def asked(work, question):
        app = web.Application()
        app.router.add_post("/", routes._answering(getattr(routes, work)))
        async with TestClient(TestServer(app)) as client:
            response = await client.post("/", json=question)
            return response.status, await response.json()

    return lambda work, question: asyncio.run(asked(work, question))


def test_boxes_are_read(ask):
    status, answer = ask("_read", {**GOOD, "size": [1024, 1024]})
    assert status == 200 and answer["document"]["regions"][0]["box"] == [0.0625, 0.0625, 0.25, 0.25]
    assert ask("_read", {**GOOD, "size": None})[0] == 200


ODD = [None, True, 5, 0.5, -1, "", "x", [], {}, [1], [1, 2, 3], [[1, 2], 3], {"0": 1, "1": 2}, [0, 512], [512.5, 512]]


@pytest.mark.parametrize("key", ["text", "width", "height", "size", "layout", "units"])
def test_every_odd_value_is_refused_in_a_sentence(ask, key):
    for value in ODD:
        status, answer = ask("_read", {**GOOD, key: value})
        assert status == 422 or (key == "size" and value is None) or (key == "text" and isinstance(value, str))
        assert status != 422 or answer["error"].endswith(".")


@pytest.mark.parametrize(("side", "status"), [(1, 422), (7, 422), (8, 200), (16384, 200), (16385, 422), (60000, 422)])
def test_the_picture_has_the_sides_that_a_document_may_have(ask, side, status):
    for sides in ({"width": side, "height": 512}, {"width": 512, "height": side}):
        assert ask("_read", {**GOOD, "text": "[[0, 0, 1, 1]]", **sides})[0] == status


def test_texts_are_looked_at_and_nothing_else(ask):
    status, answer = ask("_texts", {"texts": ["a red hoodie"]})
    assert status == 200 and answer["texts"][0]["tokens"] > 3
    for texts in ODD:
        if texts != []:
            status, answer = ask("_texts", {"texts": texts})
            assert status == 422 and answer["error"].endswith(".")
