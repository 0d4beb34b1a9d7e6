"""The fused kernel against the dense oracle: in Triton's interpreter on every machine, compiled where there is a GPU.

Triton decides for the interpreter when it is first imported, so the interpreted run is a process of its own.
"""

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from deig_core.attention import masked_attention
from deig_core.attention.triton import tiles

INTERPRETED = os.environ.get("TRITON_INTERPRET") == "1"
DEVICE = "cpu" if INTERPRETED else "cuda"
ROOT = Path(__file__).resolve().parents[2]

pytest.importorskip("triton")
needs_a_way_to_run = pytest.mark.skipif(
    not INTERPRETED and not torch.cuda.is_available(), reason="neither interpreted nor a GPU"
)

# Absolute, on outputs of unit scale: the roundings of the dtype, once for the weights and once for the output.
TOLERANCE = {torch.float32: 2e-5, torch.float16: 4e-3, torch.bfloat16: 3e-2}


@pytest.mark.skipif(INTERPRETED, reason="this is the interpreted run")
def test_the_kernel_in_the_interpreter():
    environment = os.environ | {"TRITON_INTERPRET": "1", "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", __file__],
        cwd=ROOT,
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    assert done.returncode == 0, done.stdout[-4000:]


@st.composite
def calls(draw):
    # The interpreter takes each block of tokens by itself, for each block of cells in each head of each picture: 64
    # regions are there for their 64 bits, not for many blocks of either.
    regions = draw(st.sampled_from([1, 3, 64]))
    slow = INTERPRETED and regions == 64
    cells = draw(st.sampled_from([1, 15, 70] if slow else [1, 15, 64, 70, 130]))
    dim = draw(st.sampled_from([8, 40, 64, 80, 160, 256]))
    tokens = draw(st.sampled_from([1, 4, 16, 40] if regions < 64 else [1, 4]))
    batch, heads = draw(st.integers(1, 2)), draw(st.integers(1, 1 if slow else 2))
    # The interpreter multiplies bfloat16 as if it were integers.
    dtype = draw(st.sampled_from([t for t in TOLERANCE if not (INTERPRETED and t == torch.bfloat16)]))
    generator = torch.Generator().manual_seed(draw(st.integers(0, 2**32 - 1)))

    def tensor(*shape):
        values = torch.randn(shape, generator=generator).to(DEVICE, dtype)
        layout = draw(st.sampled_from(["plain", "heads inside", "channels outside"]))
        if layout == "heads inside":
            return values.transpose(1, 2).contiguous().transpose(1, 2)
        return values.mT.contiguous().mT if layout == "channels outside" else values

    own = torch.rand(draw(st.sampled_from([1, batch])), cells, regions, generator=generator) < draw(
        st.sampled_from([0.0, 0.03, 0.5, 1.0])
    )
    own[-1] &= draw(st.booleans())
    bias = None
    if draw(st.booleans()):
        bias = torch.randn(draw(st.sampled_from([1, batch])), regions, generator=generator)
        bias[..., 0] = draw(st.sampled_from([0.0, float("-inf")]))
    visual = [tensor(batch, heads, cells, dim) for _ in range(3)]
    instance = [tensor(draw(st.sampled_from([1, batch])), heads, regions * tokens, dim)]
    instance.append(tensor(*instance[0].shape))
    members = (own.long() << torch.arange(regions)).sum(-1).to(DEVICE)
    return (*visual, *instance, members), {
        "tokens_per_region": tokens,
        "bias": None if bias is None else bias.to(DEVICE),
    }


@needs_a_way_to_run
@settings(max_examples=30 if INTERPRETED else 60)
@given(calls())
def test_the_kernel_is_the_oracle(call):
    (*tensors, members), options = call
    result = masked_attention(*tensors, members, **options, implementation="triton")
    right = masked_attention(*(t.double() for t in tensors), members, **options, implementation="dense")
    assert result.dtype == tensors[0].dtype
    torch.testing.assert_close(result.double(), right, rtol=0, atol=TOLERANCE[result.dtype])


@needs_a_way_to_run
def test_training_is_refused():
    q = torch.zeros(1, 1, 4, 8, requires_grad=True, device=DEVICE)
    with pytest.raises(ValueError, match="no gradient"):
        masked_attention(
            q,
            q,
            q,
            q,
            q,
            torch.zeros(1, 4, dtype=torch.int64, device=DEVICE),
            tokens_per_region=4,
            implementation="triton",
        )


@pytest.mark.skipif(INTERPRETED, reason="about the compiled kernel")
def test_a_cpu_tensor_is_refused_in_one_sentence():
    q = torch.zeros(1, 1, 4, 8)
    with pytest.raises(ValueError, match="on a GPU"):
        masked_attention(
            q, q, q, q, q, torch.zeros(1, 4, dtype=torch.int64), tokens_per_region=4, implementation="triton"
        )


