"""The commands from layouts to tables, on the real classes at a tiny size and a server that answers as it is told."""

import csv
import json

import pytest
from PIL import Image

from research.engines.contract import Question
from research.engines.endpoint import Endpoint
from research.engines.stub import MODEL, Reply, Stub
from research.engines.transformers import Transformers
from research.evaluation.__main__ import main
from research.evaluation.evidence import Log, Record, Subject, read, read_all
from research.evaluation.layout import Instance, Layout, read_layouts, write_layouts
from research.evaluation.look import look
from research.evaluation.pictures import find
from research.evaluation.procedures.deig import PUBLISHED, QUESTIONS
from research.evaluation.witnesses.judge import Judge

BOXES = ((0.0, 0.0, 0.5, 1.0), (0.5, 0.0, 1.0, 1.0))
YES = (("yes", -0.1), ("no", -2.4))


def drawn(folder, benchmark, count=4, **tags):
    """`count` layouts of two boxes, and their pictures in folders of two seeds; the last picture is missing."""
    layouts = [
        Layout(
            f"{i}",
            benchmark,
            "two",
            tuple(Instance(box, f"a red {noun}", noun, tags) for box, noun in zip(BOXES, ("cup", "dog"), strict=True)),
            96,
            64,
        )
        for i in range(count)
    ]
    write_layouts(folder / "bench.jsonl", layouts)
    for seed in (1, 2):
        (folder / "out" / str(seed)).mkdir(parents=True)
        for layout in layouts[:-1]:
            picture = Image.effect_noise((96, 64), 40 + 20 * seed + int(layout.id)).convert("RGB")
            picture.save(folder / "out" / str(seed) / f"{layout.id}.png")
    return str(folder / "bench.jsonl"), str(folder / "out"), layouts


def run(*arguments):
    assert main([str(a) for a in arguments]) == 0


def place(layouts, folder, by="dino"):
    """Evidence that each instance was found where it should be, whatever a random detector says."""
    by_id = {layout.id: layout for layout in layouts}
    with Log(folder, "boxes", by, {"model": "hand"}) as log:
        for key, found in find(layouts, folder).items():
            if found.sha1:
                boxes = {"boxes": [[*BOXES[0], 0.9], [*BOXES[1], 0.9]]}
                log.add([Record(Subject.of(by_id[key], i, found.sha1), boxes) for i in range(2)])


@pytest.fixture
def deig(tmp_path):
    bench, out, layouts = drawn(tmp_path, "deig", level="L1")
    for seed in (1, 2):
        place(layouts, tmp_path / "out" / str(seed))
    return tmp_path, bench, out


def answers(body, number):
    """Yes to cups, 413 to the first dog, No to the others."""
    text = body["messages"][0]["content"][-1]["text"]
    if "cup" in text:
        return Reply("yes", top=YES)
    return Reply(status=413, body=b'{"error": {"message": "too large"}}') if number < 2 else Reply("No.", top=None)


def test_deig_bench_from_pictures_to_the_papers_table(deig, capsys):
    folder, bench, out = deig
    with Stub(answers) as stub:
        run("look", bench, out, "--endpoint", stub.url, "--model", MODEL, "--in-flight", 1)
        asked = len(stub.asked)
        run("look", bench, out, "--endpoint", stub.url, "--model", MODEL, "--in-flight", 1)
        assert asked == len(stub.asked) == 12, "nothing is asked twice"
    assert "1 words are failures" in capsys.readouterr().out
    files = {name: folder / name for name in ("scores.json", "scores.csv", "sheet")}
    run("score", bench, out, "--json", files["scores.json"], "--csv", files["scores.csv"], "--sheet", files["sheet"])
    table = capsys.readouterr().out
    assert [line.split(" | ")[0] for line in table.splitlines()[2:5]] == ["| out/1", "| out/2", "| out, 2 seeds"]
    scores = json.loads(files["scores.json"].read_text())
    both = scores["rows"][2]
    assert both["estimates"]["MAA"]["value"] == pytest.approx(6 / 16), "the missing pictures are in the denominator"
    assert both["counts"] == {
        "pictures": 8,
        "missing": 2,
        "unusable": 0,
        "resized": 0,
        "instances": 16,
        "unjudged": 5,
    }
    assert scores["how"] == {"thresholds": {"score": 0.25, "nms": 0.8, "iou": 0.5}, "parser": "published"}
    assert scores["evidence"]["answer"][MODEL]["model"] == MODEL
    assert ["out, 2 seeds", "missing", "2", "", ""] in list(csv.reader(files["scores.csv"].open()))
    page = (files["sheet"] / "index.html").read_text()
    assert "no answer: " in page and "too large" in page and "the picture is missing" in page
    assert page.count("<figure>") == 8 and len(list(files["sheet"].glob("*.jpg"))) == 6
    run("compare", files["scores.json"])
    printed = capsys.readouterr().out
    assert (
        "| DEIG | 0.82 | 0.74 | 0.69 | 0.75 | 0.67 | 0.41 | 0.38 | 0.27 | 0.44 | 0.79 |" in printed
        and "out, 2 seeds" in printed
    )
    assert printed.index("Measured here") < printed.index("Published: Table 1") < printed.index("What differs")


