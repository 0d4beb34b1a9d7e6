"""What is kept of what was asked, and what the report says of it."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sets import GOOD, call, describe, endpoint, plan, text_of, write_set

from research.captions.decisions import Settings, of_instances, of_picture
from research.captions.folder import Folder, file_digest
from research.captions.report import control
from research.captions.rules import Words
from research.captions.selection import token_counter
from research.captions.work import Instance, Work
from research.engines.stub import Reply, Stub
from research.training.examples import SIDES
from research.training.pictures import read_pictures

WORK = Work("1", "1.jpg", 100, 80, "", (Instance("a", (0, 0, 50, 50), "dog"), Instance("b", (0, 0, 40, 40), "car")))
DOG, CAR = (GOOD.format(noun=noun, number=1) for noun in ("dog", "car"))


def answered(text="No", p_yes=0.1, error=None):
    return {"text": text, "p_yes": p_yes, "error": error}


def record(spread=90.0, error=None, quality=None, **changes):
    instances = [
        {"id": name, "text": text, "cut": False, "error": None, "tries": [{}], "score": score, "control": 0.1}
        for name, text, score in (("a", DOG, 0.30), ("b", CAR, 0.20))
    ]
    instances[0].update(changes)
    quality = {"unclear": answered(), "collage": answered(), **(quality or {})}
    return {"id": "1", "error": error, "spread": spread, "quality": quality, "instances": [] if error else instances}


@pytest.mark.parametrize(
    ("found", "why"),
    [
        (record(), []),
        (record(error="broken"), ["unreadable picture"]),
        (record(spread=11.99), ["grey picture"]),
        (record(spread=12.0, quality={"grey": answered("Yes", 0.9)}), ["grey picture"]),
        (record(spread=24.9, quality={"grey": answered("No", 0.49)}), []),
        (record(spread=25.0), []),
        (record(spread=20.0), ["error"]),
        (record(quality={"unclear": answered("Yes", 0.5)}), ["unclear picture"]),
        (record(quality={"unclear": answered("No", 0.499)}), []),
        (record(quality={"collage": answered("Yes", None)}), ["collage"]),
        (record(quality={"collage": answered("No.", None)}), []),
        (record(quality={"collage": answered("Perhaps", None)}), ["collage"]),
        (record(quality={"collage": answered("", None, "down"), "unclear": answered("", None, "down")}), ["error"]),
        (record(spread=3, quality={"collage": answered("Yes", 0.9)}), ["grey picture", "collage"]),
    ],
)
def test_what_speaks_against_a_picture(found, why):
    assert of_picture(found, Settings(Words())) == why
    decisions = of_instances(WORK, found, Settings(Words()))
    assert [v.id for v in decisions] == ["a", "b"] and all(list(v.reasons) == why for v in decisions)


@pytest.mark.parametrize(
    ("found", "settings", "why"),
    [
        (record(), {}, ([], [])),
        (record(), {"score": lambda noun: 0.2}, ([], [])),
        (record(), {"score": lambda noun: 0.21}, ([], ["low score"])),
        (record(), {"score": {"dog": 0.31, "car": 0.1}.__getitem__}, (["low score"], [])),
        (record(score=None), {"score": lambda noun: 0.1}, (["no score"], [])),
        (record(score=float("nan")), {"score": lambda noun: 0.1}, (["low score"], [])),
        (record(error=None, text="", tries=[]), {}, (["empty"], [])),
        (record(cut=True), {}, (["cut off"], [])),
        (record(text="a dog on the left"), {}, (["too short", "says left or right"], [])),
        (record(text="a dog on the left"), {"words": Words(3, 45)}, (["says left or right"], [])),
        (record(text="a dog on the left"), {"allowed": frozenset({"says left or right", "too short"})}, ([], [])),
        (record(), {"tokens": lambda text: 129 if "car" in text else 128}, ([], ["too many tokens"])),
        (record(spread=3), {"allowed": frozenset({"grey picture"})}, ([], [])),
    ],
)
def test_what_speaks_against_an_instance(found, settings, why):
    decisions = of_instances(WORK, found, Settings(**{"words": Words(), **settings}))
    assert tuple(list(v.reasons) for v in decisions) == why


def test_an_error_of_an_instance_is_its_only_reason():
    found = record(text="")
    found["instances"][0]["error"] = "down"
    assert [v.reasons for v in of_instances(WORK, found, Settings(Words()))] == [("error",), ()]


def test_the_same_text_twice_is_kept_and_said():
    work = Work("1", "1.jpg", 100, 80, "", (WORK.instances[0], Instance("b", (0, 0, 40, 40), "dog")))
    found = record()
    found["instances"][1]["text"] = DOG
    assert [(v.kept, v.twin) for v in of_instances(work, found, Settings(Words()))] == [(True, True)] * 2


def test_control_is_the_share_of_pairings_in_which_the_own_crop_wins():
    assert control([0.3, 0.4], [0.1, 0.2])["auc"] == 1 and control([0.1, 0.2], [0.3, 0.4])["auc"] == 0
    assert control([0.3, 0.3], [0.3, 0.3])["auc"] == 0.5
    found = control([0.3, 0.2, 0.5], [0.1, 0.25, 0.2])
    assert found["auc"] == round((3 + 1.5 + 3) / 9, 4)
    assert (found["best"], found["own_kept"], found["other_kept"]) == (0.3, round(2 / 3, 4), 0.0)


@settings(max_examples=50)
@given(st.lists(st.integers(0, 9), min_size=1, max_size=12), st.lists(st.integers(0, 9), min_size=1, max_size=12))
def test_auc_is_counted_right(own, other):
    wins = sum((a > b) + (a == b) / 2 for a in own for b in other)
    assert control(own, other)["auc"] == pytest.approx(wins / len(own) / len(other), abs=1e-4)


@pytest.fixture(scope="module")
def asked(tmp_path_factory):
    """A finished run of 12 pictures: each dog is described badly, each third car says left."""
    folder = tmp_path_factory.mktemp("select")
    world, out = write_set(folder / "world", 12), folder / "out"

    def answer(body, number):
        if "one dog" in text_of(body):
            return Reply("a brown dog")
        reply = describe(body)
        if "one car" in text_of(body) and body["seed"] & 2:
            return Reply(reply.text + ", left door open")
        return reply

    plan(world, out)
    with Stub(answer) as stub:
        assert call("run", out, *endpoint(stub)) == 0
    return out


def test_thresholds_change_without_asking_again(asked, capsys):
    before = {p: file_digest(p) for p in (asked / "shards").iterdir()}
    kept = []
    for more in ([], ["--allow", "says left or right"], ["--words", 3, 45], ["--words", 3, 16]):
        assert call("select", asked, "--clip", "none", *more) == 0
        report = json.loads((asked / "selected" / "report.json").read_text())
        kept.append(report["kept"])
        assert report["instances"] == 36 and report["kept"] + report["reasons"].get("too short", 0) <= 36
    persons_and_cars, with_sides, with_dogs, few_words = kept
    assert 12 < persons_and_cars < with_sides == 24 and with_dogs > persons_and_cars and few_words == 12
    assert {p: file_digest(p) for p in (asked / "shards").iterdir()} == before
    assert "| too long |" in (asked / "selected" / "report.md").read_text()
    assert "written: " in capsys.readouterr().out


def test_the_trainer_reads_what_is_selected(asked):
    assert call("select", asked, "--clip", "none") == 0
    pictures = read_pictures(asked / "selected" / "data.jsonl")
    decisions = [json.loads(line) for line in (asked / "selected" / "decisions.jsonl").read_text().splitlines()]
    texts = [t for p in pictures for t in p.descriptions]
    assert texts == [v["text"] for v in decisions if v["kept"]] and len(decisions) == 36
    assert all(p.caption == ", ".join(p.descriptions) and (p.width, p.height) == (128, 96) for p in pictures)
    assert not any(SIDES.search(t) for p in pictures for t in (p.caption, *p.descriptions)), "all can be mirrored"
    by_id = {i.id: i.bbox for n in Folder(asked).done() for w in Folder(asked).work(n) for i in w.instances}
    assert [b for p in pictures for b in p.boxes] == [by_id[v["id"]] for v in decisions if v["kept"]]


def test_the_report_shows_samples_of_each_reason_always_the_same(asked):
    reports = []
    for _ in range(2):
        assert call("select", asked, "--clip", "none") == 0
        reports.append((asked / "selected" / "report.md").read_text())
    assert reports[0] == reports[1]
    assert "## Too short" in reports[0] and "## Says left or right" in reports[0]
    assert reports[0].partition("## Too short")[2].count(": a brown dog") == 5
    assert "36 instances" in reports[0] and "24 were asked again" not in reports[0]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "made no scores (it had no --clip): select with --clip none"),
        (["--keep", "0.9"], "made no scores"),
        (["--keep", "0"], "--keep 0 is no share"),
        (["--clip", "none", "--allow", "ugly"], "--allow ugly: no such reason; there are "),
        (["--clip", "none", "--words", "100", "200"], "Nothing is kept of 36 instances; most often: too short (36)"),
        (["--clip", "none", "--text-encoder", "nowhere"], "holds no tokenizer"),
    ],
)
def test_what_cannot_be_selected_is_said(asked, capsys, arguments, said):
    assert call("select", asked, *arguments) == 1
    assert said in capsys.readouterr().err


def test_texts_that_a_text_encoder_would_cut_are_refused(asked, tmp_path):
    from research.demo.text import write_tokenizer

    write_tokenizer(tmp_path / "t5")
    count = token_counter(tmp_path / "t5")
    assert count("a red star") == count("a red") + 1
    assert call("select", asked, "--clip", "none", "--text-encoder", tmp_path / "t5") == 0


def test_an_unfinished_run_is_selected_only_when_asked(asked, tmp_path, capsys):
    import shutil

    out = shutil.copytree(asked, tmp_path / "part")
    (out / "shards" / "00002.jsonl").unlink()
    assert call("select", out, "--clip", "none") == 1
    assert "1 of 6 shards are missing" in capsys.readouterr().err
    assert call("select", out, "--clip", "none", "--partial") == 0
    assert json.loads((out / "selected" / "report.json").read_text())["missing_shards"] == 1
    (out / "shards" / "00001.jsonl").write_text("{")
    assert call("select", out, "--clip", "none", "--partial") == 1
    assert "00001.jsonl cannot be read" in capsys.readouterr().err


def test_a_share_of_each_class_is_kept_by_its_own_scores(asked, tmp_path):
    """Scores written in by hand: cars lower than persons."""
    import shutil

    out = shutil.copytree(asked, tmp_path / "scored")
    lot = np.random.default_rng(0)
    made_with = json.loads((out / "made_with.json").read_text()) | {"score": {"score": "by hand"}}
    records = {i: Folder(out).results(i) for i in Folder(out).done()}
    (out / "made_with.json").write_text(json.dumps(made_with))
    for index, found in records.items():
        for record in found:
            for k, instance in enumerate(record["instances"]):
                instance |= {"score": float(lot.normal(0.1 * k, 0.01)), "control": 0.0, "score_tokens": 80 * (k == 2)}
        Folder(out).write_results(index, found)
    assert call("select", out, "--keep", "0.5", "--allow", "says left or right", "--words", 3, 45) == 0
    report = json.loads((out / "selected" / "report.json").read_text())
    # Twelve of each class are fewer than a class needs for a quantile of its own.
    assert report["classes"]["person"]["kept"] == 12 and report["kept"] == 18
    assert report["scores"]["longer_than_clip_reads"] == 12 and report["control"]["auc"] > 0.5
    assert call("select", out, "--clip", "0.05", "--words", 3, 45, "--allow", "says left or right") == 0
    report = json.loads((out / "selected" / "report.json").read_text())
    assert report["kept"] == 24 and report["scores"]["kept_at"]["0.16"] == pytest.approx(12 / 36, abs=1e-3)
