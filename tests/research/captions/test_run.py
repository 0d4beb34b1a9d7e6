"""Runs: whole, killed, resumed, refused, and what they ask."""

import errno
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from sets import GOOD, NOUNS, call, describe, endpoint, plan, text_of, write_set

from deig_core.errors import DeigError
from research.captions.folder import Folder
from research.captions.run import Done, Progress
from research.engines.stub import Reply, Stub
from research.lock import holder

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def world(tmp_path):
    return write_set(tmp_path / "world")


def shards(folder):
    return {p.name: p.read_bytes() for p in sorted((folder / "shards").glob("*.jsonl"))}


def records(folder):
    return [r for i in Folder(folder).done() for r in Folder(folder).results(i)]


def test_a_run_asks_each_question_once_and_writes_what_was_said(world, tmp_path, capsys):
    out = tmp_path / "out"
    assert plan(world, out) == 0
    assert "6 pictures, 18 instances in 3 shards; left out: none" in capsys.readouterr().out
    with Stub(describe) as stub:
        assert call("run", out, *endpoint(stub)) == 0
    assert len(stub.asked) == 6 * 2 + 18
    described = [b for b in stub.asked if "logprobs" not in b]
    assert len({b["seed"] for b in described}) == 18 and all(b["temperature"] == 0.4 for b in described)
    assert all(len(b["messages"][0]["content"]) == 3 for b in described)
    for record in records(out):
        assert record["error"] is None and record["spread"] > 25 and set(record["quality"]) == {"unclear", "collage"}
        assert all(0 < q["p_yes"] < 0.02 for q in record["quality"].values())
    found = [i for r in records(out) for i in r["instances"]]
    assert [i["id"] for i in found] == [str(n) for n in range(18)]
    assert all(i["text"].startswith(f"a {NOUNS[n % 3]} with") and len(i["tries"]) == 1 for n, i in enumerate(found))
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("shard ")]
    assert len(lines) == 3 and "3 of 3 shards" in lines[-1] and "100.0 % described, 0 errors" in lines[-1]
    assert call("run", out, *endpoint(stub)) == 0, "nothing is left, so the server is not asked who it is"


def test_a_killed_run_goes_on_with_what_is_missing_and_ends_the_same(tmp_path):
    world, whole, killed = write_set(tmp_path / "world", 16), tmp_path / "whole", tmp_path / "killed"
    for out in (whole, killed):
        assert plan(world, out, per_shard=1) == 0
    with Stub(describe) as stub:
        assert call("run", whole, *endpoint(stub)) == 0
    with Stub(lambda body, number: describe(body, delay=0.02)) as stub:
        arguments = ["-m", "research.captions", "run", killed, *endpoint(stub, "--in-flight", 4)]
        done = []
        for questions in (25, 3, 18):  # of the 80 in all, until it is killed
            before, asked = shards(killed), len(stub.asked)
            process = subprocess.Popen([sys.executable, *map(str, arguments)], cwd=ROOT, stdout=subprocess.DEVNULL)
            while len(stub.asked) < asked + questions:
                time.sleep(0.001)
            process.kill()
            process.wait()
            assert before.items() <= shards(killed).items(), "what was there stays as it was"
            done.append(len(Folder(killed).done()))
        assert done == sorted(done) and 0 < done[-1] < 16
        missing, asked = Folder(killed).missing(), len(stub.asked)
        assert call("run", killed, *endpoint(stub)) == 0
        assert len(stub.asked) - asked == 5 * len(missing)
    assert shards(killed) == shards(whole)
    assert not list(killed.rglob("*.partial")) and holder(killed) is None


def test_a_text_that_the_rules_refuse_is_asked_for_again_with_the_reason(world, tmp_path):
    def answer(body, number):
        text = text_of(body)
        if "one dog" in text and "Your last answer" not in text:
            return Reply("a dog on the left")
        return describe(body)

    out = tmp_path / "out"
    plan(world, out)
    with Stub(answer) as stub:
        assert call("run", out, *endpoint(stub)) == 0
    again = [text_of(b) for b in stub.asked if "Your last answer was: a dog on the left" in text_of(b)]
    assert len(again) == 6 and all("fewer than 12 words and it says left or right." in text for text in again)
    found = [i for r in records(out) for i in r["instances"]]
    assert [len(i["tries"]) for i in found] == [2, 1, 1] * 6
    assert all(i["text"].startswith("a dog with a glossy") for i in found[::3])


def test_who_honestly_cannot_tell_is_not_asked_again(world, tmp_path):
    plan(world, tmp_path / "out")
    unsure = lambda body, number: Reply("UNSURE") if "logprobs" not in body else describe(body)  # noqa: E731
    with Stub(unsure) as stub:
        assert call("run", tmp_path / "out", *endpoint(stub)) == 0
    assert len(stub.asked) == 6 * 2 + 18