def test_thresholds_and_parsers_change_without_asking_again(deig, capsys):
    folder, bench, out = deig
    with Stub(lambda body, number: Reply("Yes.", top=YES)) as stub:
        run("look", bench, out, "--endpoint", stub.url, "--model", MODEL)
    values = {}
    for how in ("published", "first word", "strict"):
        run("score", bench, out, "--parser", how, "--json", folder / "x.json")
        values[how] = json.loads((folder / "x.json").read_text())["rows"][2]["estimates"]["MAA"]["value"]
    assert values == {"published": 0, "first word": 0.75, "strict": 0.75}
    run("score", bench, out, "--parser", "strict", "--score", 0.95, "--json", folder / "x.json")
    assert json.loads((folder / "x.json").read_text())["rows"][2]["estimates"]["MAA"]["value"] == 0
    capsys.readouterr()


def test_two_judges_are_two_rows(deig, capsys):
    _, bench, out = deig
    with Stub(lambda body, number: Reply("yes")) as yes, Stub(lambda body, number: Reply("no")) as no:
        run("look", bench, f"{out}/1", "--endpoint", yes.url, "--model", MODEL, "--as", "kind")
        run("look", bench, f"{out}/1", "--endpoint", no.url, "--model", MODEL, "--as", "stern")
    capsys.readouterr()
    run("score", bench, f"{out}/1")
    rows = [line.split(" | ")[:2] for line in capsys.readouterr().out.splitlines()[2:]]
    assert rows == [["| 1, by kind", "0.750 ± 0.375"], ["| 1, by stern", "0.000 ± 0.000"]]


def test_a_judge_can_be_asked_in_other_words_and_is_another_judge_then(deig, capsys):
    folder, bench, out = deig
    with Stub(lambda body, number: Reply("Yes", top=YES)) as stub:
        judge = ("look", bench, f"{out}/1", "--endpoint", stub.url, "--model", MODEL)
        run(*judge)
        run(*judge, "--question", "vqascore")
        run(*judge, "--question", "Is it {}?", "--as", "mine")
        texts = [body["messages"][0]["content"][-1]["text"] for body in stub.asked]
        said = refused(capsys, *judge, "--question", "Is it {} or {}?", "--as", "x")
        assert said.endswith("is none of published, vqascore, and no text with one {} for the description.")
        assert "needs --as" in refused(capsys, *judge, "--question", "Is it {}?")
    assert "is for a judge" in refused(capsys, "look", bench, out, "--detector", folder, "--question", "vqascore")
    assert "Is it a red cup?" in texts[12:] and len(texts) == 18
    assert 'Does this figure show "a red cup"? Please answer yes or no.' in texts[6:12]
    assert all(text.startswith("Does this image meet the description 'a red ") for text in texts[:6])
    capsys.readouterr()
    run("score", bench, f"{out}/1", "--parser", "strict", "--json", folder / "x.json")
    scores = json.loads((folder / "x.json").read_text())
    assert [row["name"] for row in scores["rows"]] == ["1, by mine", f"1, by {MODEL}-vqascore", f"1, by {MODEL}"]
    assert scores["evidence"]["answer"]["mine"]["question"] == "Is it {}?"


def refused(capsys, *arguments):
    capsys.readouterr()
    assert main([str(a) for a in arguments]) == 1
    *_, message = capsys.readouterr().err.splitlines()  # before it, how far a bar came
    assert message.startswith(f"{arguments[0]}: ")
    return message


