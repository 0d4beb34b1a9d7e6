"""Chromium on the real backend, with either web page."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

from hands import Hands

from tools.server import Server
from tools.setup import new_frontend, prepare_base

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
]


@contextmanager
def browse(host, chromium: str, folder: Path) -> Iterator[Callable[..., Hands]]:
    """open(frontend, vue, **options of the browser's context) -> Hands; frontend: "host" for ComfyUI's own page, "new"
    for the newest.

    host: Host. Servers have base directories of their own in `folder`, because each empties its own of temporary
    files when it starts; they and the browser live as long as the context.
    """
    from playwright.sync_api import sync_playwright

    with ExitStack() as stack:
        browser = stack.enter_context(sync_playwright()).chromium.launch(executable_path=chromium, args=FLAGS)
        stack.callback(browser.close)
        servers = {}

        def server(frontend):
            if frontend not in servers:
                own = replace(host, base=folder / frontend)
                prepare_base(own)
                more = ["--front-end-root", str(new_frontend(host))] if frontend == "new" else []
                started = Server(own, arguments=("--cpu", *more), log=own.base / "server.log")
                servers[frontend] = stack.enter_context(started), own.base
            return servers[frontend]

        def open_page(frontend, vue, **options):
            context = browser.new_context(viewport={"width": 1500, "height": 1000}, **options)
            stack.callback(context.close)
            hands = Hands(context, *server(frontend), vue)
            hands.new_page()
            return hands

        yield open_page