def test_errors_are_data_and_are_asked_again_when_wanted(world, tmp_path, capsys):
    out = tmp_path / "out"
    plan(world, out)
    (world / "pictures" / "3.jpg").rename(world / "pictures" / "elsewhere.jpg")

    def refuse(body, number):
        return Reply(status=400, body=b'{"error": "no cars"}') if "one car" in text_of(body) else describe(body)

    with Stub(refuse) as stub:
        assert call("run", out, *endpoint(stub)) == 0
        assert call("status", out) == 0
        said = capsys.readouterr().out
        assert "described: 10 of 15 instances; pictures with an error: 6" in said and "no cars" in said
    by_id = {r["id"]: r for r in records(out)}
    assert "3.jpg" in by_id["3"]["error"] and by_id["3"]["instances"] == []
    before = shards(out)
    (world / "pictures" / "elsewhere.jpg").rename(world / "pictures" / "3.jpg")

    with Stub(describe) as stub:
        stub_endpoint = endpoint(stub)
        assert call("run", out, *stub_endpoint, "--retry-failed") == 0
        assert len(stub.asked) == 6 * 5
        assert call("run", out, *stub_endpoint, "--retry-failed") == 0 and len(stub.asked) == 6 * 5
    assert "Nothing is left to do." in capsys.readouterr().out
    whole = tmp_path / "whole"
    plan(world, whole)
    with Stub(describe) as stub:
        call("run", whole, *endpoint(stub))
    assert shards(out) == shards(whole) != before


def test_a_run_in_which_everything_fails_fails(world, tmp_path, capsys):
    out = tmp_path / "out"
    plan(world, out)
    with Stub(lambda body, number: Reply(status=400, body=b'{"error": "no"}')) as stub:
        assert call("run", out, *endpoint(stub)) == 1
    assert "captions: nothing was described, and 6 pictures have errors" in capsys.readouterr().err


def test_a_model_that_honestly_sees_nothing_is_no_failure(world, tmp_path):
    plan(world, tmp_path / "out")
    unsure = lambda body, number: Reply("UNSURE") if "logprobs" not in body else describe(body)  # noqa: E731
    with Stub(unsure) as stub:
        assert call("run", tmp_path / "out", *endpoint(stub)) == 0


def test_pictures_without_an_error_keep_their_records(world, tmp_path):
    out = tmp_path / "out"
    plan(world, out)
    (world / "pictures" / "3.jpg").rename(world / "pictures" / "elsewhere.jpg")
    with Stub(describe) as stub:
        call("run", out, *endpoint(stub))
    (world / "pictures" / "elsewhere.jpg").rename(world / "pictures" / "3.jpg")
    with Stub(describe) as stub:
        assert call("run", out, *endpoint(stub), "--retry-failed") == 0
    assert len(stub.asked) == 5


def test_other_makers_do_not_mix(world, tmp_path, capsys):
    out = tmp_path / "out"
    plan(world, out)
    with Stub(describe) as stub:
        assert call("run", out, *endpoint(stub)) == 0
        (out / "shards" / "00001.jsonl").unlink()
        assert call("run", out, *endpoint(stub, "--pixels", 50000)) == 1
    said = capsys.readouterr().err
    assert "were made otherwise and do not mix: engine: " in said and "'pixels': 50000" in said
    data = json.loads((out / "made_with.json").read_text())
    (out / "made_with.json").write_text(json.dumps(data | {"prompts": "another"}))
    with pytest.raises(DeigError, match=r"00000\.jsonl is of another run than the folder's made_with\.json says"):
        Folder(out).results(0)


def test_a_second_run_is_kept_out_and_a_dead_ones_lock_is_not(world, tmp_path, capsys):
    out = tmp_path / "out"
    plan(world, out)
    with Folder(out).locked():
        assert call("run", out, "--endpoint", "http://127.0.0.1:9/v1", "--model", "m") == 1
        assert f"is in use by process {os.getpid()} on " in capsys.readouterr().err
        assert f"at work: process {os.getpid()} on " in "\n".join(_status(out))
    assert "at work" not in "\n".join(_status(out))
    (out / ".run.owner").write_bytes(b"\xff\xfe left by a killed one")
    (out / "shards" / "00000.jsonl.1.partial").write_text("half")
    with Stub(describe) as stub:
        assert call("run", out, *endpoint(stub)) == 0
    assert not list(out.rglob("*.partial"))


def _status(out):
    from research.captions.status import status

    return status(Folder(out))


def test_a_server_that_goes_away_stops_the_run_in_one_sentence(world, tmp_path, capsys, monkeypatch):
    from research.engines import endpoint as client

    monkeypatch.setattr(client.Addresses, "_growing", lambda *_: 0.001)
    out = tmp_path / "out"
    plan(world, out, per_shard=1)
    with Stub(lambda body, number: describe(body) if number < 8 else Reply(drop=0)) as stub:
        assert call("run", out, *endpoint(stub, "--in-flight", 1, "--tries", 2)) == 1
    said = capsys.readouterr().err.strip()
    assert said.startswith("captions: 5 questions in a row were not answered") and "\n" not in said
    with Stub(describe, port=int(stub.url.split(":")[2].split("/")[0])) as stub:
        assert call("run", out, *endpoint(stub)) == 0
    assert not Folder(out).missing()


