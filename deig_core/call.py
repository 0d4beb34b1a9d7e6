"""One UNet call: from texts and regions to the cross-attention context and the instances that each fuser sees."""

from __future__ import annotations

import hashlib
import math
import threading
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import Any

import torch

from .cache import TensorCache
from .errors import DeigError
from .layout.masks import PIXELS_PER_LATENT, Size, membership
from .model.adapter import DeigAdapter
from .model.fuser import LevelInstances
from .regions.document import MAX_REGIONS, Box, Region

MEGABYTE = 2**20
_KEPT = 64  # sizes and devices that a layout remembers


@dataclass(frozen=True, eq=False)
class TextFeatures:
    """Output of the text encoder for one text: [L, text_dim], pads included. `key` names the content (text and
    encoder).
    """

    tensor: torch.Tensor
    key: str

    @classmethod
    def of(cls, tensor: torch.Tensor) -> TextFeatures:
        """Features with a key made from their bytes."""
        data = tensor.detach().cpu().contiguous().view(torch.uint8).numpy().tobytes()
        return cls(tensor, hashlib.sha256(data).hexdigest())


@dataclass(frozen=True)
class Window:
    """The part of a latent that a call denoises: offset and size inside a latent of `full` size, all (height, width)
    in cells.
    """

    full: Size
    offset: Size
    size: Size

    @classmethod
    def whole(cls, size: Size) -> Window:
        return cls(size, (0, 0), size)


