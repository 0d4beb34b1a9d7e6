"""Pictures on their way to a model, yes and no, and the engine that a command's options name."""

import argparse
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from deig_core.errors import DeigError
from research.engines import choose
from research.engines.contract import fitted
from research.engines.yes_no import p_yes, says_yes


@pytest.mark.parametrize(
    ("text", "yes"),
    [
        ("yes", True),
        ("Yes.", True),
        ("**YES**", True),
        ("\n yes, it is", True),
        ("no", False),
        ("No, it is yes-coloured", False),
        ('"No."', False),
        ("", None),
        ("...", None),
        ("yesterday", None),
        ("not yes", None),
        ("是的", None),
        ("I cannot help with that.", None),
    ],
)
def test_the_first_word_decides(text, yes):
    assert says_yes(text) is yes


@given(st.lists(st.tuples(st.sampled_from(["Yes", " no", "NO", "yes", "y", ""]), st.floats(-30, 0))))
def test_p_yes_is_a_share_of_both_words(alternatives):
    share = {w: sum(math.exp(p) for t, p in alternatives if t.strip().lower() == w) for w in ("yes", "no")}
    found = p_yes(alternatives)
    assert (found is None) == (share["yes"] + share["no"] == 0)
    if found is not None:
        assert found == pytest.approx(share["yes"] / (share["yes"] + share["no"]))
        assert found + p_yes(
            [({"yes": "no", "no": "yes"}.get(t.strip().lower(), t), p) for t, p in alternatives]
        ) == pytest.approx(1)


@given(st.integers(1, 3000), st.integers(1, 3000), st.integers(784, 2_000_000))
def test_a_picture_keeps_within_its_budget_and_its_shape(width, height, pixels):
    found = fitted(Image.new("1", (width, height)), pixels)
    assert found.mode == "RGB" and (found.size == (width, height) if width * height <= pixels else True)
    assert found.width * found.height <= pixels or 1 in found.size
    if min(found.size) > 20:
        assert found.width / found.height == pytest.approx(width / height, rel=0.1)


@pytest.mark.parametrize("mode", ["L", "P", "CMYK", "RGBA", "LA", "I;16"])
def test_every_kind_of_file_becomes_rgb(mode):
    assert fitted(Image.new(mode, (4, 4)), 16).mode == "RGB"


def test_what_is_transparent_is_white():
    assert fitted(Image.new("RGBA", (2, 2), (0, 0, 0, 0)), 4).getpixel((0, 0)) == (255, 255, 255)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--endpoint", "http://h/v1"], "--endpoint needs --model"),
        (["--oracle", "--in-flight", "0"], "--in-flight 0 is too few"),
        (["--oracle", "--more", "[1]"], "--more must be a JSON object"),
        (["--transformers", "nowhere"], r"nowhere holds no config\.json"),
        (["--vllm", "nowhere"], "vLLM cannot be loaded"),
    ],
)
def test_options_that_name_no_engine_are_refused(arguments, said):
    parser = argparse.ArgumentParser()
    choose.add_arguments(parser)
    with pytest.raises(DeigError, match=said):
        choose.from_arguments(parser.parse_args(arguments))
