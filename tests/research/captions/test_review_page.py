"""The demo world's sample, judged in a real browser by scripted people who know the truth, and what it is for."""

import json
import re
from contextlib import contextmanager

import pytest

pytest.importorskip("playwright.sync_api", reason="playwright is missing: run `python dev.py test`")
from pages import FLAGS
from sets import call

from research.captions.demo import FIRST_SEED
from research.captions.review.sample import Sample
from research.demo.world import draw_scene
from research.training.pictures import read_pictures
from tools.setup import chromium

PAIRS = 40


@pytest.fixture(scope="module")
def folder(review):
    return review


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    executable = chromium()
    if not executable:
        pytest.skip("Chromium is missing: install it, or apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=FLAGS)
        yield browser
        browser.close()


@contextmanager
def pages(browser, folder):
    """open(name) -> the page in a browser of its own; errors of any page fail the test."""
    contexts, errors = [], []

    def open_page(name):
        contexts.append(browser.new_context(viewport={"width": 1300, "height": 850}))
        page = contexts[-1].new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
        page.on(
            "request",
            lambda request: None if request.url.startswith(("file:", "blob:")) else errors.append(request.url),
        )
        page.goto((folder / "review" / "index.html").as_uri())
        page.fill("#name", name)
        page.keyboard.press("Enter")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert errors == []


@pytest.fixture
def person(browser, folder):
    with pages(browser, folder) as open_page:
        yield open_page


@pytest.fixture(scope="module")
def right(folder):
    """Pair's id -> whether its text is true of the thing."""
    wanted = truth({"instances": json.loads((folder / "world" / "instances.json").read_text())})
    return {p.id: wanted[p.id] == p.text for p in Sample.read(folder / "review" / "sample.json").pairs}


@pytest.fixture(scope="module")
def anns(browser, folder, right, tmp_path_factory):
    """The answers of Ann, who is always right."""
    with pages(browser, folder) as open_page:
        ann = open_page("Ann")
        judge(ann, lambda pair: right[pair["id"]])
        assert "All pairs are answered" in ann.inner_text("#say")
        return save(ann, tmp_path_factory.mktemp("answers"))


def truth(sample):
    """Pair's id -> whether its text is the thing's own description, from the world's seeds."""
    data = sample["instances"]
    names = {c["id"]: c["name"] for c in data["categories"]}
    found = {}
    for a in data["annotations"]:
        things = draw_scene(FIRST_SEED + a["image_id"]).things
        here = [t.thing for t in things if list(t.box[:2]) == a["bbox"][:2]]
        found[str(a["id"])] = here[0].describe() if here and here[0].shape == names[a["category_id"]] else None
    return found


def judge(page, right, reason="o"):
    """Answers every pair by keys, as the page shows them."""
    for pair in page.evaluate("SAMPLE.pairs"):
        assert page.inner_text("#text") == pair["text"] and page.inner_text("#noun") == pair["noun"]
        page.keyboard.press("1" if right(pair) else "2")
        if not right(pair):
            page.keyboard.press(reason)
            page.keyboard.press("Enter")


def save(page, folder):
    with page.expect_download() as download:
        page.keyboard.press("s")
    path = folder / download.value.suggested_filename
    download.value.save_as(path)
    return path


def test_two_people_judge_and_the_report_says_what_they_found(folder, right, anns, person, tmp_path, capsys):
    assert 1 <= sum(not r for r in right.values()) <= 5, "the wrong classes of one picture"
    ben, first = person("Ben B."), next(iter(right))
    judge(ben, lambda pair: right[pair["id"]] and pair["id"] != first, reason="c")
    files = [anns, save(ben, tmp_path)]
    assert [f.name for f in files] == ["answers-Ann.jsonl", "answers-Ben-B-.jsonl"]
    capsys.readouterr()
    wrong = sum(not r for r in right.values())
    assert call("review", "report", folder / "review", files[0]) in (0, 1)
    said = capsys.readouterr().out
    assert (
        f"{PAIRS} of {PAIRS} pairs judged" in said and f"{PAIRS - wrong} right, {wrong} wrong, 0 cannot be told" in said
    )
    assert f"Why wrong: wrong object {wrong}." in said
    call("review", "report", folder / "review", *files)
    said = capsys.readouterr().out
    more = right[first]
    assert (
        f"{PAIRS - wrong - more} right, {wrong + more} wrong" in said
        and f"judged {PAIRS} pairs in common, kappa" in said
    )
    # Ben sees where they differ once he has loaded Ann's.
    ben.set_input_files("#load", files[0])
    ben.get_by_text(f"{PAIRS} answers of Ann are here.").wait_for()
    ben.keyboard.press("d")
    assert ben.inner_text("#count").startswith("pair 1 of") and ben.inner_text("#others") == "Ann: right"


def test_what_people_accept_becomes_training_steps(folder, anns, tmp_path, capsys):
    """The end of the chain: plan, run killed twice, select, review; then the trainer, on the file that was judged."""
    sample = Sample.read(folder / "review" / "sample.json")
    assert call("review", "report", folder / "review", anns) == 0
    assert "Accepted: the lower bound" in capsys.readouterr().out
    data = folder / "run" / "selected" / "data.jsonl"
    texts = [text for picture in read_pictures(data) for text in picture.descriptions]
    assert {p.text for p in sample.pairs} <= set(texts)
    tiny = pytest.importorskip("tiny", reason="what training needs is not installed (extra `train`)")
    from research.training import __main__ as training
    from research.training import prepare

    models = tiny.models(tmp_path)
    cache = ("--data", data, "--cache", tmp_path / "cache", "--side", 64)
    named = ("--autoencoder", models / "vae", "--text-encoder", models / "t5", "--device", "cpu")
    assert prepare.main([str(a) for a in (*cache, "--pictures", folder / "world" / "pictures", *named)]) == 0
    steps = ("--steps", 2, "--batch", 2, "--accumulate", 1, "--tokens", 3, "--layers", 1, "--warm-up", 1)
    run = (*cache, "--base", models / "base.safetensors", "--out", tmp_path / "out", *steps)
    assert training.main([str(a) for a in run]) == 0
    assert (tmp_path / "out" / "adapter.safetensors").is_file()


def test_answers_outlive_the_page(folder, person, tmp_path):
    page = person("Ann")
    for key in ("1", "3", "2", "c", "i", "c"):
        page.keyboard.press(key)
    page.reload()
    assert page.input_value("#name") == "Ann" and "3 answered" in page.inner_text("#count")
    assert page.get_attribute("[data-answer=wrong]", "aria-pressed") == "true"
    lines = [json.loads(line) for line in save(page, tmp_path).read_text().splitlines()]
    assert [(found["answer"], found["reasons"]) for found in lines] == [
        ("right", []),
        ("unknown", []),
        ("wrong", ["invented"]),
    ]
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("1")
    page.keyboard.press("n")
    assert page.inner_text("#count").startswith("pair 4 of"), "the next one without an answer"


def test_zoom_shows_one_picture_large(person):
    page = person("Ann")
    small = page.locator("#crop").bounding_box()["width"]
    page.keyboard.press("z")
    assert page.locator("#crop").bounding_box()["width"] > 1.5 * small and page.locator("#whole").is_hidden()
    page.locator("#crop").click()
    assert page.locator("#crop").bounding_box()["width"] == small and page.locator("#whole").is_visible()


def test_nothing_is_answered_without_a_name(person):
    page = person("")
    page.locator("#name").blur()
    page.keyboard.press("1")
    assert "Write your name first" in page.inner_text("#say") and "0 answered" in page.inner_text("#count")


UNFIT = {
    "sample": ({"sample": "other"}, "answers another sample; nothing is taken from it"),
    "pair": ({"pair": "none"}, "has a line that is no answer of this page"),
    "answer": ({"answer": "perhaps"}, "has a line that is no answer of this page"),
    "reviewer": ({"reviewer": ""}, "has a line that is no answer of this page"),
    "cut": (None, "is no file of answers"),
}


def test_files_that_do_not_fit_are_refused_in_the_page(folder, person, tmp_path):
    page = person("Ann")
    sample = Sample.read(folder / "review" / "sample.json")
    line = {
        "sample": sample.hash,
        "reviewer": "Ben",
        "pair": sample.pairs[0].id,
        "answer": "right",
        "reasons": [],
        "at": "2026",
    }

    def load(name, change, said):
        path = tmp_path / f"{name}.jsonl"
        path.write_text("{" if change is None else json.dumps(line | change) + "\n")
        page.set_input_files("#load", path)
        page.get_by_text(said).wait_for()
        assert "0 answered" in page.inner_text("#count")

    for name, (change, said) in UNFIT.items():
        load(name, change, f"{name}.jsonl {said}")
    load("a name", {"reviewer": "__proto__"}, "1 answers of __proto__ are here.")
    assert page.evaluate("Object.keys(Object.prototype).length") == 0


def test_texts_of_a_model_are_text(folder, browser, tmp_path):
    """A description is what a model wrote on somebody's picture: it is shown, never run."""
    import shutil

    page_folder = shutil.copytree(folder / "review", tmp_path / "review")
    script = page_folder / "pairs.js"
    hostile = '<img src=x onerror=\\"document.title=1\\"></script><script>document.title=1</script>'
    script.write_text(re.sub(r'"text": "[^"]*"', lambda _: f'"text": "{hostile}"', script.read_text()))
    page = browser.new_page()
    page.goto((page_folder / "index.html").as_uri())
    assert page.inner_text("#text").startswith("<img src=x") and page.title() == "Descriptions to check"
    page.close()


def test_the_page_is_not_told_scores(folder):
    shown = (folder / "review" / "pairs.js").read_text()
    assert "score" not in shown and "band" not in shown and "weight" not in shown


def test_a_review_is_made_once(folder, capsys):
    assert call("review", "make", folder / "run", folder / "review") == 1
    assert "is there already: a review is made once" in capsys.readouterr().err
    assert call("review", "make", folder / "world", folder / "x") == 1
    assert "has nothing selected" in capsys.readouterr().err
