"""What every run of research relies on: files that are whole, and one run at a time in a folder."""

import errno
import os
import threading
from pathlib import Path

import pytest
from filelock import FileLock

from deig_core.errors import DeigError
from research.atomic import remove_halves, write_whole
from research.lock import holder, only_run


def test_a_file_is_what_was_written(tmp_path):
    write_whole(tmp_path / "a.txt", "ä\nb\n")
    assert (tmp_path / "a.txt").read_bytes() == "ä\nb\n".encode()
    write_whole(tmp_path / "a.txt", b"\x00\xff")
    assert (tmp_path / "a.txt").read_bytes() == b"\x00\xff" and os.listdir(tmp_path) == ["a.txt"]


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_what_cannot_be_written_leaves_what_was_there_and_no_half(tmp_path, monkeypatch, step):
    write_whole(tmp_path / "a.txt", "old")

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, step, full)
    with pytest.raises(DeigError, match=r"a\.txt cannot be written: No space left on device\.$"):
        write_whole(tmp_path / "a.txt", "new")
    assert (tmp_path / "a.txt").read_text() == "old" and os.listdir(tmp_path) == ["a.txt"]


def test_nothing_is_there_under_its_name_before_it_is_on_the_disk(tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr(os, "fsync", lambda _: seen.append((tmp_path / "a.txt").exists()))
    write_whole(tmp_path / "a.txt", "whole")
    assert seen == [False] and (tmp_path / "a.txt").exists()


def test_halves_go_and_files_stay(tmp_path):
    for name in ("a.txt", "a.txt.17.partial", "b.png.3.partial"):
        (tmp_path / name).write_text("x")
    remove_halves(tmp_path, tmp_path / "nowhere")
    assert os.listdir(tmp_path) == ["a.txt"]


def test_a_second_run_is_refused_while_the_first_one_lasts(tmp_path):
    assert holder(tmp_path) is None
    with only_run(tmp_path):
        with pytest.raises(DeigError, match=r"in use by process \d+ on "), only_run(tmp_path):
            pass
        assert holder(tmp_path).startswith(f"process {os.getpid()} on ")
        with only_run(tmp_path, "another"):
            assert holder(tmp_path, "another")
    assert holder(tmp_path) is None
    with only_run(tmp_path):
        assert holder(tmp_path)


def test_who_asks_for_the_holder_keeps_no_run_out(tmp_path):
    with only_run(tmp_path):
        pass
    asked = FileLock(tmp_path / ".run.lock", thread_local=False)  # as `holder` has it while it looks
    asked.acquire()
    threading.Timer(0.05, asked.release).start()
    with only_run(tmp_path):
        assert holder(tmp_path)


@pytest.mark.parametrize("content", [b"\xff\xfe", b"", None])
def test_an_owner_that_cannot_be_read_is_another_process(tmp_path, content):
    with only_run(tmp_path):
        owner: Path = tmp_path / ".run.owner"
        owner.unlink() if content is None else owner.write_bytes(content)
        with pytest.raises(DeigError, match="is in use by "), only_run(tmp_path):
            pass
        assert holder(tmp_path)
