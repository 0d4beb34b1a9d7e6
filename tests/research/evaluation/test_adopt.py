"""Pictures under the names that MIGC's runner gives them."""

import pytest

from deig_core.errors import DeigError
from research.evaluation.__main__ import main
from research.evaluation.adopt import adopt
from research.evaluation.layout import Instance, Layout, write_layouts

CUP = (Instance((0, 0, 1, 1), "a red cup", "cup"),)
LAYOUTS = [
    Layout("0", "mig", "a photo of a red cup", CUP, source={"coco": "139"}),
    Layout("1", "mig", "a photo of a red cup", CUP, source={"coco": "285"}),
    Layout("2", "mig", "a_1_2", CUP, source={"coco": "285"}),
]


def draw(folder, *names):
    folder.mkdir()
    for name in names:
        (folder / name).write_bytes(name.encode())
    return folder


def test_pictures_come_under_their_layouts_names_by_prompt_and_coco_id(tmp_path, capsys):
    write_layouts(tmp_path / "mig.jsonl", LAYOUTS)
    red = "a photo of a red cup"
    kept = [f"{red}_420_139.png", f"{red}_421_139.png", f"{red}_420_285.png", "a_1_2_420_285.png"]
    source = draw(tmp_path / "MIGC", *kept, f"anno_{red}_420_139.png", "holiday.png", f"{red}_420_7.png")
    assert main(["adopt", str(tmp_path / "mig.jsonl"), str(source), str(tmp_path / "out")]) == 0
    found = {str(p.relative_to(tmp_path / "out")): p.read_text() for p in (tmp_path / "out").rglob("*.png")}
    assert found == dict(zip(("420/0.png", "421/0.png", "420/1.png", "420/2.png"), kept, strict=True))
    said = capsys.readouterr().out
    assert "420: pictures of 3 of 3 layouts" in said and "421: pictures of 1 of 3 layouts" in said
    assert "2 pictures in" in said and "belong to no layout" in said


def test_what_cannot_be_told_apart_or_lies_there_already_is_refused(tmp_path):
    twins = [LAYOUTS[0], Layout("9", "mig", LAYOUTS[0].prompt, CUP, source={"coco": "139"})]
    source = draw(tmp_path / "MIGC", "a photo of a red cup_420_139.png")
    for layouts, folder, target, said in (
        (twins, source, "a", "is the picture of layouts 0 and 9"),
        (LAYOUTS[1:], source, "a", "None of the 1 pictures in"),
        (LAYOUTS, tmp_path / "none", "a", "is no folder"),
        (LAYOUTS, source, "MIGC", "is not empty: name a new folder"),
    ):
        with pytest.raises(DeigError, match=said):
            adopt(layouts, folder, tmp_path / target)
    (source / "a photo of a red cup_420_0139.png").write_bytes(b"")
    with pytest.raises(DeigError, match="are both of layout 0: remove one"):
        adopt(LAYOUTS, source, tmp_path / "a")
    assert not (tmp_path / "a").exists()
