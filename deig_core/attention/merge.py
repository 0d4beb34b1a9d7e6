"""Add the instance keys to a finished attention over the visual keys: exact, by their log-sum-exps.

softmax over two sets of keys is the mean of the two softmaxes, weighted by exp(lse_1) and exp(lse_2). Within one region
no key is masked and the bias is a constant, so it leaves the region's softmax alone and only adds to its log-sum-exp.

Each merge takes the call and its visual part, out [B, heads, HW, d] and lse [B, heads, HW], which it overwrites where
it can; it returns [B, heads, HW, d] in the dtype of the queries.
"""

from __future__ import annotations

import torch
from torch import Tensor

from .contract import AttentionCall, math_dtype, unpacked_membership
from .flash import cpu_flash_with_lse, flash_with_lse

SCRATCH_ENTRIES = 4 << 20  # logits, or numbers added to logits, held at a time


def merge_on_cpu(call: AttentionCall, out: Tensor, lse: Tensor) -> Tensor:
    """`merge_by_region` where few of the (cell, region) pairs exist, else `merge_by_mask`."""
    pairs = int(unpacked_membership(call.members, call.regions).sum()) // call.members.shape[0]
    # Measured at d = 40 to 160: a pair costs about four masked ones, and a region's own call about 64 cells of a masked
    # one.
    sparse = 4 * pairs + 64 * call.regions < call.regions * call.cells
    merge = merge_by_region if sparse else merge_by_mask
    return merge(call, out, lse)


def merge_by_region(call: AttentionCall, out: Tensor, lse: Tensor) -> Tensor:
    """Merge each region's tokens into the rows of its own cells: the work is that of the pairs that exist, and no mask
    at all.

    Reads the membership words, which makes a device other than the CPU wait.
    """
    token_k, token_v, bias = call.token_k, call.token_v, call.bias
    # Overlapping regions are merged one after another; half precision would round each time.
    merged = out.to(math_dtype(out))
    # A cell's heads usually lie together: taken cell by cell, they are copied at once.
    q_cells, out_cells = (t.transpose(1, 2) for t in (call.q, merged))  # [B, heads, HW, d] -> [B, HW, heads, d]
    lse_cells = lse.transpose(1, 2)  # [B, heads, HW] -> [B, HW, heads]
    # One set of words serves the whole batch at once.
    slices = [slice(None)] if call.members.shape[0] == 1 else [slice(b, b + 1) for b in range(call.batch)]
    for words, rows_of in zip(call.members, slices, strict=True):  # words [HW], of b rows: all of the batch or one
        of_token = slice(None) if token_k.shape[0] == 1 else rows_of
        of_bias = slice(None) if bias is None or bias.shape[0] == 1 else rows_of
        for region in range(call.regions):
            index = ((words >> region) & 1).nonzero().squeeze(1)  # [HW] -> [n], the cells of the region
            if not index.numel():
                continue
            tokens = slice(region * call.tokens_per_region, (region + 1) * call.tokens_per_region)
            # [B, HW, heads, d] -> [b, n, heads, d], and without d for the log-sum-exp
            own_q, own_out, own_lse = (t[rows_of].index_select(1, index) for t in (q_cells, out_cells, lse_cells))
            # [B or 1, heads, R*T, d] -> [b, heads, T, d]
            region_k, region_v = (t[of_token, :, tokens].expand(own_q.shape[0], -1, -1, -1) for t in (token_k, token_v))
            # The call wants [b, heads, n, d]; what it gives goes back to [b, n, heads, d] and [b, n, heads].
            region_out, region_lse = (
                t.transpose(1, 2) for t in flash_with_lse(own_q.transpose(1, 2), region_k, region_v)
            )
            if bias is not None:
                region_lse = region_lse + bias[of_bias, region].to(region_lse.dtype)[:, None, None]  # [b or 1, 1, 1]
            weight = torch.sigmoid(region_lse - own_lse)[..., None]  # [b, n, heads, 1]
            out_cells[rows_of].index_copy_(1, index, own_out.lerp_(region_out.to(merged.dtype), weight))
            lse_cells[rows_of].index_copy_(1, index, torch.logaddexp(own_lse, region_lse))
    return merged.to(call.q.dtype)