def test_a_head_is_split_into_powers_of_two():
    right = {
        1: (16, 0),
        16: (16, 0),
        40: (32, 16),
        64: (64, 0),
        80: (64, 16),
        160: (128, 32),
        250: (128, 128),
        256: (256, 0),
    }
    assert {dim: tiles.split(dim) for dim in right} == right


def test_unknown_and_small_cards_have_the_tiles_that_were_chosen_for_99_kilobytes():
    for shared in (0, 64, 99, 100):
        for dtype in (torch.float16, torch.bfloat16):
            widths = {
                16: (128, 64, 4, 3),
                48: (128, 64, 4, 3),
                64: (128, 64, 4, 3),
                80: (128, 64, 8, 2),
                128: (128, 64, 8, 2),
                160: (64, 32, 4, 2),
                256: (64, 32, 4, 2),
            }
            assert {width: tiles.tile_for(width, dtype, shared) for width in widths} == widths
        widths = {
            48: (64, 32, 4, 2),
            64: (64, 32, 4, 2),
            80: (32, 32, 4, 2),
            128: (32, 32, 4, 2),
            160: (32, 16, 4, 2),
            256: (32, 16, 4, 2),
        }
        assert {width: tiles.tile_for(width, torch.float32, shared) for width in widths} == widths


def test_a_larger_card_has_its_own_tiles_where_they_were_measured(monkeypatch):
    ampere, hopper = (128, 128, 8, 3), (256, 64, 8, 4)
    monkeypatch.setattr(tiles, "LARGER", {160: {(48, 16): ampere}, 227: {(48, 16): hopper, (160, 32): hopper}})
    assert tiles.tile_for(48, torch.float16, 163) == ampere and tiles.tile_for(48, torch.bfloat16, 227) == hopper
    assert tiles.tile_for(48, torch.float16, 99) == tiles.TILES[64, 16]
    # A width without an entry of its own has the next wider one, whoever measured it.
    assert (
        tiles.tile_for(64, torch.float16, 227) == tiles.TILES[64, 16]
        and tiles.tile_for(144, torch.float32, 227) == hopper
    )
    assert tiles.tile_for(48, torch.float32, 227) == tiles.TILES[64, 32]


def test_a_cards_shared_memory_is_asked_for_once_and_may_be_unknown(monkeypatch):
    asked = []

    def properties(index):
        asked.append(index)
        return SimpleNamespace(shared_memory_per_block_optin=232448) if index == 5 else SimpleNamespace()

    monkeypatch.setattr(torch.cuda, "get_device_properties", properties)
    tiles.shared_memory.cache_clear()
    assert [tiles.shared_memory(i) for i in (5, 5, 6)] == [227, 227, 0] and asked == [5, 6]
    tiles.shared_memory.cache_clear()


@pytest.mark.skipif(INTERPRETED, reason="about the compiled kernel")
@pytest.mark.parametrize("dim, dtype", [(40, "fp16"), (80, "bf16"), (160, "fp16"), (40, "fp32")])
def test_it_compiles_for_a_gpu_that_is_not_there(dim, dtype):
    """A launch with SD1.5's shapes, built for compute capability 8.0, within the shared memory of a small card."""
    from triton.backends.compiler import GPUTarget
    from triton.compiler import ASTSource, compile

    from deig_core.attention.triton.kernel import masked_attention_forward as kernel

    low, high = tiles.split(dim)
    rows, keys, warps, stages = tiles.tile_for(
        low + high, {"fp16": torch.float16, "bf16": torch.bfloat16, "fp32": torch.float32}[dtype]
    )
    constants = {
        "DIM": dim,
        "LOW": low,
        "HIGH": high,
        "ROWS": rows,
        "KEYS": keys,
        "TOKENS": 16,
        "UNIT": 8,
        "EVEN": False,
        "EVEN_TOKENS": True,
        "BIASED": True,
        "PRECISION": "ieee",
    }
    types = dict.fromkeys(("q", "k", "v", "token_k", "token_v", "out"), f"*{dtype}")
    types |= {"members": "*i64", "bias": "*fp32", "qk_scale": "fp32"}
    signature = {name: "constexpr" if name in constants else types.get(name, "i32") for name in kernel.arg_names}
    aligned = {(i,): [["tt.divisibility", 16]] for i, kind in enumerate(signature.values()) if kind.startswith("*")}
    source = ASTSource(
        kernel, signature, {(kernel.arg_names.index(name),): value for name, value in constants.items()}, aligned
    )
    built = compile(source, target=GPUTarget("cuda", 80, 32), options={"num_warps": warps, "num_stages": stages})
    assert built.metadata.shared <= 99 * 1024
