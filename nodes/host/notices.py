"""What a run has to tell the person in front of the graph without stopping it."""

from __future__ import annotations

import logging
import sys

from comfy_execution.utils import get_executing_context

log = logging.getLogger("deig")
_told: set[str] = set()


def say(text: str) -> None:
    """Show `text` under the widgets of the node that is running, and log it; "" takes back what was shown there.

    Where no page is at hand (a script, a test), it is only logged.
    """
    if text:
        log.warning(text)
    # A host that serves a page has imported its server; others may not be able to.
    server = getattr(getattr(sys.modules.get("server"), "PromptServer", None), "instance", None)
    context = get_executing_context()
    if context is None or server is None or not (text or context.node_id in _told):
        return
    (_told.add if text else _told.discard)(context.node_id)
    server.send_progress_text(text or " ", context.node_id)  # the page leaves out a text without a character
