"""The masked attention as one Triton kernel: a flash forward over the visual keys, then over the tokens of the regions
at hand.

Imported only where it runs (launch.py), for it needs Triton. The online softmax is that of FlashAttention (Dao et al.,
2022); what is added is the second loop: a region that no row of the tile belongs to is skipped, and of the others one
bit per row decides.
"""

from __future__ import annotations

import triton
import triton.language as tl

LOG2_E = tl.constexpr(1.4426950408889634)


@triton.jit
def _either(a, b):
    return a | b


@triton.jit
def _rows(
    base, row, stride, present, BOUNDED: tl.constexpr, FIRST: tl.constexpr, WIDTH: tl.constexpr, DIM: tl.constexpr
):
    """Channels FIRST to FIRST + WIDTH of rows of a [N, d] matrix; 0 beyond d, and in rows not `present` where
    BOUNDED.
    """
    channel = FIRST + tl.arange(0, WIDTH)
    place = base + row[:, None] * stride + channel[None, :]  # [N, 1] and [1, WIDTH] -> [N, WIDTH]
    # A mask that is always true would still keep loads from being asynchronous.
    if FIRST + WIDTH <= DIM:
        if BOUNDED:
            return tl.load(place, mask=present[:, None], other=0.0)  # mask [N, 1]
        else:
            return tl.load(place)
    else:
        mask = (channel < DIM)[None, :]  # [1, WIDTH]
        if BOUNDED:
            mask = mask & present[:, None]  # [N, WIDTH]
        return tl.load(place, mask=mask, other=0.0)


@triton.jit
def _attend(
    q_low,
    q_high,
    k_base,
    v_base,
    k_stride,
    v_stride,
    row,
    present,
    seen,
    added,
    top,
    total,
    low,
    high,
    qk_scale,
    BOUNDED: tl.constexpr,
    MASKED: tl.constexpr,
    LOW: tl.constexpr,
    HIGH: tl.constexpr,
    DIM: tl.constexpr,
    PRECISION: tl.constexpr,
):
    """One tile of N keys (KEYS or TOKENS) added to the running softmax of the ROWS queries: top and total [ROWS], low
    [ROWS, LOW] and high [ROWS, HIGH].

    row, present: [N], the keys' rows and which of them exist, where BOUNDED. seen: [ROWS], the queries that may see
    the tile, where MASKED.
    """
    key = _rows(k_base, row, k_stride, present, BOUNDED, 0, LOW, DIM)  # [N, LOW]
    logits = tl.dot(q_low, tl.trans(key), input_precision=PRECISION)  # [ROWS, LOW] @ [LOW, N] -> [ROWS, N]
    if HIGH:
        key = _rows(k_base, row, k_stride, present, BOUNDED, LOW, HIGH, DIM)  # [N, HIGH]
        logits = tl.dot(q_high, tl.trans(key), logits, input_precision=PRECISION)  # [ROWS, N]
    logits = logits * qk_scale + added
    if BOUNDED:
        logits = tl.where(present[None, :], logits, float("-inf"))  # [1, N] over [ROWS, N]
    if MASKED:
        logits = tl.where(seen[:, None], logits, float("-inf"))  # [ROWS, 1] over [ROWS, N]

    new_top = tl.maximum(top, tl.max(logits, 1))  # [ROWS]
    shrink = tl.exp2(top - new_top)  # [ROWS]
    weights = tl.exp2(logits - new_top[:, None])  # [ROWS, N]
    total = total * shrink + tl.sum(weights, 1)  # [ROWS]
    value = _rows(v_base, row, v_stride, present, BOUNDED, 0, LOW, DIM)  # [N, LOW]
    weights = weights.to(value.dtype)
    low = tl.dot(weights, value, low * shrink[:, None], input_precision=PRECISION)  # [ROWS, LOW]
    if HIGH:
        value = _rows(v_base, row, v_stride, present, BOUNDED, LOW, HIGH, DIM)  # [N, HIGH]
        high = tl.dot(weights, value, high * shrink[:, None], input_precision=PRECISION)  # [ROWS, HIGH]
    return new_top, total, low, high