def test_scores_of_half_a_look_are_refused(deig, capsys):
    folder, bench, out = deig
    assert "has no evidence of answer: run look first." in refused(capsys, "score", bench, out)
    with Stub(lambda body, number: Reply("yes")) as stub:
        run("look", bench, out, "--endpoint", stub.url, "--model", MODEL)
    file = folder / "out" / "2" / "evidence" / f"answer-{MODEL}.jsonl"
    file.write_bytes(b"\n".join(file.read_bytes().split(b"\n")[:4]) + b"\n")
    assert "has not looked at all of" in refused(capsys, "score", bench, out)


def test_layouts_that_ask_for_something_else_need_new_evidence(deig, capsys):
    """The pictures are the same, and their names too."""
    folder, bench, out = deig
    with Stub(lambda body, number: Reply("yes")) as stub:
        judge = ("--endpoint", stub.url, "--model", MODEL)
        run("look", bench, f"{out}/1", *judge)
        run("score", bench, f"{out}/1")
        bench = str(folder / "other.jsonl")
        text = (folder / "bench.jsonl").read_text().replace("a red dog", "a blue dog")
        (folder / "other.jsonl").write_text(text)
        assert "The layout of 0 is not the one that" in refused(capsys, "score", bench, f"{out}/1")
        place(read_layouts(folder / "other.jsonl"), folder / "out" / "1")
        run("look", bench, f"{out}/1", *judge)
        assert [("blue dog" in str(body)) for body in stub.asked[6:]] == [True] * 3
    run("score", bench, f"{out}/1")


def test_evidence_of_one_name_and_two_fingerprints_is_refused(deig, capsys):
    _, bench, out = deig
    with Stub(lambda body, number: Reply("yes")) as stub:
        judge = ("--endpoint", stub.url, "--model", MODEL, "--pixels")
        run("look", bench, f"{out}/1", *judge, 20000)
        run("look", bench, f"{out}/2", *judge, 10000)
        said = refused(capsys, "look", bench, f"{out}/1", *judge, 10000)
    assert "was made with pixels 20000 instead of 10000: use the same, or another name" in said
    assert "not the same in out/1 and out/2: pixels 20000 instead of 10000" in refused(capsys, "score", bench, out)


def test_two_detectors_must_be_chosen_from(deig, capsys):
    folder, bench, out = deig
    with Stub(lambda body, number: Reply("yes")) as stub:
        run("look", bench, f"{out}/1", "--endpoint", stub.url, "--model", MODEL)
    place(read_layouts(folder / "bench.jsonl"), folder / "out" / "1", by="other")
    assert "by dino, other: choose one with --use boxes=NAME" in refused(capsys, "score", bench, f"{out}/1")
    assert "is no KIND=NAME" in refused(capsys, "score", bench, f"{out}/1", "--use", "dino")
    assert "no evidence of boxes by x (dino, other gave some)" in refused(
        capsys, "score", bench, f"{out}/1", "--use", "boxes=x"
    )
    run("score", bench, f"{out}/1", "--use", "boxes=other")


def test_mig_bench_on_the_real_classes(tmp_path, dino_folder, sam_folder, capsys):
    bench, out, _ = drawn(tmp_path, "mig", colour="red", level="L2")
    run("look", bench, out, "--detector", dino_folder, "--sam", sam_folder, "--device", "cpu")
    kinds = {e.kind: len(e.records) for e in read_all(tmp_path / "out" / "1")}
    assert kinds == {"boxes": 6, "colours": 6}
    capsys.readouterr()
    run("score", bench, out)
    assert capsys.readouterr().out.startswith("| | ISR L2 | ISR | mIoU L2 | mIoU | place alone |")


