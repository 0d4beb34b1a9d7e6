import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from research.evaluation.layout import Instance, Layout, LayoutError, clamped, read_layouts, write_layouts

CUP = Instance((0.1, 0.2, 0.5, 0.9), "a red cup", "cup", {"level": "L1"})
LAYOUT = Layout("000000000139", "deig", "a red cup", (CUP,), source={"file": "x.json"})


@given(st.lists(st.text(min_size=1).filter(str.strip), min_size=1, max_size=4))
def test_texts_of_any_kind_come_back(tmp_path_factory, texts):
    """A line separator of Unicode inside a text, for one, ends no line."""
    path = tmp_path_factory.mktemp("layouts") / "a.jsonl"
    layouts = [Layout(f"p{i}", "mig", text, (Instance((0, 0, 1, 1), text, text),)) for i, text in enumerate(texts)]
    write_layouts(path, layouts)
    assert read_layouts(path) == layouts


def changed(**values):
    return {**json.loads(LAYOUT.to_json()), **values}


def with_instance(**values):
    return changed(instances=[{**json.loads(LAYOUT.to_json())["instances"][0], **values}])


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ([], "holds no layouts"),
        (["{"], "line 1 cannot be read"),
        ([[1]], "line 1 cannot be read"),
        ([changed(version=2)], "version 2"),
        ([{k: v for k, v in changed().items() if k != "prompt"}], "has no 'prompt'"),
        ([changed(id="../139")], "cannot name a picture"),
        ([changed(id="")], "id is ''"),
        ([changed(width=512.5)], "width is 512.5"),
        ([changed(height=True)], "height is True"),
        ([changed(instances=[])], "has 0 instances"),
        ([changed(instances=changed()["instances"] * 31)], "has 31 instances; 1 to 30"),
        ([changed(instances=["x"])], "cannot be read"),
        ([changed(source=["x"])], "source is"),
        ([with_instance(noun=" ")], "instance 1: noun"),
        ([with_instance(tags={"level": 1})], "instance 1: tags"),
        ([with_instance(box=[0.1, 0.2, 0.1, 0.9])], "instance 1: box [0.1, 0.2, 0.1, 0.9] is empty"),
        ([with_instance(box=[0.1, 0.2, 1.1, 0.9])], "leaves the picture"),
        ([with_instance(box=[0.1, 0.2, float("nan"), 0.9])], "is no box"),
        ([with_instance(box=[0.1, 0.2, "0.5", 0.9])], "is no box"),
        ([with_instance(box="0123")], "is no box"),
        ([changed(), changed()], "line 2: the id '000000000139' is there twice"),
        ([changed(), changed(id="b", benchmark="mig")], "mixes the benchmarks deig, mig"),
    ],
)
def test_what_cannot_be_used_is_named(tmp_path, lines, said):
    path = tmp_path / "a.jsonl"
    path.write_text("\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines))
    with pytest.raises(LayoutError) as error:
        read_layouts(path)
    assert said in str(error.value)


def test_no_file_and_no_text(tmp_path):
    (tmp_path / "picture.jsonl").write_bytes(b"\xff\xd8\xff")
    for name in ("none.jsonl", "picture.jsonl"):
        with pytest.raises(LayoutError, match="cannot be read"):
            read_layouts(tmp_path / name)


def test_rounding_is_clamped_and_more_is_refused():
    assert clamped((-0.004, 0, 0.5, 1.009), "x") == (0, 0, 0.5, 1)
    for box in ((-0.02, 0, 0.5, 1), (0.5, 0, 0.5, 1), (1.001, 0, 1.002, 1)):
        with pytest.raises(LayoutError):
            clamped(box, "x")