@triton.jit
def masked_attention_forward(
    q,
    k,
    v,
    token_k,
    token_v,
    members,
    bias,
    out,
    q_b,
    q_h,
    q_n,
    k_b,
    k_h,
    k_n,
    v_b,
    v_h,
    v_n,
    tk_b,
    tk_h,
    tk_n,
    tv_b,
    tv_h,
    tv_n,
    o_b,
    o_h,
    o_n,
    members_b,
    members_n,
    bias_b,
    bias_r,
    heads,
    cells,
    regions,
    tokens,
    qk_scale,
    DIM: tl.constexpr,
    LOW: tl.constexpr,
    HIGH: tl.constexpr,
    ROWS: tl.constexpr,
    KEYS: tl.constexpr,
    TOKENS: tl.constexpr,
    UNIT: tl.constexpr,
    EVEN: tl.constexpr,
    EVEN_TOKENS: tl.constexpr,
    BIASED: tl.constexpr,
    PRECISION: tl.constexpr,
):
    """ROWS queries of one head of one batch row. The tensors are those of `AttentionCall`; x_b, x_h, x_n (or x_r) are
    the strides of x over batch, heads, rows (or regions), and tokens is T.

    The channels DIM <= LOW + HIGH are two powers of two, for 80 is much less than 128. Strides of matrices count UNIT
    elements: a head of 40 starts at a multiple of 8, which Triton would not see in the number 40, and only what is
    known to be aligned is loaded wide.
    """
    batch = (tl.program_id(1) // heads).to(tl.int64)
    head = (tl.program_id(1) % heads).to(tl.int64)
    row = tl.program_id(0) * ROWS + tl.arange(0, ROWS)  # [ROWS]
    there = row < cells  # [ROWS]

    q += (batch * q_b + head * q_h) * UNIT
    k += (batch * k_b + head * k_h) * UNIT
    v += (batch * v_b + head * v_h) * UNIT
    # From here on q, k and v are one [HW, d] matrix each.
    q_low = _rows(q, row, q_n * UNIT, there, True, 0, LOW, DIM)  # [ROWS, LOW]
    q_high = _rows(q, row, q_n * UNIT, there, True, LOW, HIGH if HIGH else 1, DIM)  # [ROWS, HIGH or 1]
    top = tl.full((ROWS,), float("-inf"), tl.float32)
    total = tl.zeros((ROWS,), tl.float32)
    low = tl.zeros((ROWS, LOW), tl.float32)
    high = tl.zeros((ROWS, HIGH if HIGH else 1), tl.float32)

    key = tl.arange(0, KEYS)  # [KEYS]
    whole = cells // KEYS * KEYS
    for first in range(0, whole, KEYS):
        top, total, low, high = _attend(
            q_low,
            q_high,
            k,
            v,
            k_n * UNIT,
            v_n * UNIT,
            first + key,
            there,
            there,
            0.0,
            top,
            total,
            low,
            high,
            qk_scale,
            False,
            False,
            LOW,
            HIGH,
            DIM,
            PRECISION,
        )
    if not EVEN:
        top, total, low, high = _attend(
            q_low,
            q_high,
            k,
            v,
            k_n * UNIT,
            v_n * UNIT,
            whole + key,
            whole + key < cells,
            there,
            0.0,
            top,
            total,
            low,
            high,
            qk_scale,
            True,
            False,
            LOW,
            HIGH,
            DIM,
            PRECISION,
        )

    word = tl.load(members + batch * members_b + row * members_n, mask=there, other=0)  # [ROWS]
    union = tl.reduce(word, 0, _either)  # one word
    token_k += (batch * tk_b + head * tk_h) * UNIT
    token_v += (batch * tv_b + head * tv_h) * UNIT
    token = tl.arange(0, TOKENS)  # [TOKENS]; token_k and token_v are one [R*T, d] matrix each
    for region in range(regions):
        if (union >> region) & 1 != 0:
            added = 0.0
            if BIASED:
                added = tl.load(bias + batch * bias_b + region * bias_r).to(tl.float32) * LOG2_E
            seen = (word >> region) & 1 != 0  # [ROWS]
            for first in range(0, tokens, TOKENS):
                top, total, low, high = _attend(
                    q_low,
                    q_high,
                    token_k,
                    token_v,
                    tk_n * UNIT,
                    tv_n * UNIT,
                    region * tokens + first + token,
                    first + token < tokens,
                    seen,
                    added,
                    top,
                    total,
                    low,
                    high,
                    qk_scale,
                    not EVEN_TOKENS,
                    True,
                    LOW,
                    HIGH,
                    DIM,
                    PRECISION,
                )

    place = out + (batch * o_b + head * o_h) * UNIT + row[:, None] * (o_n * UNIT)  # [ROWS, 1]
    channel = tl.arange(0, LOW)  # [LOW]
    tl.store(
        place + channel[None, :],  # [ROWS, LOW]
        (low / total[:, None]).to(out.dtype.element_ty),
        mask=there[:, None] & (channel < DIM)[None, :],
    )
    if HIGH:
        channel = LOW + tl.arange(0, HIGH)  # [HIGH]
        tl.store(
            place + channel[None, :],  # [ROWS, HIGH]
            (high / total[:, None]).to(out.dtype.element_ty),
            mask=there[:, None] & (channel < DIM)[None, :],
        )
