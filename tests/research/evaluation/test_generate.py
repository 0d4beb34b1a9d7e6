"""What a folder lacks is drawn, and nothing that does not belong there."""

import errno
import io
import json
import os

import pytest
from PIL import Image

from deig_core.errors import DeigError
from research.evaluation import generate as rooms
from research.evaluation.generate import Drawn, generate, noise_seed
from research.evaluation.layout import Instance, Layout

LAYOUTS = [Layout(f"l{i}", "demo", f"a star {i}", (Instance((0, 0, 1, 1), "a star", "star"),), 16, 8) for i in range(4)]


def picture(size=(16, 8), kind="PNG"):
    file = io.BytesIO()
    Image.new("RGB", size, "red").save(file, kind)
    return file.getvalue()


class Painter:
    """Paints red; `files` replaces what it makes of a layout, None fails, an exception is raised."""

    def __init__(self, files=None, **settings):
        self.files, self.given, self.jobs = files or {}, settings, []

    def settings(self):
        return {"painter": "red", **self.given}

    def draw(self, jobs):
        for job in jobs:
            self.jobs.append(job)
            made = self.files.get(job.layout.id, picture())
            if isinstance(made, BaseException):
                raise made
            yield Drawn(job, made, "" if made else "out of red")


def names(folder):
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*.*") if not p.name.startswith("."))


def test_a_folder_for_each_seed_and_the_settings_beside_them(tmp_path):
    painter = Painter()
    assert generate(LAYOUTS[:2], tmp_path, painter, [42, 43]) == {}
    assert names(tmp_path) == ["42/l0.png", "42/l1.png", "43/l0.png", "43/l1.png", "settings.json"]
    assert (tmp_path / "42" / "l0.png").read_bytes() == picture()
    assert [job.noise for job in painter.jobs] == [42, 42, 43, 43]
    settings = json.loads((tmp_path / "settings.json").read_text())
    assert settings["painter"] == "red" and settings["noise"] == "shared"


@pytest.mark.parametrize("error", [KeyboardInterrupt(), DeigError("no server is left"), OSError(28, "No space left")])
def test_a_run_that_was_stopped_goes_on_with_what_is_missing(tmp_path, error):
    with pytest.raises(type(error)):
        generate(LAYOUTS, tmp_path, Painter({"l2": error}), [1])
    again = Painter()
    assert generate(LAYOUTS, tmp_path, again, [1, 2]) == {}
    assert [(job.path.parent.name, job.layout.id) for job in again.jobs] == [
        *(("1", name) for name in ("l2", "l3")),
        *(("2", layout.id) for layout in LAYOUTS),
    ]


