import shutil

import pytest


@pytest.fixture(scope="session")
def demo_run(tmp_path_factory):
    """What `python -m research.captions demo` leaves: a world, and its run, killed twice, resumed and selected."""
    from research.captions.demo import demo

    folder = tmp_path_factory.mktemp("captions-demo")
    demo(folder, kills=(1, 2), count=24)
    return folder


@pytest.fixture(scope="session")
def review(demo_run, tmp_path_factory):
    """A folder with a sample for people of that run, and the run as it was selected for it. The wrong classes are let
    pass: a person has to find them.
    """
    from sets import call

    folder = tmp_path_factory.mktemp("review")
    shutil.copytree(demo_run / "run", folder / "run")
    (folder / "world").symlink_to(demo_run / "world")
    assert call("select", folder / "run", "--clip", "none", "--allow", "does not name it") == 0
    assert call("review", "make", folder / "run", folder / "review", "--pairs", 40, "--accept", 0.7) == 0
    return folder
