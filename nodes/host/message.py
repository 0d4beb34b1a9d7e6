"""What a node has to say after a run, where the user looks: below its widgets."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterable
from typing import Any

from comfy_execution.utils import get_executing_context

from .keys import NOTES, SAID

log = logging.getLogger("deig")
_said: set[str] = set()


def prompt_server() -> Any | None:
    """The running server; None in a script that imports the host without one."""
    # Not imported: outside of its own process, the host's module "server" may not load.
    return getattr(getattr(sys.modules.get("server"), "PromptServer", None), "instance", None)


def say(node: Any, sentences: Iterable[str]) -> dict[str, list[str]]:
    """Show `sentences` at the node that runs, and give them as a part of its UI output, for clients of the API.

    node: the V3 node class as it is in `execute`. What an earlier run said is taken away.
    """
    lines = [str(s) for s in sentences if s]
    hidden = getattr(node, "hidden", None)
    _show(lines, getattr(hidden, "unique_id", None))
    return {NOTES: lines} if lines else {}


def say_at_running_node(sentences: Iterable[str]) -> None:
    """The same at a node of the host's, such as a sampler, that runs what is ours."""
    context = get_executing_context()
    _show([s for s in sentences if s], context and context.node_id)


def _show(lines: list[str], unique_id: str | None) -> None:
    for line in lines:
        log.info("%s", line)
    server = prompt_server()
    if server is None or unique_id is None or not (lines or unique_id in _said):
        return
    (_said.add if lines else _said.discard)(unique_id)
    text = "\n".join(lines) or " "  # the page leaves out a text without a character
    server.send_progress_text(text, unique_id)
    # Newer pages take such texts away when the run is over; the pack's part of the page (web/host/said.js) keeps them.
    context = get_executing_context()
    server.send_sync(SAID, {"prompt_id": context and context.prompt_id, "node": unique_id, "text": text})
