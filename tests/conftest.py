"""What belongs to one process where the suite runs in several (`python dev.py test`, by pytest-xdist)."""

import pytest


@pytest.hookimpl(tryfirst=True)  # before xdist reads the marks
def pytest_collection_modifyitems(config, items):
    if config.pluginmanager.hasplugin("xdist"):
        for item in items:
            item.add_marker(pytest.mark.xdist_group(item.path.stem))  # they share what its fixtures make
