"""What all tests share, and which belong to one process where the suite runs in several (`python dev.py test`)."""

import gc

import pytest
from hypothesis import settings

settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")
gc.disable()  # until all is imported, of which nothing is garbage


def pytest_collection_finish():
    gc.enable()


@pytest.fixture(scope="module", autouse=True)
def only_what_a_module_makes_is_garbage():
    """The host collects garbage before and after each model that it loads, over all that was ever imported."""
    gc.collect()
    gc.freeze()


def pytest_sessionfinish():
    """Pytest looks for what was thrown away unfinished, five times over all that was ever imported."""
    gc.collect()
    gc.freeze()


def pytest_addoption(parser):
    parser.addoption(
        "--every-page", action="store_true", help="each browser test in all four pages, not in one of them"
    )


@pytest.hookimpl(tryfirst=True)  # before xdist reads the marks
def pytest_collection_modifyitems(config, items):
    if config.pluginmanager.hasplugin("xdist"):
        # The browser's tests take longest: both processes begin with them, each with one frontend and its server.
        items.sort(key=lambda item: item.path.parent.name != "browser")
        for item in items:
            group = item.path.stem  # they share what its fixtures make
            if item.path.parent.name == "browser":
                group = "browser " + item.callspec.params["hands"].partition("-")[0]
            item.add_marker(pytest.mark.xdist_group(group))