def merge_by_cells(call: AttentionCall, out: Tensor, lse: Tensor) -> Tensor:
    """Merge all instance tokens into every cell, some cells at a time: no value is read, so nothing waits and a graph
    can be captured.

    At most SCRATCH_ENTRIES logits are held at once (or those of one cell).
    """
    dtype, per_region = math_dtype(call.q), (call.regions, call.tokens_per_region)
    keys = call.token_k.to(dtype).mT * call.dim**-0.5  # [B or 1, heads, R*T, d] -> [B or 1, heads, d, R*T]
    values = call.token_v.to(dtype)  # [B or 1, heads, R*T, d]
    bias = None if call.bias is None else call.bias.to(dtype)[:, None, None, :, None]  # [B or 1, 1, 1, R, 1]
    step = max(1, min(call.cells, SCRATCH_ENTRIES // (call.batch * call.heads * keys.shape[-1])))
    for first in range(0, call.cells, step):
        some = slice(first, first + step)  # n of the HW
        logits = (call.q[:, :, some].to(dtype) @ keys).unflatten(-1, per_region)  # [B, heads, n, R*T] -> [.., R, T]
        if bias is not None:
            logits = logits + bias
        logits = logits.masked_fill(
            ~unpacked_membership(call.members[:, some], call.regions)[:, None, :, :, None],  # [B or 1, 1, n, R, 1]
            float("-inf"),
        ).flatten(-2)  # [B, heads, n, R, T] -> [B, heads, n, R*T]
        before = lse[:, :, some]  # [B, heads, n]
        after = torch.logaddexp(before, logits.logsumexp(dim=-1))[..., None]  # [B, heads, n, 1]
        here = out[:, :, some]  # [B, heads, n, d]
        here.copy_((before[..., None] - after).exp() * here + (logits - after).exp() @ values)
    return out


def merge_by_mask(call: AttentionCall, out: Tensor, lse: Tensor) -> Tensor:
    """Merge all instance tokens into every cell of a CPU tensor by a masked call over the tokens alone, some cells at
    a time.

    Scratch as in `merge_by_cells`; no value is read.
    """
    dtype, tokens = math_dtype(call.q), call.token_k.shape[2]
    token_k, token_v = (t.expand(call.batch, -1, -1, -1) for t in (call.token_k, call.token_v))  # [B, heads, R*T, d]
    of_region = torch.zeros((), dtype=dtype) if call.bias is None else call.bias.to(dtype)[:, None, :]  # [B or 1, 1, R]
    step = max(1, min(call.cells, SCRATCH_ENTRIES // (call.batch * tokens)))
    for first in range(0, call.cells, step):
        some = slice(first, first + step)  # n of the HW
        added = torch.where(  # [B or 1, n, R]
            unpacked_membership(call.members[:, some], call.regions), of_region, float("-inf")
        )
        mask = added[:, None, :, :, None].expand(-1, -1, -1, -1, call.tokens_per_region)  # [B or 1, 1, n, R, T]
        mask = mask.flatten(-2)  # [B or 1, 1, n, R, T] -> [B or 1, 1, n, R*T]
        cell_out, cell_lse = cpu_flash_with_lse(call.q[:, :, some], token_k, token_v, mask)
        # [B or 1, n, R] -> [B or 1, 1, n] over [B, heads, n]
        cell_lse = cell_lse.masked_fill((added == float("-inf")).all(-1)[:, None], float("-inf"))
        weight = torch.sigmoid(cell_lse - lse[:, :, some])[..., None]  # [B, heads, n, 1]
        here = out[:, :, some]  # [B, heads, n, d]
        here.copy_(here.to(weight.dtype).lerp_(cell_out.to(weight.dtype), weight))
    return out
