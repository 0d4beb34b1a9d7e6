"""Looking at folders: what is lacking is looked at, once, whatever happened before."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from PIL import Image

from deig_core.errors import DeigError
from research.evaluation.evidence import read_all
from research.evaluation.layout import Instance, Layout, read_layouts, write_layouts
from research.evaluation.look import look
from research.evaluation.witness import Failure
from research.lock import only_run

ROOT = Path(__file__).parents[3]
LAYOUTS = [
    Layout(f"p{i}", "deig", "x", tuple(Instance((0, 0, 1, 1), f"{i} {k}", "cup") for k in range(1 + i % 3)), 8, 8)
    for i in range(12)
]


class Echo:
    """Says what it was asked about; fails on the texts in `fails`."""

    kind, by = "answer", "echo"

    def __init__(self, at_once=2, fails=(), wait=0.0):
        self.at_once, self.fails, self.wait, self.asked = at_once, fails, wait, []

    def fingerprint(self):
        return {"model": "echo"}

    def look(self, sights):
        time.sleep(self.wait)
        texts = [s.instance.text for s in sights]
        self.asked += texts
        for s in sights:
            assert s.crop().size == (8, 8)
        return [Failure("late") if t in self.fails else {"text": t, "p_yes": None} for t in texts]


def draw(folder, layouts=LAYOUTS):
    folder.mkdir(parents=True, exist_ok=True)
    for number, layout in enumerate(layouts):
        Image.new("RGB", (8, 8), (number, 0, 0)).save(folder / f"{layout.id}.png")
    return folder


def file_of(folder):
    return (folder / "evidence" / "answer-echo.jsonl").read_bytes()


def test_a_witness_without_any_word_fails_the_run_and_its_errors_stay(tmp_path):
    folder, few = draw(tmp_path, LAYOUTS[:2]), LAYOUTS[:2]
    texts = [i.text for layout in few for i in layout.instances]
    with pytest.raises(DeigError, match=r"echo has no word on any of the 3 instances \(late\): mend that, then look"):
        look(few, folder, [Echo(fails=texts)])
    assert look(few, folder, [Echo(fails=texts[1:])], retry_failed=True) == 2


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = draw(tmp_path_factory.mktemp("whole"))
    assert look(LAYOUTS, folder, [Echo()]) == 0
    return file_of(folder)


SCRIPT = """
import sys
from pathlib import Path
sys.path[:0] = sys.argv[1:3]
from test_look import Echo
from research.evaluation.layout import read_layouts
from research.evaluation.look import look
look(read_layouts(Path(sys.argv[3])), Path(sys.argv[4]), [Echo(at_once=1, wait=0.05)])
"""


def test_killed_three_times_it_leaves_the_same_bytes(tmp_path, whole):
    layouts, folder = tmp_path / "x.jsonl", draw(tmp_path / "pictures")
    write_layouts(layouts, LAYOUTS)
    file = folder / "evidence" / "answer-echo.jsonl"
    sizes = [0]
    for _ in range(3):
        arguments = [sys.executable, "-c", SCRIPT, ROOT, Path(__file__).parent, layouts, folder]
        process = subprocess.Popen(arguments, cwd=ROOT, stdout=subprocess.DEVNULL)
        while not file.exists() or file.stat().st_size < sizes[-1] + 200:
            assert process.poll() is None, "it was to be killed before its end"
            time.sleep(0.01)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        sizes.append(file.stat().st_size)
    rest = Echo()
    look(read_layouts(layouts), folder, [rest])
    assert 0 < len(rest.asked) < sum(len(x.instances) for x in LAYOUTS) - 3
    assert file_of(folder) == whole


@pytest.mark.parametrize("at_once", [1, 5, 100])
def test_how_many_at_once_leaves_the_same_bytes(tmp_path, whole, at_once):
    folder = draw(tmp_path)
    look(LAYOUTS[6:], folder, [Echo(at_once)])
    look(LAYOUTS, folder, [Echo(at_once)])
    assert file_of(folder) == whole


def test_failures_are_kept_and_asked_again_on_request(tmp_path, whole):
    folder = draw(tmp_path)
    assert look(LAYOUTS, folder, [Echo(fails=("4 1", "5 0"))]) == 2
    again = Echo()
    assert look(LAYOUTS, folder, [again]) == 2
    assert again.asked == []
    assert look(LAYOUTS, folder, [again], retry_failed=True) == 0
    assert again.asked == ["4 1", "5 0"]
    assert file_of(folder) == whole


def test_a_picture_that_was_drawn_again_is_looked_at_again(tmp_path):
    folder, again = draw(tmp_path), Echo()
    look(LAYOUTS, folder, [Echo()])
    Image.new("RGB", (8, 8), "white").save(folder / "p4.png")
    look(LAYOUTS, folder, [again])
    assert again.asked == ["4 0", "4 1"]


def test_missing_pictures_are_said_and_not_asked_about(tmp_path, capsys):
    folder, echo = draw(tmp_path, LAYOUTS[:10]), Echo()
    (folder / "p3.png").write_bytes(b"")
    look(LAYOUTS, folder, [echo])
    said = capsys.readouterr()
    assert said.out == f"{folder}: 3 of 12 pictures are missing or cannot be used; they fail.\n"
    assert not {t for t in echo.asked if t.startswith(("3 ", "10 ", "11 "))}
    assert "answer by echo: 100%" in said.err and "18/18" in said.err


def test_two_runs_on_one_folder(tmp_path):
    folder = draw(tmp_path)
    with only_run(folder, "look"), pytest.raises(DeigError, match="in use by process"):
        look(LAYOUTS, folder, [Echo()])


def test_another_model_under_the_same_name(tmp_path):
    folder, other = draw(tmp_path), Echo()
    look(LAYOUTS, folder, [Echo()])
    other.fingerprint = lambda: {"model": "another"}
    with pytest.raises(DeigError, match="was made with model 'echo' instead of 'another'"):
        look(LAYOUTS, folder, [other])


class Small(Echo):
    """A GPU on which `room` pictures fit."""

    def __init__(self, room):
        super().__init__(at_once=4)
        self.room, self.sizes = room, []

    def look(self, sights):
        self.sizes.append(len({s.layout.id for s in sights}))
        if self.sizes[-1] > self.room:
            raise RuntimeError("CUDA out of memory. Tried to allocate 20.00 MiB")
        return super().look(sights)


def test_without_memory_the_batch_is_halved_once(tmp_path, whole):
    folder, small = draw(tmp_path), Small(2)
    look(LAYOUTS, folder, [small])
    assert small.sizes == [4, 2, 2, 2, 2, 2, 2]
    assert file_of(folder) == whole


def test_without_memory_for_half_it_says_so(tmp_path):
    with pytest.raises(DeigError, match=r"no memory for echo and 2 picture\(s\) at once"):
        look(LAYOUTS, draw(tmp_path), [Small(1)])


def test_a_full_disk_stops_it_and_costs_no_whole_line(tmp_path, whole):
    """A limit on the size of files stands in for the disk's end."""
    layouts, folder = tmp_path / "x.jsonl", draw(tmp_path / "pictures")
    write_layouts(layouts, LAYOUTS)
    full = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (700, 700))\n" + SCRIPT
    arguments = [sys.executable, "-c", full, ROOT, Path(__file__).parent, layouts, folder]
    stopped = subprocess.run(arguments, cwd=ROOT, capture_output=True, text=True)
    assert "OSError: [Errno 27] File too large" in stopped.stderr
    (kept,) = read_all(folder)
    assert 0 < len(kept.records) < 24
    look(LAYOUTS, folder, [Echo()])
    assert file_of(folder) == whole
