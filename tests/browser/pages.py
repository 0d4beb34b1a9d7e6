"""Chromium on the real backend, with either web page."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
from hands import Hands

from tools.server import Server
from tools.setup import new_frontend, prepare_base

# Packs of others that a template is made for; DEIG_PACKS names a folder with their checkouts.
PACKS = ("ComfyUI-AnimateDiff-Evolved",)
FOLDER = Path(os.environ.get("DEIG_PACKS", "/nowhere"))
PAGES = ["host-classic", "host-nodes2", "new-classic", "new-nodes2"]
# For what a frontend does whichever way it draws its nodes.
EACH_FRONTEND = pytest.mark.pages("host-classic", "new-nodes2")
FLAGS = [
    "--no-sandbox",
    # Pages fetch fonts and news from elsewhere; what runs here stays on this machine. (Playwright could refuse it, but
    # what it looks at is not cached: a page of 540 files then costs three times as much.)
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
]
# Without a GPU the shadow below a node of Nodes 2.0 costs nearly as much in each frame of a drag as all else in it.
NO_SHADOWS = """(() => {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(".lg-node { filter: none !important }");
    document.adoptedStyleSheets.push(sheet);
})()"""
# A page asks for the next frame in each frame, and one that waits would take a third of a core for what nobody sees.
FEW_FRAMES = """(() => {
    const [request, cancel] = [window.requestAnimationFrame, window.cancelAnimationFrame].map((f) => f.bind(window));
    const waiting = new Map();
    let last = 0;
    window.requestAnimationFrame = (work) => {
        const id = ++last;
        const draw = (time) => {
            waiting.delete(id);
            work(time);
        };
        const timer = setTimeout(() => {
            const frame = request(draw);
            waiting.set(id, () => cancel(frame));
        }, 45);
        waiting.set(id, () => clearTimeout(timer));
        return id;
    };
    window.cancelAnimationFrame = (id) => {
        waiting.get(id)?.();
        waiting.delete(id);
    };
})()"""


@contextmanager
def browse(host, chromium: str, folder: Path, *, scripts: Sequence[str] = ()) -> Iterator[Callable[..., Hands]]:
    """open(frontend, vue) -> Hands; frontend: "host" for ComfyUI's own page, "new" for the newest. One page of each.

    host: Host. scripts: JavaScript that each page begins with. Servers have base directories of their own in `folder`,
    because each empties its own of temporary files when it starts; they and the browser live as long as the context.
    Both modes of a frontend share what the browser keeps of its files.
    """
    from playwright.sync_api import sync_playwright

    with ExitStack() as stack:
        browser = stack.enter_context(sync_playwright()).chromium.launch(executable_path=chromium, args=FLAGS)
        stack.callback(browser.close)

        @cache
        def served(frontend):
            own = replace(host, base=folder / frontend)
            prepare_base(own)
            for name in PACKS:
                if (FOLDER / name).is_dir():
                    (own.base / "custom_nodes" / name).symlink_to(FOLDER / name)
            more = ["--front-end-root", str(new_frontend(host))] if frontend == "new" else []
            server = stack.enter_context(Server(own, arguments=("--cpu", *more), log=own.base / "server.log"))
            context = browser.new_context(viewport={"width": 1500, "height": 1000})
            stack.callback(context.close)
            for script in scripts:
                context.add_init_script(script)
            return context, server, own.base

        @cache
        def opened(frontend):
            return Hands(*served(frontend))

        def open_page(frontend, vue):
            hands = opened(frontend)
            hands.show(vue)
            return hands

        yield open_page
