"""Where in the picture each row of a UNet call is: areas, windows, tiles and parts that are sampled by themselves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from ...deig_core.call import RowGroup
from ...deig_core.errors import DeigError
from ...deig_core.layout.coordinates import WHOLE, Place
from ...deig_core.layout.masks import Size
from ...deig_core.layout.window import Window
from ...deig_core.regions.document import Box
from .conditioning import DeigCond
from .keys import LATENT, PLACES, TILES, animated_rows, context_window

TILED = (
    "DEIG cannot place its regions: the picture's latent is {} x {} cells and another node has the model denoise "
    "{} x {} of them (tiles, context windows or the like), each of which would show all regions: {}"
)
FOLLOW = (
    "put DEIG Follow Tiles between DEIG Encode and the sampler, or make the large picture in a second KSampler pass."
)
UNCUT = (
    "that node does not cut ControlNets, so that DEIG Follow Tiles cannot help; remove it, or cut the picture yourself "
    "and encode each part with Crop DEIG Regions."
)
ROWS = (
    "Another node (tiles, context windows or the like) changed the batch from {} to {} images inside the model, so "
    "DEIG cannot tell its regions apart: put DEIG Follow Tiles between DEIG Encode and the sampler, or remove that "
    "node."
)
PIECES = (
    "Another node has the model denoise rows or columns of the picture that do not lie beside each other (context "
    "stride, closed loop, shifted tiles of a tile), where DEIG cannot place its regions: choose stride 1 and no closed "
    "loop, or use one of the nodes alone."
)


def host_window(options: Mapping[str, Any], size: Size) -> Window | None:
    """The part of the run's latent that the host is about to denoise in one piece: all of it, or a context window over
    its rows or columns of this (height, width). None without regions.
    """
    latent, context = options.get(LATENT), context_window(options)
    axis = getattr(context, "dim", 0) - 2
    if latent is None or size == latent or axis not in (0, 1):
        return latent and Window.whole(latent)
    places = _indices(context)
    if places != list(range(places[0], places[0] + len(places))):
        raise DeigError(PIECES)
    offset, part = [0, 0], list(latent)
    offset[axis], part[axis] = places[0], len(places)
    return Window(latent, tuple(offset), tuple(part))


def check_uncut(options: Mapping[str, Any], x: torch.Tensor) -> None:
    """Raise DeigError if x [rows, C, h, w] is not what the host would denoise in one piece."""
    size = tuple(x.shape[-2:])
    expected = host_window(options, size)
    if expected is not None and size != expected.size:
        raise _tiled(expected.size, size, options)


def row_groups(deig: Sequence[DeigCond] | None, x: torch.Tensor, options: Mapping[str, Any]) -> list[RowGroup]:
    """The rows of x [rows, C, h, w] with what they say and where they are; `deig` in the order of the rows, which
    another node may have repeated for each tile of a batch of them.

    Raises DeigError for rows whose place in the picture is not known.
    """
    rows, size = x.shape[0], tuple(x.shape[-2:])
    if deig is None:
        return [RowGroup(rows, None, Window.whole(size))]
    tiles: list[Place] | None = options.get(TILES)
    batch = sum(cond.rows for cond in deig)
    if rows % batch or (rows != batch and len(tiles or ()) != rows) or len(tiles or [WHOLE]) not in (1, rows):
        raise DeigError(ROWS.format(batch, rows))
    places: Sequence[Place] = options.get(PLACES, ())
    groups, row = [], 0
    for _ in range(rows // batch):
        for cond in deig:
            tile = None if tiles is None else _same(tiles if len(tiles) == 1 else tiles[row : row + cond.rows])
            window, of_run = _window(cond, tile, size, options), _of_run(cond, places, options)
            placed, frames = _in_picture(places, of_run, window), _frames(cond, places, of_run)
            groups.append(RowGroup(cond.rows, cond.text, window, placed, frames))
            row += cond.rows
    return groups


def _window(cond: DeigCond, tile: Place | None, size: Size, options: Mapping[str, Any]) -> Window:
    """The part of the run's latent that rows of `size` cells are: a tile of an area of a context window."""
    latent = options.get(LATENT)
    if latent is None:
        return Window.whole(size)
    whole = host_window(options, latent if tile is not None and cond.area is None else size)
    if cond.area is not None:
        height, width, top, left = cond.area
        whole = Window(whole.size, (top, left), (height, width)).inside(whole)
    if tile is None:
        if size != whole.size:
            raise _tiled(whole.size, size, options)
        return whole
    # Tools that cut inside a run cut whole cells of what the host gave, and do not resize them. For an area they spread
    # the whole map over it, or, as the host does with hints, the middle that has the area's proportions.
    for box in (tile.box, _of_middle(tile.box, latent, whole.size)):
        cut = Window.of_box(box, size)
        if tuple(round(side) for side in cut.full) == whole.size:
            return Window(whole.size, tuple(round(side) for side in cut.offset), size, tile.wraps).inside(whole)
    raise _tiled(whole.size, size, options)


