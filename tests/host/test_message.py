"""What a run says without stopping: at the node that runs, and never longer than it is true."""

import logging
import sys
from types import SimpleNamespace

import pytest
from parity import pack_module


@pytest.fixture
def page(host_nodes, monkeypatch):
    """(node id, text) of everything that the page was sent."""
    sent = []
    instance = SimpleNamespace(
        send_progress_text=lambda text, node_id: sent.append((node_id, text)),
        send_sync=lambda event, data: sent.append((event, *data.values())),
    )
    server = SimpleNamespace(PromptServer=SimpleNamespace(instance=instance))
    monkeypatch.setitem(sys.modules, "server", server)
    return sent


def running(node_id):
    from comfy_execution.utils import CurrentNodeContext

    return CurrentNodeContext("prompt", node_id)


def test_a_notice_is_shown_at_its_node_and_taken_back_once(host_nodes, page):
    say = pack_module(host_nodes, "nodes.host.message").say_at_running_node
    with running("7"):
        say(["too large", "too bright"])
    with running("8"):
        say([])
    with running("7"):
        say([])
        say([])
    said = "too large\ntoo bright"
    assert page == [("7", said), ("deig.said", "prompt", "7", said), ("7", " "), ("deig.said", "prompt", "7", " ")]


def test_without_a_node_it_is_logged(host_nodes, page, caplog):
    with caplog.at_level(logging.INFO, "deig"):
        pack_module(host_nodes, "nodes.host.message").say_at_running_node(["too large"])
    assert page == [] and [r.getMessage() for r in caplog.records if r.name == "deig"] == ["too large"]
