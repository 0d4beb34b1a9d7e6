"""The same bytes through Ray: two actors on this machine."""

import subprocess
import sys
import time
from pathlib import Path

import pytest
from sets import call, describe, endpoint, plan, write_set

from research.captions import __main__ as captions
from research.captions.cluster import Actor, connected
from research.captions.folder import Folder
from research.captions.run import Progress
from research.engines.stub import Reply, Stub

ROOT = Path(__file__).resolve().parents[3]
RAY = ("--ray", "local", "--actors", 2)


def shards(folder):
    return {p.name: p.read_bytes() for p in sorted((folder / "shards").glob("*.jsonl"))}


@pytest.mark.filterwarnings("ignore::DeprecationWarning:ray")
def test_two_actors_killed_and_resumed_write_what_one_loop_writes(tmp_path, capsys, monkeypatch):
    """One cluster for both: a driver that joins it and is killed, and the one that started it."""
    # Ray would start processes for every driver that nobody has asked for.
    for name in ("RAY_prestart_worker_first_driver", "RAY_enable_worker_prestart"):
        monkeypatch.setenv(name, "0")
    ray = pytest.importorskip("ray", reason="Ray is not installed (extra `ray`)")
    world, here, there = write_set(tmp_path / "world", 12), tmp_path / "here", tmp_path / "there"
    for out in (here, there):
        assert plan(world, out, per_shard=1) == 0
    with Stub(describe) as stub:
        assert call("run", here, *endpoint(stub)) == 0
    folder = Folder(there)
    with Stub(lambda body, number: describe(body, delay=0.05)) as stub:
        command = ["run", there, *endpoint(stub, "--in-flight", 2), *RAY]
        options = captions.parser().parse_args([str(c) for c in command])
        with connected(options) as cluster:
            command[-3] = ray.get_runtime_context().gcs_address
            process = subprocess.Popen(
                [sys.executable, "-m", "research.captions", *map(str, command)],
                cwd=ROOT,
                stdout=subprocess.DEVNULL,
                start_new_session=True,
            )
            while len(folder.done()) < 2:
                assert process.poll() is None
                time.sleep(0.01)
            process.kill()
            process.wait()
            _gone(stub)
            todo, asked = folder.missing(), len(stub.asked)
            assert 2 <= 12 - len(todo) < 12
            with folder.locked():
                assert cluster.run(folder.made_with(), todo, Progress(12 - len(todo), 12))
            assert len(stub.asked) - asked == 5 * len(todo)
    assert shards(there) == shards(here)
    assert "12 of 12 shards" in capsys.readouterr().out


def test_an_actor_reports_what_it_meets_instead_of_raising(tmp_path):
    """Ray would build an actor that raises again and again."""
    world, out = write_set(tmp_path / "world", 2), tmp_path / "out"
    plan(world, out, per_shard=1)
    with Stub(describe) as stub:
        assert call("run", out, *endpoint(stub)) == 0
        expected = Folder(out).made_with()
        options = captions.parser().parse_args([str(a) for a in ("run", out, *endpoint(stub), *RAY)])
        assert Actor(options, expected, False)({"shard": 1}) == {
            "wrong": "",
            "index": 1,
            "pictures": 1,
            "instances": 3,
            "described": 3,
            "errors": 0,
        }
        other = Actor(options, expected | {"prompts": "another"}, False)
        assert other({"shard": 1})["wrong"].startswith("An actor would answer otherwise than the first: ")
    assert "cannot be reached" in Actor(options, expected, False)({"shard": 1})["wrong"]
    with Stub(lambda body, number: Reply(status=401)) as stub:
        options.endpoint = [stub.url]
        actor = Actor(options, expected, False)
        assert "401, the key is wrong or missing" in actor({"shard": 1})["wrong"]


def _gone(stub):
    """Waits until the killed driver's actors ask no more."""
    asked = -1
    while asked != len(stub.asked):
        asked = len(stub.asked)
        time.sleep(0.5)
