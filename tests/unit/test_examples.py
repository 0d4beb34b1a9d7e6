"""The examples run as their first lines say, and what they show is right."""

import json
import runpy
import sys

import numpy as np
import pytest
from PIL import Image

from deig_core.checkpoint.read import read_tensors
from deig_core.demo.files import ADAPTER, WEIGHTS

WIDENED = {1: 0, 2: 0, 4: 1, 8: 2}
COLORS = ("#e6194b", "#3cb44b", "#4363d8")
HANGING = {
    "version": 1,
    "width": 328,
    "height": 200,
    "regions": [{"box": [0.1, 0.3, 0.5, 0.7]}, {"box": [0.45, 0.05, 0.95, 0.6]}],
}


def run(example, *arguments, monkeypatch):
    """Run it as a program; its names are returned."""
    monkeypatch.setattr(sys, "argv", [example, *map(str, arguments)])
    return runpy.run_module(f"examples.{example}", run_name="__main__")


def owners(layout, factor):
    """Whether each region owns each cell, bool [R, h, w]: from every pixel of its box, one widening after the other."""
    side = 8 * factor
    rows, columns = (-(-layout[name] // side) for name in ("height", "width"))
    owned = np.zeros((len(layout["regions"]), rows, columns), bool)
    for cells, region in zip(owned, layout["regions"], strict=True):
        sides = [layout["width"], layout["height"]] * 2
        x0, y0, x1, y1 = (round(c * n) for c, n in zip(region["box"], sides, strict=True))
        for y in range(y0, y1):
            cells[y // side, x0 // side : (x1 - 1) // side + 1] = True
        for _ in range(WIDENED[factor]):
            padded = np.pad(cells, 1)
            cells[:] = np.lib.stride_tricks.sliding_window_view(padded, (3, 3)).any((2, 3))
    return owned


@pytest.mark.parametrize("layout", [None, HANGING], ids=["its own layout", "last cells that hang over the edge"])
def test_masks_draws_every_cell_in_the_colours_of_its_owners(layout, tmp_path, monkeypatch):
    (tmp_path / "regions.json").write_text(json.dumps(layout), encoding="utf-8")
    source = [tmp_path / "regions.json"] if layout else []
    names = run("masks", tmp_path / "masks.png", *source, monkeypatch=monkeypatch)
    layout, zoom, gap = layout or names["LAYOUT"], names["ZOOM"], names["GAP"]
    drawn, left = np.asarray(Image.open(tmp_path / "masks.png")), gap
    palette = [[int(color[i : i + 2], 16) for i in (1, 3, 5)] for color in COLORS]
    for factor in WIDENED:
        owned, side = owners(layout, factor), zoom * factor
        rows, columns = owned.shape[1:]
        panel = drawn[gap : gap + rows * side, left : left + columns * side].reshape(rows, side, columns, side, 3)
        for row, column in np.ndindex(rows, columns):
            mine = [color for color, has in zip(palette, owned[:, row, column], strict=False) if has]
            expected = np.mean(mine, axis=0).astype(np.uint8) if mine else np.full(3, 255)
            # Beside the lines of the grid, and beside those of a box where one crosses the cell.
            inside = panel[row, 1:, column, 1:].reshape(-1, 3)
            clear = inside[inside.any(-1)]
            assert len(clear) and (clear == expected).all()
        left += columns * side + gap


def test_read_checkpoint_tells_all_that_the_demos_adapter_holds(monkeypatch, capsys):
    run("read_checkpoint", monkeypatch=monkeypatch)
    rows = [line.rsplit(maxsplit=3) for line in capsys.readouterr().out.splitlines()[1:4]]
    table = {name: numbers for name, *numbers in rows}
    tensors, _ = read_tensors(WEIGHTS / ADAPTER)
    whose = {
        "IDE": lambda k: k.startswith("IDE."),
        "position net": lambda k: k.startswith("position_net."),
        "fusers": lambda k: ".fuser." in k,
    }
    for part, has in whose.items():
        mine = [t for k, t in tensors.items() if has(k)]
        assert table[part] == [str(len(mine)), f"{sum(t.numel() for t in mine):,}", "float16"]
    assert sum(int(row[0]) for row in table.values()) == len(tensors)


def test_read_checkpoint_refuses_what_is_no_weights_file(tmp_path, monkeypatch):
    (tmp_path / "other.safetensors").write_bytes(b"not weights")
    with pytest.raises(SystemExit, match=r"other\.safetensors is a text that begins with 'not weights'"):
        run("read_checkpoint", tmp_path / "other.safetensors", monkeypatch=monkeypatch)


def test_the_demos_adapter_in_a_diffusers_unet(tmp_path, monkeypatch):
    """Two steps are enough to see that the boxes reach the picture: each box differs from the ground beside it."""
    pytest.importorskip("diffusers", reason="diffusers is not installed (extra `train`)")
    made = run_function("attach", tmp_path / "out.png", steps=2)
    assert made.shape == (512, 512, 3)
    corner = made[400:, :100].reshape(-1, 3).mean(0)
    for x0, y0, x1, y1 in ((0.06, 0.1, 0.47, 0.5), (0.5, 0.5, 0.94, 0.94)):
        inside = made[int(y0 * 512) : int(y1 * 512), int(x0 * 512) : int(x1 * 512)].reshape(-1, 3).mean(0)
        assert np.abs(inside - corner).max() > 15


def run_function(example, path, **options):
    runpy.run_module(f"examples.{example}")["main"](str(path), **options)
    return np.asarray(Image.open(path)).astype(float)
