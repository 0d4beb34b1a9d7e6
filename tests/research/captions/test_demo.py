"""The demo world from annotations to the trainer's file, with its oracle, killed twice on the way."""

import json

from sets import call

from research.captions.demo import FIRST_SEED
from research.demo.world import draw_scene
from research.training.pictures import read_pictures


def test_what_the_world_does_wrong_is_found_and_named(demo_run):
    report = json.loads((demo_run / "run" / "selected" / "report.json").read_text())
    things = [len(draw_scene(FIRST_SEED + n).things) for n in range(24)]
    decisions = [
        json.loads(line) for line in (demo_run / "run" / "selected" / "decisions.jsonl").read_text().splitlines()
    ]
    assert len(decisions) == report["instances"] == sum(things) + 1
    why = {}
    for v in decisions:
        why.setdefault(int(v["picture"]), []).append(v["reasons"])
    assert all("grey picture" in reasons for n in (0, 1) for reasons in why[n])
    assert all(reasons == ["unreadable picture"] for n in (2, 5) for reasons in why[n])
    assert all("does not name it" in reasons for reasons in why[3])
    assert why[4][-1] == ["unsure"], "there is nothing in this box"
    good = [reasons for n in range(6, 24) for reasons in why[n]]
    assert sum(not reasons for reasons in good) >= 0.95 * len(good)
    assert report["control"]["auc"] > 0.95


def test_what_is_kept_is_what_is_there(demo_run):
    pictures = read_pictures(demo_run / "run" / "selected" / "data.jsonl")
    truth = {f"{n:04d}.png": draw_scene(FIRST_SEED + n) for n in range(24)}
    pairs = [
        (text, next(t.thing.describe() for t in truth[p.file_name].things if t.box[:2] == tuple(box[:2])))
        for p in pictures
        for text, box in zip(p.descriptions, p.boxes, strict=True)
    ]
    assert sum(a == b for a, b in pairs) >= 0.95 * len(pairs)
    assert all(p.caption == truth[p.file_name].caption() for p in pictures)


def test_a_folder_that_is_no_run_is_said(tmp_path, capsys):
    assert call("status", tmp_path) == 1
    assert "holds no plan: run python -m research.captions plan first" in capsys.readouterr().err
