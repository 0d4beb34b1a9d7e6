"""One UNet call: from texts and regions to the cross-attention context and the instances that each fuser sees."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch

from .errors import DeigError
from .layout.layout import Layout
from .layout.masks import Size
from .layout.window import Window
from .model.adapter import DeigAdapter
from .model.extractor import Extractor
from .model.fuser import LevelInstances
from .text.grounded import GroundedText


@dataclass(frozen=True, eq=False)
class RowGroup:
    """Consecutive rows of a UNet call that share one conditioning entry.

    window: the part of the sampler's latent that the rows denoise. in_picture: where that part lies in the picture to
    which the regions belong, one for each row or one for all; () where the latent is the picture. frames: which frame
    each row is; () where all are the first.
    """

    rows: int
    text: GroundedText | None
    window: Window
    in_picture: tuple[Window, ...] = ()
    frames: tuple[int, ...] = ()

    @property
    def parts(self) -> tuple[Window, ...]:
        """What the rows show of the picture: one part for all, or one for each."""
        return self.in_picture or (self.window,)

    def layouts(self, times: Sequence[float] = ()) -> tuple[Layout, ...]:
        """What the rows show of the text's regions: one layout for all, or one for each. times: their timestep, or that
        of each.
        """
        if self.text is None:
            return ()
        layout, parts = self.text.layout, self.parts
        frames = self.frames if self.frames and layout.moves else (0,)
        times = times if times and layout.timed else (None,)
        rows = max(len(parts), len(frames), len(times))
        return tuple(
            layout.at(frames[i % len(frames)]).visible(parts[i % len(parts)], times[i % len(times)])
            for i in range(rows)
        )


@dataclass(frozen=True, eq=False)
class GroundedRows:
    """What a row group became; what its text says is None where it has none. Rows of one timestep and one part of the
    picture share one of it.
    """

    rows: int
    window: Window
    context: torch.Tensor | None = None  # [1 or rows, T, D], None where the rows have no DEIG text
    layouts: tuple[Layout, ...] = ()  # what the rows show of the regions: one for all, or one for each
    tokens: torch.Tensor | None = None  # [1 or rows, R*T, D], those of fewer than R regions padded
    bias: torch.Tensor | None = None  # [1 or rows, R]

    def members(self, grid: Size, device: torch.device) -> torch.Tensor:
        """Membership words int64 [1 or rows, h * w]. Padding has no cell."""
        return torch.cat([layout.members(self.window.size, grid, device) for layout in self.layouts])

    def by_region(self, of_slots: torch.Tensor) -> dict[int, torch.Tensor]:
        """Something of each instance, [rows, R, ...], added up for each region of the text -> [rows, ...]; 0 in rows
        that do not show it.
        """
        found: dict[int, torch.Tensor] = {}
        for row, layout in enumerate(self.layouts):
            rows = slice(None) if len(self.layouts) == 1 else slice(row, row + 1)
            for slot, region in enumerate(layout.indices):
                total = found.setdefault(region, torch.zeros_like(of_slots[:, 0]))
                total[rows] += of_slots[rows, slot]
        return found


class GroundedCall:
    """What the fusers of one UNet call need: instances for whatever grid a block turns out to have."""

    def __init__(self, groups: Sequence[GroundedRows], tokens_per_region: int):
        self.groups = tuple(groups)
        self._tokens_per_region = tokens_per_region
        self._levels: dict[Size, list[LevelInstances]] = {}

    def context(self) -> list[torch.Tensor | None]:
        """Cross-attention context [1 or rows, T, D] of each group."""
        return [group.context for group in self.groups]

    def instances(self, grid: Size, device: torch.device) -> list[LevelInstances]:
        """The instances of each group on a level of `grid` = (h, w) cells."""
        if grid not in self._levels:
            self._levels[grid] = [
                LevelInstances(r.rows)
                if r.tokens is None
                else LevelInstances(r.rows, r.tokens, self._tokens_per_region, r.members(grid, device), r.bias)
                for r in self.groups
            ]
        return self._levels[grid]


def ground(
    extractor: Extractor,
    groups: Sequence[RowGroup],
    timesteps: Sequence[float],
    device: torch.device,
    *,
    instances: bool = True,
    dtype: torch.dtype = torch.float32,
) -> GroundedCall:
    """Prepare one UNet call. timesteps: one for each row of the batch, the rows of the groups in their order.
    instances: False prepares the context alone, for a call whose gates are shut. dtype: of the instance tokens, that of
    the UNet, so that they are cast once and not in every block.

    Regions that no pixel of the window shows are dropped, and nothing is worked out twice for rows that share their
    timestep. No region is padded, except where rows of a group show different numbers of them.
    """
    adapter = extractor.adapter
    starts = [sum(r.rows for r in groups[:i]) for i in range(len(groups))]
    times = [_distinct(timesteps[s : s + r.rows]) for s, r in zip(starts, groups, strict=True)]
    layouts = [group.layouts(ts) if instances else () for group, ts in zip(groups, times, strict=True)]
    _check_widths(adapter, groups)
    said = [
        (*group.text.prompts, *(group.text.descriptions[i] for layout in shown for i in layout.indices))
        if group.text
        else ()
        for group, shown in zip(groups, layouts, strict=True)
    ]
    wanted = {(text.key, t): (text, t) for texts, ts in zip(said, times, strict=True) for text in texts for t in ts}
    found = dict(zip(wanted, extractor(list(wanted.values()), device), strict=True)) if wanted else {}
    grounded = []
    for group, shown, ts in zip(groups, layouts, times, strict=True):
        if group.text is None:
            grounded.append(GroundedRows(group.rows, group.window))
            continue
        context = torch.stack([torch.cat([found[p.key, t] for p in group.text.prompts]) for t in ts])
        tokens = bias = None
        if most := max((len(layout.indices) for layout in shown), default=0):
            rows = max(len(ts), len(shown))
            z = torch.stack([
                _of_regions(found, group.text, shown[row % len(shown)], ts[row % len(ts)], most) for row in range(rows)
            ])  # fmt: skip
            boxes = torch.cat([_padded(layout.boxes(device), most) for layout in shown])
            tokens = adapter.position_net(z, boxes.expand(rows, -1, -1)).to(dtype)
            bias = _bias(shown, most, device)
        grounded.append(GroundedRows(group.rows, group.window, context, shown, tokens, bias))
    return GroundedCall(grounded, adapter.config.tokens)


def _of_regions(
    found: Mapping[tuple[str, float], torch.Tensor], text: GroundedText, layout: Layout, time: float, regions: int
) -> torch.Tensor:
    """The IDE's results [R, T, D] for a row's regions, and zeros up to `regions`."""
    said = [found[text.descriptions[i].key, time] for i in layout.indices]
    nothing = torch.zeros_like(next(iter(found.values())))
    return torch.stack(said + [nothing] * (regions - len(said)))


def _bias(layouts: Sequence[Layout], regions: int, device: torch.device) -> torch.Tensor | None:
    """log(strength) float32 [1 or rows, R], or None where every strength is 1."""
    biases = [layout.bias(device) for layout in layouts]
    if all(bias is None for bias in biases):
        return None
    none = torch.zeros(1, 0, device=device)
    return torch.cat([_padded(none if bias is None else bias, regions) for bias in biases])


def _padded(of_regions: torch.Tensor, regions: int) -> torch.Tensor:
    """Zeros added to [1, R, ...] up to `regions`."""
    missing = regions - of_regions.shape[1]
    return (
        torch.cat([of_regions, of_regions.new_zeros(1, missing, *of_regions.shape[2:])], 1) if missing else of_regions
    )


def _check_widths(adapter: DeigAdapter, groups: Sequence[RowGroup]) -> None:
    expected = adapter.config.text_dim
    for text in (p for group in groups if group.text for p in group.text.prompts):
        if text.tensor.shape[-1] != expected:
            raise DeigError(
                f"The text encoder is {text.tensor.shape[-1]} wide and these DEIG weights were trained with {expected} "
                f"({'Flan-T5-XL' if expected == 2048 else 'their own encoder'}): load that text encoder."
            )


def _distinct(timesteps: Sequence[float]) -> list[float]:
    """One timestep where all rows share it, else that of each row."""
    return [timesteps[0]] if all(t == timesteps[0] for t in timesteps) else list(timesteps)