def test_a_full_disk_is_said_and_leaves_no_half_file(world, tmp_path, capsys, monkeypatch):
    out = tmp_path / "out"
    plan(world, out)

    def full(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    with Stub(describe) as stub:
        monkeypatch.setattr(os, "fsync", full)
        assert call("run", out, *endpoint(stub)) == 1
    assert "cannot be written: No space left on device." in capsys.readouterr().err
    assert not [p for p in out.rglob("*") if "partial" in p.name] and not list((out / "shards").iterdir())


def test_ctrl_c_ends_after_the_shards_under_way(tmp_path, capsys):
    world, out = write_set(tmp_path / "world", 12), tmp_path / "out"
    plan(world, out, per_shard=1)
    main, before = threading.get_ident(), signal.getsignal(signal.SIGINT)

    def answer(body, number):
        if number == 6:
            signal.pthread_kill(main, signal.SIGINT)
        return describe(body, delay=0.01)

    with Stub(answer) as stub:
        assert call("run", out, *endpoint(stub)) == 130
        said = capsys.readouterr().out
        assert "Ending after the shards under way" in said and "Stopped; the same command goes on." in said
        assert 1 <= len(Folder(out).done()) < 12
        assert len(stub.asked) == 5 * len(Folder(out).done()), "nothing was asked for in vain"
    assert signal.getsignal(signal.SIGINT) is before


def test_a_second_ctrl_c_ends_at_once(world, tmp_path):
    out = tmp_path / "out"
    plan(world, out)
    with Stub(lambda body, number: describe(body, delay=30)) as stub:
        command = [sys.executable, "-m", "research.captions", "run", out, *endpoint(stub)]
        process = subprocess.Popen([str(c) for c in command], cwd=ROOT, stdout=subprocess.PIPE, text=True)
        while len(stub.asked) < 8:
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        assert "once more ends at once" in process.stdout.readline()
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == -signal.SIGINT
        process.stdout.close()


def test_a_plan_is_made_once(world, tmp_path, capsys):
    out = tmp_path / "out"
    assert plan(world, out) == plan(world, out) == 0
    assert plan(world, out, "--seed", 1) == 1
    assert "holds another plan already" in capsys.readouterr().err
    assert call("run", tmp_path / "none", "--oracle") == 1 and "holds no plan" in capsys.readouterr().err
    assert plan(world, tmp_path / "x", "--words", 9, 3) == 1 and "--words 9 3" in capsys.readouterr().err
    assert call("plan", world / "instances.json", tmp_path / "y", "--pictures", tmp_path / "nowhere") == 1
    assert "is no folder" in capsys.readouterr().err
    (out / "plan.json").write_text("{}")
    assert call("status", out) == 1 and "is no plan of the format deig-captions-plan/1" in capsys.readouterr().err


def test_a_folder_without_the_pictures_stops_before_anything_is_asked(world, tmp_path, capsys):
    out = tmp_path / "out"
    plan(world, out)
    with Stub(describe) as stub:
        assert call("run", out, *endpoint(stub), "--pictures", tmp_path) == 1
        assert stub.asked == []
        assert "None of the 2 pictures of shard 0 is in" in capsys.readouterr().err
        (world / "pictures").rename(tmp_path / "moved")
        assert call("run", out, *endpoint(stub), "--pictures", tmp_path / "moved") == 0


def test_progress_tells_pace_share_and_what_is_left():
    lines, now = [], iter([0, 10, 20])
    progress = Progress(2, 12, lines.append, lambda: next(now))
    progress.add(Done(3, 64, 400, 300, 1))
    progress.add(Done(4, 64, 100, 100, 0))
    assert lines[1] == (
        "shard 4: 64 pictures, 100 instances | 4 of 12 shards, 25.0 instances/s, 80.0 % described, 1 errors, 80 s left"
    )


def test_the_description_of_the_tests_is_one_that_the_rules_take():
    from research.captions.rules import Words, reasons

    assert reasons(GOOD.format(noun="dog", number=999), "dog", Words()) == []


def test_models_on_a_cpu_compute_in_one_thread(world, tmp_path):
    """Sums split among threads end otherwise in their last digits, and results would depend on the machine's cores."""
    torch = pytest.importorskip("torch")
    pytest.importorskip("scipy", reason="scipy is not installed (extra `train`)")
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        plan(world, tmp_path / "out")
        assert call("run", tmp_path / "out", "--oracle") == 0
        assert torch.get_num_threads() == 1
    finally:
        torch.set_num_threads(before)