@pytest.mark.parametrize("family", ["qwen", "intern"])
def test_deig_bench_on_the_real_classes_in_this_process(tmp_path, dino_folder, capsys, family):
    import tiny_vlm

    judge = getattr(tiny_vlm, family)(tmp_path / "tiny")
    bench, out, layouts = drawn(tmp_path, "deig", count=2, level="C1")
    run("look", bench, f"{out}/1", "--detector", dino_folder, "--transformers", judge, "--device", "cpu")
    evidence = read(tmp_path / "out" / "1" / "evidence" / "answer-tiny.jsonl")
    with Image.open(tmp_path / "out" / "1" / "0.png") as picture:
        crops = [picture.crop((0, 0, 48, 64)), picture.crop((48, 0, 96, 64))]
    asked = [QUESTIONS[PUBLISHED].replace("{}", i.text) for i in layouts[0].instances]
    questions = [Question([crop], text, yes_no=True) for crop, text in zip(crops, asked, strict=True)]
    answers = Transformers(judge, device="cpu").ask(questions)
    assert [r.value["text"] for r in evidence.records.values()] == [a.text for a in answers]
    run("score", bench, f"{out}/1")
    assert "| C1 | C-AVG | MAA | mIoU |" in capsys.readouterr().out


def test_instdiff_bench_on_the_real_class(tmp_path, clip_folder, capsys):
    bench, out, _ = drawn(tmp_path, "instdiff", attribute="colour", label="red")
    run("look", bench, out, "--clip", clip_folder, "--device", "cpu")
    run("score", bench, out, "--json", tmp_path / "x.json")
    run("compare", tmp_path / "x.json")
    assert "| DEIG, colour | 58.8 | 0.258 |  |  |" in capsys.readouterr().out


def coco(folder):
    images = [{"id": i, "file_name": f"{i:012d}.jpg", "width": 640, "height": 480} for i in (1, 2, 3)]
    boxes = [[0, 0, 320, 240], [320, 0, 320, 240], [0, 240, 320, 240]]
    annotations = [
        {"id": 10 * i["id"] + n, "image_id": i["id"], "category_id": 1, "bbox": box, "area": 1000, "iscrowd": 0}
        for i in images
        for n, box in enumerate([*boxes, [5, 5, 0, 10]])
    ]
    whole = {"images": images, "annotations": annotations, "categories": [{"id": 1, "name": "dog"}]}
    said = {"annotations": [{"id": 1, "image_id": 1, "caption": "Three dogs."}]}
    for name, content in (("instances.json", whole), ("captions.json", said)):
        (folder / name).write_text(json.dumps(content))
    return folder / "instances.json", folder / "captions.json"


def test_build_and_read(tmp_path, capsys):
    files = coco(tmp_path)
    bench, published = tmp_path / "bench.jsonl", tmp_path / "published.json"
    run("build", "deig", *files, bench, "--pictures", 3, "--published", published)
    assert "3 annotations have boxes without an area" in capsys.readouterr().out
    run("read", "deig", published, tmp_path / "again.jsonl")
    assert "3 pictures, 9 instances" in capsys.readouterr().out
    assert [x.prompt for x in read_layouts(tmp_path / "again.jsonl")] == [x.prompt for x in read_layouts(bench)]
    assert "must end with .jsonl" in refused(capsys, "build", "deig", *files, tmp_path / "bench.json")
    assert "3 pictures have 3 to 10 boxes" in refused(capsys, "build", "deig", *files, bench)
    assert "cannot be read" in refused(capsys, "read", "mig", published, bench)


def test_instdiff_from_coco_to_ap(tmp_path, capsys):
    pytest.importorskip("faster_coco_eval", reason="faster-coco-eval (extra `evaluation`) is not installed")
    run("build", "instdiff", *coco(tmp_path), tmp_path / "instdiff")
    prompts = [x.prompt for x in read_layouts(tmp_path / "instdiff" / "colour.jsonl")]
    assert prompts[0] == "Three dogs. red dog, green dog, yellow dog"
    detections = tmp_path / "predictions.json"
    whole = [{"image_id": 1, "category_id": 1, "bbox": [0, 0, 256, 256], "score": 0.9}]
    detections.write_text(json.dumps(whole))
    run("ap", tmp_path / "instdiff" / "instances_512.json", detections, "--json", tmp_path / "ap.json")
    printed = capsys.readouterr().out
    assert "3 pictures, 2 of them without a detection" in printed
    found_one_of_twelve = 9 / 101  # boxes without an area stay among the truths, as in COCO's own evaluation
    assert json.loads((tmp_path / "ap.json").read_text())["AP"] == pytest.approx(found_one_of_twelve)