def test_a_kill_while_a_file_is_written_leaves_none(tmp_path, monkeypatch):
    def killed(_):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", lambda number: None if not list(tmp_path.glob("1/*")) else killed(number))
    with pytest.raises(KeyboardInterrupt):
        generate(LAYOUTS[:1], tmp_path, Painter(), [1])
    assert names(tmp_path) == ["settings.json"]
    (tmp_path / "1" / "l0.png.7.partial").write_bytes(b"of a process that was killed outright")
    monkeypatch.undo()
    assert generate(LAYOUTS[:1], tmp_path, Painter(), [1]) == {}
    assert names(tmp_path) == ["1/l0.png", "settings.json"]


def test_a_full_disk_stops_the_run_and_costs_no_picture_that_is_there(tmp_path, monkeypatch):
    def full(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    assert generate(LAYOUTS[:1], tmp_path, Painter(), [1, 2]) == {}
    (tmp_path / "2" / "l0.png").unlink()
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(DeigError, match=r"l0\.png cannot be written: No space left on device\.$"):
        generate(LAYOUTS[:1], tmp_path, Painter(), [1, 2])
    assert names(tmp_path) == ["1/l0.png", "settings.json"]


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"painter": Painter(steps=20)}, "steps"),
        ({"noise": "per-picture"}, "noise"),
        ({"layouts": LAYOUTS[:3]}, "layouts"),
        ({"layouts": [*LAYOUTS[:3], Layout("l3", "demo", "a moon", LAYOUTS[3].instances, 16, 8)]}, "layouts"),
    ],
)
def test_a_folder_made_with_other_settings_is_refused(tmp_path, change, named):
    run = {"layouts": LAYOUTS, "painter": Painter(), "noise": "shared"}
    for given in (run, run):
        generate(given["layouts"], tmp_path, given["painter"], [1], given["noise"])
    before = names(tmp_path)
    run.update(change)
    with pytest.raises(DeigError, match=rf"was made with other settings \({named}\): choose another folder"):
        generate(run["layouts"], tmp_path, run["painter"], [1, 2], run["noise"])
    assert names(tmp_path) == before


def test_a_folder_of_foreign_pictures_or_settings_is_refused(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "l0.png").write_bytes(picture())
    with pytest.raises(DeigError, match=r"l0\.png was not drawn here \(there is no settings\.json\)"):
        generate(LAYOUTS, tmp_path / "a", Painter(), [1])
    (tmp_path / "b").mkdir()
    for content, said in (('{"painter"', "cannot be read"), ("[1]", "holds no settings"), ("3", "holds no settings")):
        (tmp_path / "b" / "settings.json").write_text(content)
        with pytest.raises(DeigError, match=rf"settings\.json {said}: choose another folder"):
            generate(LAYOUTS, tmp_path / "b", Painter(), [1])


@pytest.mark.parametrize("seeds", [[-1], [1, 1], [3, -2]])
def test_seeds_are_different_numbers_that_a_sampler_takes(tmp_path, seeds):
    with pytest.raises(DeigError, match="are not all different whole numbers from 0 on"):
        generate(LAYOUTS, tmp_path, Painter(), seeds)
    assert names(tmp_path) == []


def test_two_runs_do_not_write_to_one_folder(tmp_path):
    class Nosy(Painter):
        def draw(self, jobs):
            with pytest.raises(DeigError, match=rf"in use by process {os.getpid()} on"):
                generate(LAYOUTS, tmp_path, Painter(), [1])
            yield from super().draw(jobs)

    assert generate(LAYOUTS, tmp_path, Nosy(), [1]) == {}


def test_a_picture_that_fails_is_told_and_the_others_go_on(tmp_path, capsys):
    painter = Painter({"l1": None})
    assert generate(LAYOUTS, tmp_path, painter, [1]) == {tmp_path / "1" / "l1.png": "out of red"}
    assert "l1 could not be drawn: out of red" in capsys.readouterr().out
    assert len(names(tmp_path)) == 4


def test_failures_in_a_row_stop_the_run(tmp_path):
    layouts = [Layout(f"m{i}", "demo", "a", LAYOUTS[0].instances, 16, 8) for i in range(9)]
    painter = Painter({layout.id: None for layout in layouts if layout.id != "m1"})
    with pytest.raises(DeigError, match="The last 5 pictures all failed, the last one so: out of red"):
        generate(layouts, tmp_path, painter, [1])
    assert len(painter.jobs) == 7


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (picture((8, 16)), "is a PNG of 8 x 16 pixels, and a PNG of 16 x 8 was expected: the workflow must not resize"),
        (picture(kind="JPEG"), "is a JPEG of 16 x 8 pixels, and a PNG"),
        (picture()[:50], "is no picture"),
        (b"<html>", "is no picture"),
        (b"", "is no picture"),
    ],
    ids=["other size", "other format", "cut", "text", "empty"],
)
def test_what_is_no_picture_of_the_layout_is_not_kept(tmp_path, content, said):
    with pytest.raises(DeigError, match=said):
        generate(LAYOUTS, tmp_path, Painter({"l0": content}), [1])
    assert names(tmp_path) == ["settings.json"]


def test_noise_of_ones_own_depends_on_seed_and_layout_alone():
    seeds = [noise_seed(seed, layout, "per-picture") for seed in (1, 2) for layout in LAYOUTS]
    assert len(set(seeds)) == 8 and all(0 <= seed < 2**53 for seed in seeds)
    assert seeds[:4] == [noise_seed(1, layout, "per-picture") for layout in LAYOUTS]
    assert {noise_seed(7, layout, "shared") for layout in LAYOUTS} == {7}
    assert rooms.NOISES == ("shared", "per-picture")
