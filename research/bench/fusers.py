"""The sixteen fusers of one UNet call: against the official formulation, against no masking, over regions and sizes,
and their memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from deig_core.attention import masked_attention
from deig_core.model.fuser import Fuser, LevelInstances, plain_attention, split_heads

from .measure import Ratio, Row, flops, of_pairs, peak_bytes, timed
from .measure import ratio as measure_ratio
from .official import SLOTS, dense_mask, fused_attention, official_fuser, padded, softmax_attention
from .scene import HEADS, TOKENS, Level, levels

SIZES = {"512 x 512": (64, 64), "768 x 768": (96, 96), "1024 x 1024": (128, 128), "512 x 1024": (128, 64)}


def rows(device: torch.device, dtype: torch.dtype, rounds: int) -> Iterator[Row]:
    """Time of one fuser and of all, by the kernel, beside the authors' formulation; and the memory that each takes."""
    fusers: dict[tuple[int, int], Fuser] = {}

    def scene(count: int, latent: tuple[int, int] = (64, 64)) -> list[Level]:
        return levels(count, latent, device, dtype, fusers)

    # The research code was written when attention was a softmax step by step; what a reader has today is the second
    # baseline.
    baselines = {"softmax written out": softmax_attention, "torch's fused attention with its mask": fused_attention}
    for name, attend in baselines.items():
        group = (
            f"16 fusers of a 512 x 512 call: official formulation ({SLOTS} slots, all queries, dense mask), {name} / "
            f"ours"
        )
        for count in (1, 5, 30, 64):
            yield _against_official(scene(count), rounds, attend).row(
                group, _named(count), at_least=4.0 if count == 5 else None
            )
    yield _arithmetic_against_official(scene(5))

    group = "one 64 x 64 fuser: ours / the same GEMMs with unmasked attention"
    for count in (1, 5, 30, 64):
        level = scene(count)[0]
        yield measure_ratio(
            lambda: level.fuser(level.x, level.instances), lambda: unmasked(level), rounds=2 * rounds + 1
        ).row(group, _named(count), at_most=1.10)

    group = "16 fusers: 64 regions / 1 region"
    for name, latent in SIZES.items():
        few, many = scene(1, latent), scene(64, latent)
        yield _sixteen(many, few, max(2, rounds // 2) if latent[0] * latent[1] > 8192 else rounds).row(
            group, name, at_most=1.25
        )

    yield from memory(scene(30), device)


def _named(count: int) -> str:
    return "1 region" if count == 1 else f"{count} regions"


def _sixteen(a: list[Level], b: list[Level], rounds: int) -> Ratio:
    """Time of the 16 fusers, from one of each level: the others of a level do the same work with other weights."""
    pairs = []
    for i in range(rounds + 1):
        times = [
            [level.count * timed(lambda: level.fuser(level.x, level.instances)) for level in side] for side in (a, b)
        ]
        if i:
            pairs.append((sum(times[0]), sum(times[1])))
    return of_pairs(pairs)


def _official(level: Level, attend: Callable[..., Tensor]) -> Callable[[], Tensor]:
    # Made outside the timing, and once a level: kinder to the official formulation than making it for each call.
    instances = level.instances[0]
    tokens = padded(instances.tokens, TOKENS)
    mask = dense_mask(instances.members, TOKENS, tokens.shape[1] // TOKENS, HEADS)
    return lambda: official_fuser(level.fuser, level.x, tokens, mask, attend)


def _against_official(scene: list[Level], rounds: int, attend: Callable[..., Tensor]) -> Ratio:
    sums = [[0.0, 0.0] for _ in range(rounds)]
    for level in scene:
        calls = (_official(level, attend), lambda: level.fuser(level.x, level.instances))
        for i in range(rounds + 1):
            for side, call in enumerate(calls):
                spent = level.count * timed(call)
                if i:
                    sums[i - 1][side] += spent
    return of_pairs([tuple(s) for s in sums])


def _arithmetic_against_official(scene: list[Level]) -> Row:
    sums = [0, 0]
    for level in scene:
        for side, call in enumerate((_official(level, fused_attention), lambda: level.fuser(level.x, level.instances))):
            sums[side] += level.count * flops(call)
    return Row(
        "the same 16 fusers with 5 regions, counted: official formulation / ours",
        "floating-point operations",
        sums[0] / sums[1],
        note=" / ".join(f"{n / 1e12:.3f}" for n in sums) + " TFLOP",
    )


def unmasked(level: Level) -> torch.Tensor:
    """The fuser with every linear layer that it has, instance tokens included, and ordinary attention over the
    visual tokens.
    """
    fuser = level.fuser
    normed = fuser.norm1(fuser.linear(level.instances[0].tokens))
    fuser.attn.to_k(normed), fuser.attn.to_v(normed)
    return fuser(level.x, [LevelInstances(level.x.shape[0])], 1.0, plain_attention)


def memory(scene: list[Level], device: torch.device) -> Iterator[Row]:
    """What masks take, and what the attention takes beyond its own result."""
    group = "memory at 64 x 64, 30 regions"
    level = scene[0]
    instances = level.instances[0]
    members = instances.members
    yield Row(group, "membership", members.nbytes / 1024, unit="KB", at_most=64.0)
    side = members.shape[1] + SLOTS * TOKENS
    yield Row(
        group, "the official mask, bool, with CFG", 2 * HEADS * side**2 / 2**20, unit="MB", note="counted, not measured"
    )

    attention = level.fuser.attn
    q, k, v = (split_heads(project(level.x), HEADS) for project in (attention.to_q, attention.to_k, attention.to_v))
    tokens = level.fuser.norm1(level.fuser.linear(instances.tokens))
    token_k, token_v = (split_heads(project(tokens), HEADS) for project in (attention.to_k, attention.to_v))
    masked = peak_bytes(lambda: masked_attention(q, k, v, token_k, token_v, members, tokens_per_region=TOKENS), device)
    plain = peak_bytes(lambda: torch.nn.functional.scaled_dot_product_attention(q, k, v), device)
    yield Row(group, "masked attention, beyond unmasked", (masked - plain) / 2**20, unit="MB")
    whole = peak_bytes(lambda: level.fuser(level.x, level.instances), device)
    unmasked = peak_bytes(lambda: level.fuser(level.x, [LevelInstances(1)]), device)
    yield Row(
        group,
        "the fuser's peak: ours / without regions",
        whole / unmasked,
        note=f"{whole / 2**20:.0f} / {unmasked / 2**20:.0f} MB",
    )
    padded_tokens = padded(instances.tokens, TOKENS)
    mask = dense_mask(members, TOKENS, SLOTS, HEADS)
    official = peak_bytes(lambda: official_fuser(level.fuser, level.x, padded_tokens, mask), device) + mask.nbytes
    yield Row(
        group,
        "the fuser's peak: official / ours",
        official / whole,
        note=f"{official / 2**20:.0f} / {whole / 2**20:.0f} MB",
    )
