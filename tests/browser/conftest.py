"""The real backend with both web pages, each in the classic canvas and in Nodes 2.0."""

from __future__ import annotations

import os
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest
from hands import Hands

ROOT = Path(__file__).resolve().parents[2]
CHROMIUM_FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update",
    "--disable-sync", "--disable-dev-shm-usage",
]


def pytest_collection_modifyitems(items):
    """A page under load now and then drops a key press; a fault of ours fails twice. Every rerun is reported."""
    for item in items:
        if ROOT / "tests" / "browser" in item.path.parents:
            item.add_marker(pytest.mark.flaky(reruns=3))


@pytest.fixture(scope="session")
def pages(tmp_path_factory):
    """open(frontend, vue) -> Hands; servers and the browser live until the end of the session."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is missing: run `python dev.py test`")
    sys.path.insert(0, str(ROOT))
    import dev

    comfyui = Path(os.environ.get("DEIG_COMFYUI", ROOT / ".dev" / "comfyui"))
    base = Path(os.environ.get("DEIG_BASE", ROOT / ".dev" / "base"))
    chromium = dev.chromium()
    if not chromium:
        pytest.skip("Chromium is missing: install it, or apt-get install chromium")
    if not (comfyui / "main.py").is_file():
        pytest.skip(f"no ComfyUI at {comfyui}: run `python dev.py test`")
    host = dev.Host(comfyui, Path(sys.prefix), base)
    with ExitStack() as stack:
        browser = stack.enter_context(playwright.sync_playwright()).chromium.launch(executable_path=chromium, args=CHROMIUM_FLAGS)
        stack.callback(browser.close)
        servers = {}

        def server(frontend):
            if frontend not in servers:
                user = tmp_path_factory.mktemp(f"user-{frontend}")
                more = ["--front-end-root", str(dev.new_frontend(host))] if frontend == "new" else []
                arguments = ("--cpu", "--user-directory", str(user), *more)
                servers[frontend] = stack.enter_context(dev.Server(host, arguments=arguments, log=user / "server.log"))
            return servers[frontend]

        def open_page(frontend, vue, **options):
            context = browser.new_context(viewport={"width": 1500, "height": 1000}, **options)
            stack.callback(context.close)
            page = context.new_page()
            page.set_default_timeout(15000)
            # Pages fetch fonts and news from elsewhere; the tests stay on this machine.
            page.route("**/*", lambda route: route.continue_() if "127.0.0.1" in route.request.url else route.abort())
            hands = Hands(page, server(frontend), base, vue)
            hands.open()
            return hands

        yield open_page


@pytest.fixture(scope="module", params=["host-classic", "host-nodes2", "new-classic", "new-nodes2"])
def hands(request, pages):
    frontend, mode = request.param.split("-")
    opened = pages(frontend, mode == "nodes2")
    yield opened
    opened.page.context.close()
