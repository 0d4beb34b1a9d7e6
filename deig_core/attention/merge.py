"""Add the instance keys to a finished attention over the visual keys: exact, by their log-sum-exps.

softmax over two sets of keys is the mean of the two softmaxes, weighted by exp(lse_1) and exp(lse_2). Within one region
no key is masked and the bias is a constant, so it leaves the region's softmax alone and only adds to its log-sum-exp.
"""

from __future__ import annotations

import torch
from torch import Tensor

from .contract import math_dtype, membership
from .flash import cpu_flash_with_lse, flash_with_lse

SCRATCH_ENTRIES = 4 << 20  # logits, or numbers added to logits, held at a time


def merge_on_cpu(
    out: Tensor,
    lse: Tensor,
    q: Tensor,
    token_k: Tensor,
    token_v: Tensor,
    members: Tensor,
    tokens_per_region: int,
    bias: Tensor | None,
) -> Tensor:
    """`merge_by_region` where few of the (cell, region) pairs exist, else `merge_by_mask`. Arguments as there."""
    cells = members.shape[1]
    regions = token_k.shape[2] // tokens_per_region
    pairs = int(membership(members, regions).sum()) // members.shape[0]
    # Measured at d = 40 to 160: a pair costs about four masked ones, and a region's own call about 64 cells of a masked
    # one.
    sparse = 4 * pairs + 64 * regions < regions * cells
    merge = merge_by_region if sparse else merge_by_mask
    return merge(out, lse, q, token_k, token_v, members, tokens_per_region, bias)


def merge_by_region(
    out: Tensor,
    lse: Tensor,
    q: Tensor,
    token_k: Tensor,
    token_v: Tensor,
    members: Tensor,
    tokens_per_region: int,
    bias: Tensor | None,
) -> Tensor:
    """Merge each region's tokens into the rows of its own cells: the work is that of the pairs that exist, and no mask
    at all.

    out [B, heads, HW, d] and lse [B, heads, HW] are the visual part (overwritten where possible); the rest as in
    `masked_attention`. Reads the membership words, which makes a device other than the CPU wait.
    """
    batch = q.shape[0]
    regions = token_k.shape[2] // tokens_per_region
    # Overlapping regions are merged one after another; half precision would round each time.
    merged = out.to(math_dtype(out))
    # A cell's heads usually lie together: taken cell by cell, they are copied at once.
    q_cells, out_cells, lse_cells = (t.transpose(1, 2) for t in (q, merged, lse))
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
            own_q, own_out, own_lse = (t[rows_of].index_select(1, index) for t in (q_cells, out_cells, lse_cells))
            region_k, region_v = (t[of_token, :, tokens].expand(own_q.shape[0], -1, -1, -1) for t in (token_k, token_v))
            region_out, region_lse = (
                t.transpose(1, 2) for t in flash_with_lse(own_q.transpose(1, 2), region_k, region_v)
            )
            if bias is not None:
                region_lse = region_lse + bias[of_bias, region].to(region_lse.dtype)[:, None, None]
            weight = torch.sigmoid(region_lse - own_lse)[..., None]
            out_cells[rows_of].index_copy_(1, index, own_out.lerp_(region_out.to(merged.dtype), weight))
            lse_cells[rows_of].index_copy_(1, index, torch.logaddexp(own_lse, region_lse))
    return merged.to(q.dtype)


def merge_by_rows(
    out: Tensor,
    lse: Tensor,
    q: Tensor,
    token_k: Tensor,
    token_v: Tensor,
    members: Tensor,
    tokens_per_region: int,
    bias: Tensor | None,
) -> Tensor:
    """Merge all instance tokens into every row, some rows at a time: no value is read, so nothing waits and a graph can
    be captured.

    Arguments as in `merge_by_region`. At most SCRATCH_ENTRIES logits are held at once (or those of one row).
    """
    batch, heads, cells, dim = q.shape
    tokens = token_k.shape[2]
    regions = tokens // tokens_per_region
    dtype = math_dtype(q)
    keys, values = token_k.to(dtype).mT * dim**-0.5, token_v.to(dtype)
    step = max(1, min(cells, SCRATCH_ENTRIES // (batch * heads * tokens)))
    for first in range(0, cells, step):
        rows = slice(first, first + step)
        logits = (q[:, :, rows].to(dtype) @ keys).unflatten(-1, (regions, tokens_per_region))  # [B, heads, rows, R, T]
        if bias is not None:
            logits = logits + bias.to(dtype)[:, None, None, :, None]
        logits = logits.masked_fill(~membership(members[:, rows], regions)[:, None, :, :, None], float("-inf")).flatten(
            -2
        )
        before = lse[:, :, rows]
        after = torch.logaddexp(before, logits.logsumexp(dim=-1))[..., None]
        here = out[:, :, rows]
        here.copy_((before[..., None] - after).exp() * here + (logits - after).exp() @ values)
    return out


def merge_by_mask(
    out: Tensor,
    lse: Tensor,
    q: Tensor,
    token_k: Tensor,
    token_v: Tensor,
    members: Tensor,
    tokens_per_region: int,
    bias: Tensor | None,
) -> Tensor:
    """Merge all instance tokens into every row of a CPU tensor by a masked call over the tokens alone, some rows at a
    time.

    Arguments and scratch as in `merge_by_rows`; no value is read.
    """
    batch, _, cells, _ = q.shape
    tokens = token_k.shape[2]
    regions = tokens // tokens_per_region
    token_k, token_v = (t.expand(batch, -1, -1, -1) for t in (token_k, token_v))
    step = max(1, min(cells, SCRATCH_ENTRIES // (batch * tokens)))
    for first in range(0, cells, step):
        rows = slice(first, first + step)
        added = torch.zeros((), dtype=math_dtype(q)) if bias is None else bias.to(math_dtype(q))[:, None, :]
        added = torch.where(membership(members[:, rows], regions), added, float("-inf"))  # [B, rows, R]
        mask = added[:, None, :, :, None].expand(-1, -1, -1, -1, tokens_per_region).flatten(-2)
        row_out, row_lse = cpu_flash_with_lse(q[:, :, rows], token_k, token_v, mask)
        row_lse = row_lse.masked_fill((added == float("-inf")).all(-1)[:, None], float("-inf"))
        weight = torch.sigmoid(row_lse - lse[:, :, rows])[..., None]
        here = out[:, :, rows]
        here.copy_(here.to(weight.dtype).lerp_(row_out.to(weight.dtype), weight))
    return out
