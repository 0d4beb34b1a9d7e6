"""What a node has to say after a run, where the user looks: below its widgets."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from comfy_execution.utils import ExecutionContext, get_executing_context

from .keys import NOTES, SAID

log = logging.getLogger("deig")


@dataclass
class Said:
    """What was said at a node since it began to run. before: with earlier inputs of a list, for each of which it runs
    once.
    """

    run: ExecutionContext | None
    before: tuple[str, ...] = ()
    lines: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "\n".join(dict.fromkeys((*self.before, *self.lines)))


_said: dict[str, Said] = {}


def prompt_server() -> Any | None:
    """The running server; None in a script that imports the host without one."""
    # Not imported: outside of its own process, the host's module "server" may not load.
    return getattr(getattr(sys.modules.get("server"), "PromptServer", None), "instance", None)


def say(node: Any, sentences: Iterable[str]) -> dict[str, list[str]]:
    """Show `sentences` at the node that runs, before what was said at it while it ran, and give them all as a part of
    its UI output, for clients of the API.

    node: the V3 node class as it is in `execute`. What an earlier run said is taken away.
    """
    run = get_executing_context()
    unique_id = getattr(getattr(node, "hidden", None), "unique_id", None) or (run and run.node_id)
    said = _since_it_began(unique_id, run)
    _show(unique_id, said, sentences, 0)
    return {NOTES: [*said.lines]} if said.lines else {}


def say_at_running_node(sentences: Iterable[str]) -> None:
    """Show `sentences` at a node of the host's, such as a sampler, that runs what is ours; after what was said there in
    the same run of it. What an earlier run said is taken away.
    """
    run = get_executing_context()
    unique_id = run and run.node_id
    said = _since_it_began(unique_id, run)
    _show(unique_id, said, sentences, len(said.lines))


def _since_it_began(unique_id: str | None, run: ExecutionContext | None) -> Said:
    last = _said.get(unique_id)
    if run is None or last is None or last.run is None:
        return Said(run)
    if run is last.run:
        return last
    goes_on = run.prompt_id == last.run.prompt_id and (run.list_index or 0) > (last.run.list_index or 0)
    return Said(run, (*last.before, *last.lines) if goes_on else ())


def _show(unique_id: str | None, said: Said, sentences: Iterable[str], place: int) -> None:
    """Put `sentences` in at a place of what was said, and send it all to the page."""
    new = [line for line in dict.fromkeys(str(s) for s in sentences if s) if line not in said.lines]
    said.lines[place:place] = new
    for line in new:
        log.info("%s", line)
    if unique_id is None:
        return
    shown = _said[unique_id].text if unique_id in _said else ""
    _said[unique_id] = said
    server = prompt_server()
    if server is None or not (new or shown != said.text):
        return
    text = said.text or " "  # the page leaves out a text without a character
    # Of a node in a subgraph pages show it only where that is open, or fail over it; the pack's own part shows it.
    if ":" not in unique_id:
        server.send_progress_text(text, unique_id)
    # Newer pages take such texts away when the run is over; the pack's part of the page (web/host/said.js) keeps them.
    server.send_sync(SAID, {"prompt_id": said.run and said.run.prompt_id, "node": unique_id, "text": text})
