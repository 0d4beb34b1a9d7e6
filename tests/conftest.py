"""What belongs to one process where the suite runs in several (`python dev.py test`, by pytest-xdist)."""

import pytest


def _group(item) -> str:
    """Tests of a file share what its fixtures make; the browser's share a server and a page, whatever their file."""
    room = item.path.parent.name
    return f"browser {item.callspec.params['hands'].partition('-')[0]}" if room == "browser" else item.path.stem


@pytest.hookimpl(tryfirst=True)  # before xdist reads the marks
def pytest_collection_modifyitems(config, items):
    if config.pluginmanager.hasplugin("xdist"):
        for item in items:
            item.add_marker(pytest.mark.xdist_group(_group(item)))