def test_pictures_of_others_and_no_one_to_look(deig, capsys, tmp_path_factory):
    _, bench, out = deig
    foreign = tmp_path_factory.mktemp("foreign")
    Image.new("RGB", (96, 64)).save(foreign / "holiday.png")
    assert "named after a layout" in refused(capsys, "score", bench, foreign)
    assert "is no folder" in refused(capsys, "score", bench, foreign / "none")
    assert "Nobody is there to look" in refused(capsys, "look", bench, out)
    assert "--endpoint needs --model" in refused(capsys, "look", bench, out, "--endpoint", "http://127.0.0.1:9/v1")
    assert "holds no config.json" in refused(capsys, "look", bench, out, "--detector", foreign)
    assert "needs evidence of boxes and answer" in refused(capsys, "look", bench, out, "--clip", foreign)


def test_a_server_that_is_down_stops_the_look(deig, capsys):
    _, bench, out = deig
    said = refused(capsys, "look", bench, out, "--endpoint", "http://127.0.0.1:9/v1", "--model", "x", "--tries", 1)
    assert "http://127.0.0.1:9/v1" in said


def test_layouts_without_what_they_are_judged_by(tmp_path, capsys):
    bench, out, _ = drawn(tmp_path, "mig", colour="mauve")
    for command in ("look", "score"):
        assert "instance 1 has the colour 'mauve'; mig judges by one of red," in refused(capsys, command, bench, out)


# what the server says to the first question: what becomes of it
TROUBLES = {
    "too many requests": (Reply(status=429, headers={"Retry-After": "0"}), None),
    "a fault of its own": (Reply(status=500), None),
    "a broken connection": (Reply(drop=20), None),
    "garbage": (Reply(body=b"<html>"), None),
    "too slow": (Reply(delay=0.7), None),
    "too long a text": (Reply(status=400, body=b'{"error": {"message": "context length"}}'), "context length"),
    "an empty answer": (Reply(""), "The answer was empty."),
}


@pytest.mark.parametrize("trouble", TROUBLES)
def test_troubles_of_a_server_are_tried_again_or_kept(deig, trouble):
    folder, _, _ = deig
    layouts, pictures = read_layouts(folder / "bench.jsonl"), folder / "out" / "1"
    first, kept = TROUBLES[trouble]
    with Stub(lambda body, number: Reply("yes") if number else first) as stub:
        judge = Judge(Endpoint([stub.url], MODEL, timeout=0.5, first_wait=0.01, in_flight=1), "judge", at_once=9)
        assert look(layouts, pictures, [judge]) == (kept is not None)
        errors = [r.error for r in read(pictures / "evidence" / "answer-judge.jsonl").records.values()]
        assert len(errors) == 6
        assert kept is None or kept in next(filter(None, errors))
        assert look(layouts, pictures, [judge], retry_failed=True) == 0
        judge.close()


@pytest.mark.parametrize("status", [401, 404])
def test_a_server_that_knows_neither_key_nor_model_stops_the_look(deig, capsys, status):
    _, bench, out = deig
    with Stub(lambda body, number: Reply(status=status, body=b"{}")) as stub:
        said = refused(capsys, "look", bench, out, "--endpoint", stub.url, "--model", MODEL)
    assert {401: "the key is wrong", 404: "is unknown"}[status] in said


def test_hostile_texts_stay_texts_on_the_page(tmp_path, capsys):
    text = "<script>alert(1)</script>"
    layout = Layout("0", "deig", text, (Instance(BOXES[0], text, text, {"level": "L1"}),), 96, 64)
    write_layouts(tmp_path / "bench.jsonl", [layout])
    (tmp_path / "out").mkdir()
    Image.new("RGB", (96, 64)).save(tmp_path / "out" / "0.png")
    sha1 = find([layout], tmp_path / "out")["0"].sha1
    for kind, value in (("boxes", {"boxes": []}), ("answer", {"text": text, "p_yes": None})):
        with Log(tmp_path / "out", kind, "x", {}) as log:
            log.add([Record(Subject.of(layout, 0, sha1), value)])
    run("score", tmp_path / "bench.jsonl", tmp_path / "out", "--sheet", tmp_path / "sheet")
    page = (tmp_path / "sheet" / "index.html").read_text()
    assert "<script" not in page and "&lt;script&gt;" in page
    assert "default-src 'none'" in page
    capsys.readouterr()
