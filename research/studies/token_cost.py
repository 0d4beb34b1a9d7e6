"""What T, the tokens of an instance, costs at Stable Diffusion 1.x's full size: counted, and measured."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace

import torch

from deig_core.attention import masked_attention
from deig_core.model.adapter import expected_weights
from deig_core.model.config import DeigConfig
from deig_core.model.fuser import split_heads

from ..bench.gpu.whole import FULL, REGIONS, Sizes, Step
from ..bench.measure import flops, peak_bytes, timed
from ..bench.scene import HEADS, WIDTH, Level, levels

COUNTS = (1, 5, 30)  # regions of the memory's line


@dataclass(frozen=True)
class Cost:
    """One T. Counted: parameters of the adapter, of which only the `queries` depend on T; keys_and_values, the bytes
    of 5 regions' in the widest fuser; operations of a UNet call with CFG and 5 regions at 512 x 512.
    Measured: peak, the bytes of tensors that the call holds at a time; seconds of the call, each round's.
    """

    tokens: int
    parameters: int
    queries: int
    keys_and_values: int
    operations: int
    peak: int
    seconds: tuple[float, ...]

    @property
    def median(self) -> float:
        """Of `seconds`."""
        return statistics.median(self.seconds)

    def to_dict(self) -> dict:
        return asdict(self)


@dataclass(frozen=True)
class Line:
    """Peak bytes of the finest fuser's masked attention over N regions of T tokens: base of N + slope x N x T, by least
    squares. What the regions cover differs with N, so each N has its own base.

    points: (N, T, bytes). bases: (N, bytes). exact: float32 bytes of a token's key and value and of the normalised
    token that both are projected from. worst: the largest distance of a point from its line, as a share of it.
    """

    points: tuple[tuple[int, int, int], ...]
    bases: tuple[tuple[int, float], ...]
    slope: float
    exact: int
    worst: float


def counted(tokens: int, config: DeigConfig) -> tuple[int, int, int]:
    """(parameters of the adapter, those of its queries, numbers in the keys and values of 5 regions in the widest
    fuser).
    """
    config = replace(config, tokens=tokens)
    parameters = sum(weight.numel() for weight in expected_weights(config).values())
    widest = max(channels for _, channels in config.fusers)
    return parameters, tokens * config.width, 2 * REGIONS * tokens * widest


def costs(
    tokens: Sequence[int],
    device: torch.device,
    *,
    sizes: Sizes = FULL,
    rounds: int = 3,
    say: Callable[[str], None] = print,
) -> Iterator[Cost]:
    """A cost for each T, measured in turn in every round, so that whatever else the machine does meets all of them."""
    if device.type == "cpu":
        sizes = replace(sizes, dtype=torch.float32)
    latent = sizes.latents[0]
    with torch.no_grad():
        step = Step(sizes, device)
        calls = {t: step.with_tokens(t).calls(latent)[0] for t in tokens}
        found = {}
        for t, call in calls.items():
            found[t] = flops(call), peak_bytes(call, device)
            say(f"T = {t}: {found[t][0] / 1e12:.3f} TFLOP, {found[t][1] / 2**20:.1f} MB")
        times: dict[int, list[float]] = {t: [] for t in tokens}
        for number in range(rounds):
            for t, call in calls.items():
                times[t].append(timed(call))
            say(f"round {number + 1} of {rounds}: " + ", ".join(f"T = {t} {times[t][-1]:.3f} s" for t in tokens))
    item = torch.empty(0, dtype=sizes.dtype).element_size()
    for t in tokens:
        parameters, queries, numbers = counted(t, step.adapter.config)
        yield Cost(t, parameters, queries, item * numbers, *found[t], tuple(times[t]))


def memory_line(tokens: Sequence[int], device: torch.device, latent: tuple[int, int] = (64, 64)) -> Line:
    """How the finest fuser's attention grows with the instances and their tokens."""
    fusers: dict = {}
    points = []
    with torch.no_grad():
        for count in COUNTS:
            level = levels(count, latent, device, torch.float32, fusers)[0]
            points += [(count, t, peak_bytes(_attention(level, count, t), device)) for t in tokens]
    return fitted(points, 3 * 4 * level.x.shape[-1])


def fitted(points: Sequence[tuple[int, int, int]], exact: int) -> Line:
    """The line through measured points (N, T, bytes)."""
    import numpy as np

    counts = sorted({n for n, *_ in points})
    given = np.array([[n * t, *(float(n == count) for count in counts)] for n, t, _ in points])
    held = np.array([peak for *_, peak in points], dtype=float)
    slope, *bases = np.linalg.lstsq(given, held, rcond=None)[0].tolist()
    worst = float(np.abs(held / (given @ [slope, *bases]) - 1).max())
    return Line(tuple(points), tuple(zip(counts, bases, strict=True)), slope, exact, worst)


def _attention(level: Level, count: int, tokens: int) -> Callable[[], torch.Tensor]:
    attention, members = level.fuser.attn, level.instances[0].members
    given = torch.randn(1, count * tokens, WIDTH, device=level.x.device)
    q, k, v = (split_heads(project(level.x), HEADS) for project in (attention.to_q, attention.to_k, attention.to_v))

    def call() -> torch.Tensor:
        normed = level.fuser.norm1(level.fuser.linear(given))
        token_k, token_v = (split_heads(project(normed), HEADS) for project in (attention.to_k, attention.to_v))
        return masked_attention(q, k, v, token_k, token_v, members, tokens_per_region=tokens)

    return call
