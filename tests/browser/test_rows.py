"""Nothing silent: what a region has set, and what will not become of it what was meant, stands in its row."""

import json

import pytest
from hands import REGIONS, document

ROW = {**REGIONS[0], "description": "a cat", "box": [0.1, 0.1, 0.5, 0.5]}


def row(**more):
    return {**ROW, "id": str(sorted(more.items())), **more}


def notes(hands, index=0):
    return hands.page.locator(".deig-row").nth(index).locator(".deig-note").all_inner_texts()


def test_strength_and_negative_are_seen_without_opening_a_row(hands):
    hands.start(document([row(strength=0.3, negative="a hat"), row(box=[0.5, 0.5, 0.9, 0.9])]))
    assert notes(hands) == ["× 0.3", "not: a hat"]
    assert notes(hands, 1) == []


def test_a_region_is_there_in_a_part_of_the_schedule_with_a_strength_that_changes(hands):
    hands.start(document([row()]))
    hands.click(0.3, 0.3)
    hands.capture()

    def write(label, value, index=0):
        field = hands.page.locator(f"[aria-label^='{label}']:visible").nth(index)
        field.fill(str(value))
        field.press("Enter")
        hands.pause()

    until, at = "It is there until", "At this share"
    write("It is there from", 0.2)
    write(until, 0.6)
    assert [hands.regions()[0][key] for key in ("start", "end")] == [0.2, 0.6] and notes(hands) == ["from 0.2 to 0.6"]
    write(until, 0.1)
    assert "before its end" in hands.message() and hands.button(until).input_value() == "0.6"
    write(until, 1)
    assert "end" not in hands.regions()[0]
    hands.undo()
    assert hands.regions()[0]["end"] == 0.6
    for _ in range(2):
        hands.button("Add a key").click()
    hands.pause()
    assert hands.regions()[0]["strengths"] == [{"at": at, "strength": 1} for at in (0, 0.5, 1)]
    write("Strength", 0.2, 1)
    write(at, 0.4, 1)
    write(at, 0.4, 2)
    assert "0.4 already" in hands.message() and notes(hands) == ["× 0.2 to 1", "from 0.2 to 0.6"]
    keys = hands.regions()[0]["strengths"]
    assert keys == [{"at": 0, "strength": 1}, {"at": 0.4, "strength": 0.2}, {"at": 1, "strength": 1}]
    hands.button("Remove this key").click()
    hands.undo()
    assert hands.regions()[0]["strengths"] == keys
    for _ in range(2):
        hands.page.locator("[aria-label='Remove this key']:visible").last.click()
    assert "strengths" not in hands.regions()[0] and hands.regions()[0]["strength"] == 1


def test_what_is_typed_into_a_number_field_stays_whatever_is_drawn_meanwhile(hands):
    """Counts of tokens, a picture's size and other nodes' answers come when they come."""
    hands.start(document([row()], 640, 512))
    hands.click(0.3, 0.3)
    fields = {"It is there from": "0.2", "It is there until": "0.8", "Strength": "0.5", "X": "32", "Width in": "1280"}
    for i, (label, typed) in enumerate(fields.items()):
        field = hands.page.locator(f"[type=number][aria-label^='{label}']:visible")
        field.fill(typed)
        changed = hands.document()
        changed["regions"][0]["description"] = f"a cat, {i}"
        hands.page.evaluate("(text) => { app.graph.getNodeById(1).widgets[0].value = text }", json.dumps(changed))
        assert field.input_value() == typed
        field.press("Enter")
        hands.pause()
    (region,) = hands.regions()
    assert (region["start"], region["end"], region["strength"]) == (0.2, 0.8, 0.5)
    assert region["description"] == "a cat, 4" and hands.pixels()[0] == 64 and hands.document()["width"] == 1280
    field = hands.page.locator("[type=number][aria-label='Strength']:visible")
    field.fill("-3")
    field.press("Enter")
    assert field.input_value() == "0", "what was taken over is shown as it is"


@pytest.mark.parametrize(
    ("region", "note"),
    [
        ({"description": ""}, "no text"),
        ({"description": "cat " * 200}, "cut"),
        ({"box": [0.1, 0.1, 0.1 + 6 / 768, 0.9]}, "tiny"),
        ({"box": [0.1, 0.1, 0.9, 0.1 + 12 / 512]}, "small"),
    ],
)
def test_what_will_not_be_as_it_was_meant(hands, region, note):
    hands.start(document([row(**region)]))
    # The text encoder's own count takes the question mark away.
    assert [text.rstrip("?") for text in notes(hands)] == [note]
    mark = hands.page.locator(".deig-note.warns")
    assert len(mark.get_attribute("title").split()) > 3, "in words"


def test_boxes_in_the_same_place(hands):
    hands.start(document([row(), row(box=[0.11, 0.1, 0.5, 0.5]), row(box=[0.6, 0.1, 0.9, 0.5])]))
    assert [notes(hands, i) for i in range(3)] == [["same place as 2"], ["same place as 1"], []]
    hands.click(0.3, 0.3)
    hands.drag((0.3, 0.3), (0.4, 0.75))
    assert [notes(hands, i) for i in range(3)] == [[], [], []]