@dataclass(eq=False)
class Layout:
    """Regions in their order, with what was worked out of them for the sizes and devices seen so far.

    indices: where these regions stand in the document or layout that they were taken from; () where they are all of it.
    """

    regions: tuple[Region, ...]
    indices: tuple[int, ...] = ()
    _known: dict[Hashable, Any] = field(default_factory=dict, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def __deepcopy__(self, memo: dict) -> Layout:
        return self  # nothing of it changes but what it remembers

    def __reduce__(self):
        return Layout, (self.regions, self.indices)

    def visible(self, window: Window) -> Layout:
        """The regions that have a pixel in `window`, expressed in it."""
        return self._once(window, lambda: self._crop(window))

    def _crop(self, window: Window) -> Layout:
        kept = [(i, r) for i, region in enumerate(self.regions) if (r := crop(region, window))]
        return Layout(tuple(r for _, r in kept), tuple(i for i, _ in kept))

    def members(self, latent: Size, grid: Size, device: torch.device) -> torch.Tensor:
        """Membership words int64 [1, h * w]."""
        return self._once((latent, grid, device), lambda: membership(self.regions, latent, grid).to(device)[None])

    def boxes(self, device: torch.device) -> torch.Tensor:
        """Boxes float32 [1, R, 4]."""
        return self._once(
            ("boxes", device), lambda: torch.tensor([[r.box for r in self.regions]], dtype=torch.float32, device=device)
        )

    def bias(self, device: torch.device) -> torch.Tensor | None:
        """log(strength) float32 [1, R], or None where every strength is 1."""
        strengths = [r.strength for r in self.regions]
        if all(s == 1 for s in strengths):
            return None
        # The logarithm of any float fits float32; the strength itself may not.
        logs = [math.log(s) if s > 0 else -math.inf for s in strengths]
        return self._once(("bias", device), lambda: torch.tensor([logs], dtype=torch.float32, device=device))

    def _once(self, key: Hashable, make: Callable[[], Any]) -> Any:
        with self._lock:
            if key not in self._known:
                if len(self._known) >= _KEPT:
                    self._known.clear()
                self._known[key] = make()
            return self._known[key]


def crop(region: Region, window: Window) -> Region | None:
    """`region` in fractions of `window`, or None if no pixel of it is inside."""
    if window == Window.whole(window.full):
        # A mask may be finer than the image: whatever is painted in it owns a cell.
        return region if region.mask is not None or _has_pixel(region.box, window.size) else None
    if region.mask is not None:
        return _crop_mask(region, window)
    axes = tuple(zip(window.full, window.offset, window.size, strict=True))[::-1]
    box = tuple(_moved(c, *(side * PIXELS_PER_LATENT for side in axes[i % 2])) for i, c in enumerate(region.box))
    return replace(region, box=box) if _has_pixel(box, window.size) else None


def _moved(coordinate: float, full: int, offset: int, size: int) -> float:
    """A fraction of `full` pixels as a fraction of the `size` pixels from `offset` on; it stays on the pixel that it
    rounds to.
    """
    moved = min(max((coordinate * full - offset) / size, 0.0), 1.0)
    pixel = min(max(round(coordinate * full) - offset, 0), size)
    return moved if round(moved * size) == pixel else pixel / size


def _has_pixel(box: Box, latent: Size) -> bool:
    height, width = (side * PIXELS_PER_LATENT for side in latent)
    return round(box[0] * width) < round(box[2] * width) and round(box[1] * height) < round(box[3] * height)


def _crop_mask(region: Region, window: Window) -> Region | None:
    # At the image's own resolution a crop falls on whole pixels, whatever the mask's was.
    full = torch.Size(side * PIXELS_PER_LATENT for side in window.full)
    mask = torch.nn.functional.adaptive_max_pool2d(region.mask[None].float(), full)[0] > 0
    (top, left), (height, width) = ((v * PIXELS_PER_LATENT for v in pair) for pair in (window.offset, window.size))
    mask = mask[top : top + height, left : left + width]
    return region.with_mask(mask) if mask.any() else None


@dataclass(frozen=True, eq=False)
class GroundedText:
    """What one side of the conditioning says: its prompt, and the regions with their texts, in the same order.

    more: prompts whose contexts follow that of `prompt`.
    """

    prompt: TextFeatures
    layout: Layout
    descriptions: tuple[TextFeatures, ...]
    more: tuple[TextFeatures, ...] = ()

    @property
    def prompts(self) -> tuple[TextFeatures, ...]:
        return (self.prompt, *self.more)


def joined(texts: Sequence[GroundedText]) -> GroundedText:
    """All prompts one after another, and the regions of all. Raises DeigError for more than MAX_REGIONS of them."""
    if len(texts) == 1:
        return texts[0]
    prompts = [p for text in texts for p in text.prompts]
    indices: list[int] = []
    for text in texts:
        first = max(indices, default=-1) + 1
        indices += [first + i for i in text.layout.indices or range(len(text.layout.regions))]
    if len(indices) > MAX_REGIONS:
        raise DeigError(
            f"The joined conditionings have {len(indices)} regions and at most {MAX_REGIONS} can be drawn: remove "
            f"some of them."
        )
    layout = Layout(tuple(r for text in texts for r in text.layout.regions), tuple(indices))
    return GroundedText(prompts[0], layout, tuple(d for text in texts for d in text.descriptions), tuple(prompts[1:]))


@dataclass(frozen=True, eq=False)
class Run:
    """Consecutive rows of a UNet call that share one conditioning entry."""

    rows: int
    text: GroundedText | None
    window: Window


class Extractor:
    """Runs the IDE of an adapter, once for each text and timestep, and remembers (bounded) what came out."""

    def __init__(self, adapter: DeigAdapter, *, result_bytes: int = 128 * MEGABYTE, text_bytes: int = 64 * MEGABYTE):
        self.adapter = adapter
        self._results = TensorCache(result_bytes)
        self._texts = TensorCache(text_bytes)

    def __call__(self, wanted: Sequence[tuple[TextFeatures, float]], device: torch.device) -> list[torch.Tensor]:
        """Tokens float32 [T, D] on `device` of each (text, timestep); one batched IDE call for those not known yet."""
        keys = [(text.key, timestep, device) for text, timestep in wanted]
        found = {key: self._results.get(key) for key in keys}
        todo = {key: item for key, item in zip(keys, wanted, strict=True) if found[key] is None}
        if todo:
            texts = torch.stack([self._project(text, device) for text, _ in todo.values()])
            for key, tokens in zip(
                todo, self.adapter.ide(texts, _filled([t for _, t in todo.values()], device)), strict=True
            ):
                found[key] = tokens.clone()
                self._results.put(key, found[key])
        return [found[key] for key in keys]

    def _project(self, text: TextFeatures, device: torch.device) -> torch.Tensor:
        key = (text.key, device)
        projected = self._texts.get(key)
        if projected is None:
            projected = self.adapter.ide.project_text(text.tensor.to(device)[None])[0]
            self._texts.put(key, projected)
        return projected


@dataclass(frozen=True, eq=False)
class GroundedRows:
    rows: int
    context: torch.Tensor | None  # [1 or rows, T, D], None where the rows have no DEIG text
    tokens: torch.Tensor | None  # [1 or rows, R*T, D]
    layout: Layout | None
    window: Window
    bias: torch.Tensor | None


class GroundedCall:
    """What the fusers of one UNet call need: instances for whatever grid a block turns out to have."""

    def __init__(self, runs: Sequence[GroundedRows], tokens_per_region: int):
        self.runs = tuple(runs)
        self._tokens_per_region = tokens_per_region
        self._levels: dict[Size, list[LevelInstances]] = {}

    def context(self) -> list[torch.Tensor | None]:
        """Cross-attention context [1 or rows, T, D] of each run."""
        return [run.context for run in self.runs]

    def instances(self, grid: Size, device: torch.device) -> list[LevelInstances]:
        """The instances of each run on a level of `grid` = (h, w) cells."""
        if grid not in self._levels:
            self._levels[grid] = [
                LevelInstances(r.rows)
                if r.tokens is None
                else LevelInstances(
                    r.rows, r.tokens, self._tokens_per_region, r.layout.members(r.window.size, grid, device), r.bias
                )
                for r in self.runs
            ]
        return self._levels[grid]


def ground(
    extractor: Extractor,
    runs: Sequence[Run],
    timesteps: Sequence[float],
    device: torch.device,
    *,
    instances: bool = True,
    dtype: torch.dtype = torch.float32,
) -> GroundedCall:
    """Prepare one UNet call. timesteps: one for each row of the batch, the rows of the runs in their order.
    instances: False prepares the context alone, for a call whose gates are shut. dtype: of the instance tokens, that of
    the UNet, so that they are cast once and not in every block.

    No region is padded, regions that no pixel of the window shows are dropped, and nothing is worked out twice for
    rows that share their timestep.
    """
    adapter = extractor.adapter
    starts = [sum(r.rows for r in runs[:i]) for i in range(len(runs))]
    times = [_distinct(timesteps[s : s + r.rows]) for s, r in zip(starts, runs, strict=True)]
    layouts = [(run.text.layout.visible(run.window) if instances else Layout(())) if run.text else None for run in runs]
    _check_widths(adapter, runs)
    said = [
        (*run.text.prompts, *(run.text.descriptions[i] for i in layout.indices)) if run.text else ()
        for run, layout in zip(runs, layouts, strict=True)
    ]
    wanted = {(text.key, t): (text, t) for texts, ts in zip(said, times, strict=True) for text in texts for t in ts}
    found = dict(zip(wanted, extractor(list(wanted.values()), device), strict=True)) if wanted else {}
    grounded = []
    for run, layout, ts in zip(runs, layouts, times, strict=True):
        if run.text is None:
            grounded.append(GroundedRows(run.rows, None, None, None, run.window, None))
            continue
        context = torch.stack([torch.cat([found[p.key, t] for p in run.text.prompts]) for t in ts])
        tokens = bias = None
        if layout.indices:
            z = torch.stack([torch.stack([found[run.text.descriptions[i].key, t] for i in layout.indices]) for t in ts])
            tokens = adapter.position_net(z, layout.boxes(device).expand(len(ts), -1, -1)).to(dtype)
            bias = layout.bias(device)
        grounded.append(GroundedRows(run.rows, context, tokens, layout, run.window, bias))
    return GroundedCall(grounded, adapter.config.tokens)


def _check_widths(adapter: DeigAdapter, runs: Sequence[Run]) -> None:
    expected = adapter.config.text_dim
    for text in (p for run in runs if run.text for p in run.text.prompts):
        if text.tensor.shape[-1] != expected:
            raise DeigError(
                f"The text encoder is {text.tensor.shape[-1]} wide and these DEIG weights were trained with {expected} "
                f"({'Flan-T5-XL' if expected == 2048 else 'their own encoder'}): load that text encoder."
            )


def _filled(values: Sequence[float], device: torch.device) -> torch.Tensor:
    """float32 [N], written by the device itself: a copy from the host's memory would wait for all that the device
    has to do.
    """
    return torch.cat(
        [torch.full((len(list(same)),), value, dtype=torch.float32, device=device) for value, same in groupby(values)]
    )


def _distinct(timesteps: Sequence[float]) -> list[float]:
    """One timestep where all rows share it, else that of each row."""
    return [timesteps[0]] if all(t == timesteps[0] for t in timesteps) else list(timesteps)
