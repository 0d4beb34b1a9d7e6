"""What all tests share, and which belong to one process where the suite runs in several (`python dev.py test`)."""

import gc

import pytest
from hypothesis import settings

settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


@pytest.fixture(scope="module", autouse=True)
def only_what_a_module_makes_is_garbage():
    """The host collects garbage before and after each model that it loads, over all that was ever imported."""
    gc.collect()
    gc.freeze()


def pytest_addoption(parser):
    parser.addoption(
        "--every-page", action="store_true", help="each browser test in all four pages, not in one of them"
    )


@pytest.hookimpl(tryfirst=True)  # before xdist reads the marks
def pytest_collection_modifyitems(config, items):
    if config.pluginmanager.hasplugin("xdist"):
        # The browser's tests share their pages and take longest: one process begins with them.
        items.sort(key=lambda item: item.path.parent.name != "browser")
        for item in items:
            # They share what its fixtures make.
            group = "browser" if item.path.parent.name == "browser" else item.path.stem
            if "demo_run" in item.fixturenames:
                group = "test_review_page"
            item.add_marker(pytest.mark.xdist_group(group))