def test_the_text_encoder_itself_counts(hands):
    asked = []

    def answer(route):
        asked.extend(route.request.post_data_json["texts"])
        found = [{"tokens": 130, "unknown": 2, "lost": ["猫"], "marks": []}] * len(
            route.request.post_data_json["texts"]
        )
        route.fulfill(status=200, content_type="application/json", body=json.dumps({"texts": found}))

    hands.page.route("**/deig/texts", answer)
    try:
        hands.start(document([row(description="two cats 猫")]))
        hands.page.locator(".deig-note", has_text="2 unknown").wait_for()
        assert notes(hands) == ["cut", "2 unknown"]
        assert "two cats 猫" in asked
        hands.click(0.3, 0.3)
        assert "130 of 128 tokens" in hands.page.locator(".deig-count").inner_text()
    finally:
        hands.page.unroute("**/deig/texts")


def test_a_document_without_colours_gets_them(hands):
    bare = [{"id": f"r{i}", "box": [0.1 + 0.3 * i, 0.1, 0.3 + 0.3 * i, 0.9], "description": "a cat"} for i in range(3)]
    hands.start(document(bare))
    colours = hands.page.locator(".deig-box").evaluate_all("(all) => all.map((b) => getComputedStyle(b).borderColor)")
    assert len(set(colours)) == 3
    assert hands.document() == document(bare), "nothing is written before something is edited"


def test_texts_in_the_boxes_are_all_or_those_chosen_or_none_and_words_stay_whole(hands):
    hands.start(document([row(box=[0.1, 0.1, 0.16, 0.9], description="a red mailbox"), row(box=[0.5, 0.1, 0.9, 0.9])]))
    longest = hands.page.locator(".deig-box span").first.evaluate(
        """(span) => {
            const range = document.createRange();
            const at = span.textContent.indexOf("mailbox");
            range.setStart(span.firstChild, at);
            range.setEnd(span.firstChild, at + 7);
            return range.getClientRects().length;
        }"""
    )
    assert longest == 1
    hands.button("Background picture").click()
    choice = hands.page.locator(".deig-pop:visible select").nth(1)
    seen = hands.page.locator(".deig-box span:visible")
    for labels, count in (("none", 0), ("chosen", 0), ("all", 2)):
        choice.select_option(labels)
        assert seen.count() == count
    choice.select_option("chosen")
    hands.keys("Escape")
    hands.click(0.7, 0.7)
    assert seen.all_inner_texts() == ["a cat"]


def test_a_size_that_the_latent_cannot_have_is_rounded_with_a_word(hands):
    hands.start(document())
    hands.page.locator(".deig-size input").first.fill("770")
    hands.keys("Enter")
    assert hands.document()["width"] == 768
    assert "770" in hands.message() and "768" in hands.message()


def test_texts_are_kept_for_other_workflows(hands):
    hands.start(document([row(description="a red hoodie"), row(box=[0.5, 0.1, 0.9, 0.9], description="")]))
    kept = hands.page.locator(".deig-row.open .deig-kept")
    hands.click(0.3, 0.3)
    kept.select_option("keep")
    hands.click(0.7, 0.7)
    kept.focus()
    kept.select_option(label="a red hoodie")
    assert [region["description"] for region in hands.regions()] == ["a red hoodie"] * 2
    kept.select_option("forget")
    assert kept.locator("option").count() == 2


def test_the_front_box_can_own_what_boxes_share_and_one_can_lie_behind(hands):
    hands.start(document([row(), row(box=[0.11, 0.1, 0.5, 0.5])]))
    hands.button("Arrange").click()
    choice = hands.page.get_by_label("What boxes share")
    assert choice.input_value() == "shared" and "overlap" not in hands.document()
    choice.select_option("front")
    assert hands.document()["overlap"] == "front" and notes(hands) == []
    hands.keys("Escape")
    hands.undo()
    assert choice.input_value() == "shared" and notes(hands) == ["same place as 2"]
    hands.click(0.105, 0.3)
    hands.button("Behind all others").click()
    assert hands.regions()[0]["behind"] is True and notes(hands)[0] == "behind"
    hands.button("Behind all others").click()
    assert "behind" not in hands.regions()[0]


def test_a_region_that_moves_says_so_shows_where_and_takes_its_keyframes_along(hands):
    keys = [{"frame": 0, "box": [0.1, 0.1, 0.5, 0.5]}, {"frame": 15, "box": [0.7, 0.5, 1.2, 0.9]}]
    hands.start(document([row(keyframes=keys)]))
    hands.plain()
    assert notes(hands) == ["moves"]
    outlines = hands.page.locator(".deig-key:visible")
    assert outlines.count() == 0, "of chosen regions alone"
    hands.drag((0.3, 0.3), (0.4, 0.4))
    assert outlines.all_inner_texts() == ["0", "15"]
    (region,) = hands.regions()
    by = [after - before for after, before in zip(region["box"], ROW["box"], strict=True)]
    assert by == pytest.approx([0.1] * 4, abs=0.01)
    for key, before in zip(region["keyframes"], keys, strict=True):
        assert [a - b for a, b in zip(key["box"], before["box"], strict=True)] == pytest.approx(by, abs=1e-5)
    hands.button("Paint").click()
    hands.drag((0.4, 0.4), (0.5, 0.5))
    assert "keyframes" in hands.message() and "mask" not in hands.regions()[0]
    hands.button("Draw boxes").click()
