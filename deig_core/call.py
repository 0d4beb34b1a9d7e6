"""One UNet call: from texts and regions to the cross-attention context and the instances that each fuser sees."""

from __future__ import annotations

from collections.abc import Sequence
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
    """Consecutive rows of a UNet call that share one conditioning entry."""

    rows: int
    text: GroundedText | None
    window: Window


@dataclass(frozen=True, eq=False)
class GroundedRows:
    """What a row group became; what its text says is None where it has none. Rows of one timestep share one of it."""

    rows: int
    context: torch.Tensor | None  # [1 or rows, T, D], None where the rows have no DEIG text
    tokens: torch.Tensor | None  # [1 or rows, R*T, D]
    layout: Layout | None
    window: Window
    bias: torch.Tensor | None


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
                else LevelInstances(
                    r.rows, r.tokens, self._tokens_per_region, r.layout.members(r.window.size, grid, device), r.bias
                )
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

    No region is padded, regions that no pixel of the window shows are dropped, and nothing is worked out twice for
    rows that share their timestep.
    """
    adapter = extractor.adapter
    starts = [sum(r.rows for r in groups[:i]) for i in range(len(groups))]
    times = [_distinct(timesteps[s : s + r.rows]) for s, r in zip(starts, groups, strict=True)]
    layouts = [
        (group.text.layout.visible(group.window) if instances else Layout(())) if group.text else None
        for group in groups
    ]
    _check_widths(adapter, groups)
    said = [
        (*group.text.prompts, *(group.text.descriptions[i] for i in layout.indices)) if group.text else ()
        for group, layout in zip(groups, layouts, strict=True)
    ]
    wanted = {(text.key, t): (text, t) for texts, ts in zip(said, times, strict=True) for text in texts for t in ts}
    found = dict(zip(wanted, extractor(list(wanted.values()), device), strict=True)) if wanted else {}
    grounded = []
    for group, layout, ts in zip(groups, layouts, times, strict=True):
        if group.text is None:
            grounded.append(GroundedRows(group.rows, None, None, None, group.window, None))
            continue
        context = torch.stack([torch.cat([found[p.key, t] for p in group.text.prompts]) for t in ts])
        tokens = bias = None
        if layout.indices:
            z = torch.stack(
                [torch.stack([found[group.text.descriptions[i].key, t] for i in layout.indices]) for t in ts]
            )
            tokens = adapter.position_net(z, layout.boxes(device).expand(len(ts), -1, -1)).to(dtype)
            bias = layout.bias(device)
        grounded.append(GroundedRows(group.rows, context, tokens, layout, group.window, bias))
    return GroundedCall(grounded, adapter.config.tokens)


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
