"""Add the instance keys to a finished attention over the visual keys: exact, by their log-sum-exps.

softmax over two sets of keys is the mean of the two softmaxes, weighted by exp(lse_1) and exp(lse_2). Within one region no key is masked
and the bias is a constant, so it leaves the region's softmax alone and only adds to its log-sum-exp.
"""

from __future__ import annotations

import torch
from torch import Tensor

from .contract import math_dtype, membership
from .flash import flash_with_lse

SCRATCH_ENTRIES = 4 << 20  # logits held at a time by `merge_by_rows`


def merge_by_region(out: Tensor, lse: Tensor, q: Tensor, token_k: Tensor, token_v: Tensor, members: Tensor, tokens_per_region: int,
                    bias: Tensor | None) -> Tensor:
    """Merge each region's tokens into the rows of its own cells: the work is that of the pairs that exist, and no mask at all.

    out [B, heads, HW, d] and lse [B, heads, HW] are the visual part (overwritten where possible); the rest as in `masked_attention`.
    Reads the membership words, which makes a device other than the CPU wait.
    """
    batch = q.shape[0]
    regions = token_k.shape[2] // tokens_per_region
    # Overlapping regions are merged one after another; half precision would round each time.
    merged = out.to(math_dtype(out))
    # One set of words serves the whole batch at once.
    slices = [slice(None)] if members.shape[0] == 1 else [slice(b, b + 1) for b in range(batch)]
    for words, rows_of in zip(members, slices, strict=True):
        of_token = slice(None) if token_k.shape[0] == 1 else rows_of
        of_bias = slice(None) if bias is None or bias.shape[0] == 1 else rows_of
        for region in range(regions):
            index = ((words >> region) & 1).nonzero().squeeze(1)
            if not index.numel():
                continue
            tokens = slice(region * tokens_per_region, (region + 1) * tokens_per_region)
            row_q = q[rows_of].index_select(2, index)
            region_k, region_v = (t[of_token, :, tokens].expand(row_q.shape[0], -1, -1, -1) for t in (token_k, token_v))
            region_out, region_lse = flash_with_lse(row_q, region_k, region_v)
            if bias is not None:
                region_lse = region_lse + bias[of_bias, region].to(region_lse.dtype)[:, None, None]
            before = lse[rows_of].index_select(2, index)
            weight = torch.sigmoid(region_lse - before)[..., None]
            row_out = merged[rows_of].index_select(2, index)
            merged[rows_of].index_copy_(2, index, row_out.lerp_(region_out.to(merged.dtype), weight))
            lse[rows_of].index_copy_(2, index, torch.logaddexp(before, region_lse))
    return merged.to(q.dtype)


def merge_by_rows(out: Tensor, lse: Tensor, q: Tensor, token_k: Tensor, token_v: Tensor, members: Tensor, tokens_per_region: int,
                  bias: Tensor | None) -> Tensor:
    """Merge all instance tokens into every row, some rows at a time: no value is read, so nothing waits and a graph can be captured.

    Arguments as in `merge_by_region`. At most SCRATCH_ENTRIES logits are held at once (or those of one row).
    """
    batch, heads, cells, dim = q.shape
    tokens = token_k.shape[2]
    regions = tokens // tokens_per_region
    dtype = math_dtype(q)
    keys, values = token_k.to(dtype).mT * dim**-0.5, token_v.to(dtype)
    step = max(1, min(cells, SCRATCH_ENTRIES // (batch * heads * tokens)))
    parts = []
    for first in range(0, cells, step):
        rows = slice(first, first + step)
        logits = (q[:, :, rows].to(dtype) @ keys).unflatten(-1, (regions, tokens_per_region))  # [B, heads, rows, R, T]
        if bias is not None:
            logits = logits + bias.to(dtype)[:, None, None, :, None]
        logits = logits.masked_fill(~membership(members[:, rows], regions)[:, None, :, :, None], float("-inf")).flatten(-2)
        before = lse[:, :, rows]
        after = torch.logaddexp(before, logits.logsumexp(dim=-1))[..., None]
        parts.append(((before[..., None] - after).exp() * out[:, :, rows] + (logits - after).exp() @ values).to(q.dtype))
    return torch.cat(parts, dim=2)