def _of_middle(box: Box, outer: Size, inner: Size) -> Box:
    """`box`, in fractions of outer, in fractions of the largest part in its middle that has inner's proportions."""
    scale = min(a / b for a, b in zip(outer, inner, strict=True))
    height, width = (b * scale / a for a, b in zip(outer, inner, strict=True))
    return tuple((c - (1 - part) / 2) / part for c, part in zip(box, (width, height) * 2, strict=True))


def _of_run(cond: DeigCond, places: Sequence[Place], options: Mapping[str, Any]) -> Sequence[int]:
    """Which of the run's pictures each of an entry's rows is, where they differ in what they show."""
    rows = range(cond.rows)
    if cond.text.layout.moves or len(set(places)) > 1:
        context = context_window(options)
        of_window = _indices(context) if getattr(context, "dim", None) == 0 else None
        rows = animated_rows(options) or of_window or rows
    if len(rows) != cond.rows:
        raise DeigError(ROWS.format(len(rows), cond.rows))
    if places and isinstance(rows, range) and len(rows) % len(places):
        raise DeigError(ROWS.format(len(places), len(rows)))
    return rows


def _in_picture(places: Sequence[Place], of_run: Sequence[int], window: Window) -> tuple[Window, ...]:
    """Where in the picture a window of the run's latent is, for each of these of its pictures or for all alike."""
    if not places:
        return ()
    if window.wraps or any(place.wraps for place in places):
        raise DeigError(PIECES)
    found = [window.inside(Window.of_box(place.box, window.full)) for place in places]
    return (found[0],) if len(set(places)) == 1 else tuple(found[i % len(places)] for i in of_run)


def _frames(cond: DeigCond, places: Sequence[Place], of_run: Sequence[int]) -> tuple[int, ...]:
    """Which frame each of an entry's rows is, where its regions move: the picture's number in the run's batch; of
    several parts of a picture, how many before it show the same part.
    """
    if not cond.text.layout.moves:
        return ()
    if len(set(places)) < 2:
        return tuple(of_run)
    parts = [places[i % len(places)] for i in range(max(of_run) + 1)]
    return tuple(parts[:i].count(parts[i]) for i in of_run)


def _indices(context: Any) -> list[int]:
    """The rows, columns or frames of the host's context window, in their order."""
    # Newer hosts add what lies before a window, and drop it after.
    before = getattr(context, "causal_anchor_index", None)
    return [*([] if before is None or before < 0 else [before]), *context.index_list]


def _same(tiles: Sequence[Place]) -> Place:
    if any(tile != tiles[0] for tile in tiles):
        raise DeigError(ROWS.format(1, len(tiles)))
    return tiles[0]


def _tiled(whole: Size, size: Size, options: Mapping[str, Any]) -> DeigError:
    return DeigError(TILED.format(*whole[::-1], *size[::-1], UNCUT if PLACES in options else FOLLOW))
