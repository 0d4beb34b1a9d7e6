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


def running(node_id, index=None):
    from comfy_execution.utils import CurrentNodeContext

    return CurrentNodeContext("prompt", node_id, index)


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


def test_what_is_said_in_one_run_of_a_node_is_shown_together(host_nodes, page):
    """Several have something to say at a sampler; and a node of ours that samples says its own before it."""
    message = pack_module(host_nodes, "nodes.host.message")
    with running("9"):
        message.say_at_running_node(["too large"])
        message.say_at_running_node([])
        message.say_at_running_node(["too bright", "too large"])
    shown = ["too large", "too large\ntoo bright"]
    assert [text for where, text in filter(lambda sent: len(sent) == 2, page)] == shown
    page.clear()
    with running("10"):
        message.say_at_running_node(["too large"])
        assert message.say(None, ["drawn"]) == {"deig_notes": ["drawn", "too large"]}
    assert page[-2] == ("10", "drawn\ntoo large")
    with running("10"):
        assert message.say(None, []) == {}
    assert page[-2] == ("10", " ")


def test_a_node_that_runs_once_for_each_of_a_list_keeps_what_was_said_of_each(host_nodes, page):
    message = pack_module(host_nodes, "nodes.host.message")
    for index, said in enumerate((["of the first"], [], ["of the third"])):
        with running("11", index):
            assert message.say(None, said) == ({"deig_notes": said} if said else {})
    assert page[-2] == ("11", "of the first\nof the third")
    with running("11", 0):
        message.say(None, [])
    assert page[-2] == ("11", " ")


def test_without_a_node_it_is_logged(host_nodes, page, caplog):
    with caplog.at_level(logging.INFO, "deig"):
        pack_module(host_nodes, "nodes.host.message").say_at_running_node(["too large"])
    assert page == [] and [r.getMessage() for r in caplog.records if r.name == "deig"] == ["too large"]
