"""Layouts and evidence made by hand."""

from research.evaluation.evidence import Record, Subject
from research.evaluation.layout import Instance, Layout
from research.evaluation.pictures import Found

LEFT, RIGHT = (0.0, 0.0, 0.5, 1.0), (0.5, 0.0, 1.0, 1.0)
SHA1 = "1f"
THERE, MISSING = Found("x.png", SHA1), Found(None, problem="the picture is missing")


def layout(*boxes, id="a", benchmark="deig", noun="cup", **tags):
    return Layout(id, benchmark, "cups", tuple(Instance(box, f"a red {noun}", noun, tags) for box in boxes))


def boxes(*found):
    """found: (x0, y0, x1, y1, score)."""
    return {"boxes": [list(f) for f in found]}


def records(words, of):
    """A record of each kind for each instance of the layout `of`; words: {kind: [value, or a text: the error]}."""
    return [
        {kind: record(of, index, values[index]) for kind, values in words.items()} for index in range(len(of.instances))
    ]


def record(of, index, word, sha1=SHA1):
    subject = Subject.of(of, index, sha1)
    return Record(subject, error=word) if isinstance(word, str) else Record(subject, word)
