"""Chromium on the real backend, with either web page."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from hands import Hands

import dev

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

    host: dev.Host. Servers keep their settings in `folder`; they and the browser live as long as the context.
    """
    from playwright.sync_api import sync_playwright

    with ExitStack() as stack:
        browser = stack.enter_context(sync_playwright()).chromium.launch(executable_path=chromium, args=FLAGS)
        stack.callback(browser.close)
        servers = {}

        def server(frontend):
            if frontend not in servers:
                user = folder / frontend
                user.mkdir()
                more = ["--front-end-root", str(dev.new_frontend(host))] if frontend == "new" else []
                arguments = ("--cpu", "--user-directory", str(user), *more)
                servers[frontend] = stack.enter_context(dev.Server(host, arguments=arguments, log=user / "server.log"))
            return servers[frontend]

        def open_page(frontend, vue, **options):
            context = browser.new_context(viewport={"width": 1500, "height": 1000}, **options)
            stack.callback(context.close)
            page = context.new_page()
            page.set_default_timeout(60000)
            # Pages fetch fonts and news from elsewhere; what runs here stays on this machine.
            page.route("**/*", lambda route: route.continue_() if "127.0.0.1" in route.request.url else route.abort())
            hands = Hands(page, server(frontend), host.base, vue)
            hands.open()
            return hands

        yield open_page
