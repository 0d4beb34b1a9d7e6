"""Every text of every node is said in seven languages, and what is said is of today."""

from pathlib import Path

import pytest

from tools import locales

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "locales"
RUN = "run `python dev.py locales` and translate what it names"


@pytest.fixture(scope="module")
def english(host_nodes):
    nodes = host_nodes.NODE_CLASS_MAPPINGS
    info = {i: cls.GET_NODE_INFO_V1() for i, cls in nodes.items() if getattr(cls, "CATEGORY", "").startswith("DEIG")}
    return locales.english(info)


def test_the_english_source_is_what_the_nodes_say(english):
    assert locales.read(FOLDER, "en") == english, RUN


def test_no_text_is_an_order_to_the_pages_translator(english):
    assert [text for text in english.values() if locales.SYNTAX & set(text)] == []


@pytest.mark.parametrize("language", locales.LANGUAGES)
def test_a_language_says_everything_and_nothing_else(english, language):
    assert locales.wrong(english, locales.read(FOLDER, language)) == [], RUN


@pytest.mark.parametrize("language", ["zh", "ja", "ko"])
def test_sentences_are_written_in_the_languages_own_letters(english, language):
    translated = locales.read(FOLDER, language)
    plain = [path for path, text in translated.items() if " " in english[path] and text.isascii()]
    assert plain == []


@pytest.mark.parametrize("language", ["zh", "ja"])
def test_every_help_page_is_there_and_names_what_the_node_has(english, language):
    """Inputs are named by their ids, as in a workflow, and the title is the node's."""
    ids = {path.split("/")[0] for path in english}
    titles = locales.read(FOLDER, language)
    for node_id in ids:
        page = (ROOT / "web" / "docs" / node_id / f"{language}.md").read_text(encoding="utf-8")
        assert page.startswith(f"# {titles[f'{node_id}/display_name']}\n"), node_id
        inputs = {path.split("/")[2] for path in english if path.startswith(f"{node_id}/inputs/")}
        assert [name for name in inputs if f"**{name}**" not in page] == [], node_id


def test_an_update_keeps_what_fits_drops_what_changed_and_names_what_is_new(tmp_path):
    before = {"N/display_name": "Load", "N/inputs/a/tooltip": "Old words.", "N/inputs/b/options/1/2": "half"}
    locales.write(tmp_path, "en", before)
    locales.write(tmp_path, "de", {**dict.fromkeys(before, "x"), "N/inputs/gone/name": "weg"})
    now = {**before, "N/inputs/a/tooltip": "New words.", "N/outputs/0/tooltip": "For it."}
    missing = locales.update(tmp_path, now)
    assert locales.read(tmp_path, "en") == now
    assert locales.read(tmp_path, "de") == {"N/display_name": "x", "N/inputs/b/options/1/2": "x"}
    assert missing["de"] == {"N/inputs/a/tooltip": "New words.", "N/outputs/0/tooltip": "For it."}
    assert locales.wrong(now, {**now, "N/more": "y", "N/display_name": "{a}"}) == [
        "N/display_name has one of @{|}, which the page's translator would read: {a}",
        "N/inputs/a/tooltip is still English: New words.",
        "N/outputs/0/tooltip is still English: For it.",
        "N/more is no text of the nodes any more",
    ]
