"""What an exception says, in one line."""

from research.errors import first_line, with_class


def test_the_first_line_or_the_class_where_nothing_is_said():
    assert first_line(ValueError("\n a line\nand more")) == "a line"
    assert first_line(KeyError()) == "KeyError"


def test_a_long_line_is_cut():
    assert with_class(RuntimeError("out of memory\nTried to allocate")) == "RuntimeError: out of memory"
    assert with_class(RuntimeError("x" * 9), most=8) == f"RuntimeError: {'x' * 8}..."
    assert with_class(RuntimeError("x" * 8), most=8) == f"RuntimeError: {'x' * 8}"
