"""The real backend with both web pages, each in the classic canvas and in Nodes 2.0."""

from __future__ import annotations

import os
import sys
import zlib
from pathlib import Path

import pytest
from pages import FEW_FRAMES, NO_SHADOWS, PAGES, browse

from tools.setup import Host, chromium

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="package")
def pages(tmp_path_factory):
    """open(frontend, vue) -> Hands; servers and the browser live until this folder's last test."""
    pytest.importorskip("playwright.sync_api", reason="playwright is missing: run `python dev.py test`")
    comfyui = Path(os.environ.get("DEIG_COMFYUI", ROOT / ".dev" / "comfyui"))
    base = Path(os.environ.get("DEIG_BASE", ROOT / ".dev" / "base"))
    browser = chromium()
    if not browser:
        pytest.skip("Chromium is missing: install it, or apt-get install chromium")
    if not (comfyui / "main.py").is_file():
        pytest.skip(f"no ComfyUI at {comfyui}: run `python dev.py test`")
    host, folder = Host(comfyui, Path(sys.prefix), base), tmp_path_factory.mktemp("pages")
    with browse(host, browser, folder, scripts=(NO_SHADOWS, FEW_FRAMES)) as open_page:
        yield open_page


# What these files are about is the page itself; the editor in it is the same everywhere.
ABOUT_THE_PAGE = {
    "test_finding",
    "test_history",
    "test_page",
    "test_subgraphs",
    "test_workflows",
}
# Both frontends, and both ways in which they draw nodes.
PAIRS = (("host-classic", "new-nodes2"), ("host-nodes2", "new-classic"))


def pytest_configure(config):
    config.addinivalue_line("markers", "pages(*names): the pages that a test is about, where that is not all of them")


def pytest_generate_tests(metafunc):
    """Tests about the page run in two pages, or in those that they name; the others in one, and together in all."""
    if "hands" not in metafunc.fixturenames:
        return
    named = metafunc.definition.get_closest_marker("pages")
    if metafunc.config.getoption("--every-page"):
        pages = PAGES
    elif named:
        pages = named.args
    else:
        lot = zlib.crc32(metafunc.function.__name__.encode())
        about_the_page = metafunc.definition.path.stem in ABOUT_THE_PAGE
        pages = PAIRS[lot % len(PAIRS)] if about_the_page else [PAGES[lot % len(PAGES)]]
    metafunc.parametrize("hands", pages, indirect=True, scope="package")


@pytest.hookimpl(trylast=True)  # after pytest's own order, which tells pages apart by their place in a test's list
def pytest_collection_modifyitems(items):
    """The tests of one page stand together, so that it is opened once."""
    places = [place for place, item in enumerate(items) if item.path.parent == Path(__file__).parent]
    ours = sorted((items[place] for place in places), key=lambda item: PAGES.index(item.callspec.params["hands"]))
    for place, item in zip(places, ours, strict=True):
        items[place] = item


@pytest.fixture(scope="package")
def hands(request, pages):
    frontend, mode = request.param.split("-")
    return pages(frontend, mode == "nodes2")


@pytest.fixture(autouse=True)
def no_errors(hands):
    """And one page that came to a stop does not fail the tests after it."""
    if not hands.answers():
        hands.new_page()
    hands.errors.clear()
    yield
    assert not hands.errors
