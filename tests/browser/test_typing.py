"""Draw, then type: letters after drawing are the new box's text, letters over the editor never the page's shortcuts."""

import string

from hands import document

LISTEN = """() => {
    window.deigKeys = [];
    window.addEventListener("keydown", (event) => {
        if (!event.target.closest("input, textarea")) window.deigKeys.push(event.key);
    });
}"""


def texts(hands):
    return [region["description"] for region in hands.regions()]


def test_letters_after_drawing_are_the_boxs_text(hands):
    hands.start(document([]))
    words = ["a white lion", "hnbvlf by the lake"]
    for i, text in enumerate(words):
        hands.drag((0.1 + 0.4 * i, 0.1), (0.4 + 0.4 * i, 0.6))
        hands.page.keyboard.type(text)
    assert texts(hands) == words
    assert hands.page.locator(".deig-row.open textarea").first.input_value() == words[1]
    hands.keys("Enter", "h")
    assert [region["enabled"] for region in hands.regions()] == [True, False], "after Enter letters are commands"
    assert texts(hands) == words


def test_until_something_is_typed_other_keys_are_the_boxs(hands):
    hands.start(document([]))
    hands.drag((0.1, 0.1), (0.4, 0.6))
    before = hands.pixels()
    hands.keys("ArrowRight")
    assert hands.pixels()[0] == before[0] + 1
    hands.drag((0.5, 0.1), (0.8, 0.6))
    hands.keys("Delete")
    assert len(hands.regions()) == 1
    hands.drag((0.5, 0.1), (0.8, 0.6))
    hands.page.keyboard.type("ab")
    hands.keys("ArrowLeft", "Delete")
    assert texts(hands) == ["", "a"]


def test_typing_in_a_box_is_one_step_and_a_text_can_be_edited_there(hands):
    hands.start(document())
    hands.page.mouse.dblclick(*hands.at(0.2, 0.2))
    area = hands.page.locator(".deig-write:visible")
    assert area.input_value() == document()["regions"][0]["description"]
    hands.keys("End")
    hands.page.keyboard.type(", smiling", delay=5)
    hands.keys("Escape")
    assert not area.count()
    assert texts(hands)[0].endswith("stripes, smiling")
    hands.undo()
    assert hands.document() == document()


def test_a_letter_over_a_box_with_a_text_says_what_it_did_and_can_be_undone(hands):
    hands.start(document())
    hands.click(0.2, 0.2)
    for letter, said in (("h", "Left out: 1."), ("l", "Locked: 1."), ("l", "Unlocked: 1."), ("w", "commands here")):
        hands.keys(letter)
        assert said in hands.message()
    hands.undo()
    hands.undo()
    hands.undo()
    assert hands.document() == document()
    assert hands.message() == ""


def test_no_letter_reaches_the_page(hands):
    hands.start(document())
    hands.page.evaluate(LISTEN)
    letters = [*string.ascii_lowercase.replace("f", ""), *"0123456789.,;-#?", "Shift+Q", "Delete", "Backspace"]
    hands.click(0.2, 0.2)
    for letter in letters:
        hands.page.keyboard.press(letter)
    hands.keys("Escape")
    hands.button("Snap").click()
    for letter in letters:
        hands.page.keyboard.press(letter)
    assert set(hands.page.evaluate("deigKeys")) <= {"Shift"}
    hands.keys("Escape")
    hands.stage().focus()
    hands.keys("F9")
    assert "F9" in hands.page.evaluate("deigKeys"), "what is meant for the page arrives there"
