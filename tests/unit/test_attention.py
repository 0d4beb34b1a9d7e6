"""Every implementation of the masked attention against the dense oracle, over drawn shapes, members, biases and
strides.
"""

import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from deig_core.attention import IMPLEMENTATIONS, masked_attention, merge
from deig_core.attention.contract import AttentionCall
from deig_core.attention.flash import flash_with_lse
from deig_core.attention.triton import policy
from deig_core.attention.widened import widened

# Absolute, on outputs of unit scale: one or two roundings of the dtype itself.
TOLERANCE = {torch.float64: 1e-11, torch.float32: 5e-6, torch.bfloat16: 2e-2, torch.float16: 3e-3}


@st.composite
def calls(draw, dtypes=(torch.float32, torch.bfloat16, torch.float64), dims=(8, 24, 40, 64, 80, 96, 160, 256)):
    """Arguments of one call: any batch row with its own regions or none, overlaps, hidden regions, shared tokens,
    odd strides.
    """
    batch, heads = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    # SD 1.x has heads of 40, 80 and 160; whatever else there is up to 256, odd numbers too, must do.
    cells, dim = (
        draw(st.integers(1, 70)),
        draw(st.sampled_from(dims) if len(dims) == 1 else st.sampled_from(dims) | st.integers(1, 256)),
    )
    regions, tokens = draw(st.sampled_from([1, 2, 3, 5, 30, 64])), draw(st.sampled_from([1, 3, 4, 16]))
    dtype = draw(st.sampled_from(dtypes))
    generator = torch.Generator().manual_seed(draw(st.integers(0, 2**32 - 1)))

    def tensor(rows, *shape):
        values = torch.randn(rows, *shape, generator=generator, dtype=torch.float64).to(dtype)
        layout = draw(st.sampled_from(["plain", "heads inside", "channels outside", "padded"]))
        if layout == "heads inside":  # what a projection gives: [B, N, heads, d] seen as [B, heads, N, d]
            return values.transpose(1, 2).contiguous().transpose(1, 2)
        if layout == "channels outside":
            return values.mT.contiguous().mT
        if layout == "padded":
            return torch.cat([values, values], dim=-1)[..., : values.shape[-1]]
        return values

    shared_tokens, shared_members = draw(st.booleans()), draw(st.booleans())
    density = draw(st.sampled_from([0.0, 0.05, 0.5, 1.0]))
    own = torch.rand(1 if shared_members else batch, cells, regions, generator=generator) < density
    if not shared_members and draw(st.booleans()):
        own[-1] = False  # the unconditional half of a call
    words = (own.long() << torch.arange(regions)).sum(-1)
    bias = None
    if draw(st.booleans()):
        bias = torch.randn(1 if draw(st.booleans()) else batch, regions, generator=generator)
        if draw(st.booleans()):
            bias[..., draw(st.integers(0, regions - 1))] = float("-inf")
    visual = [tensor(batch, heads, cells, dim) for _ in range(3)]
    instance = [tensor(1 if shared_tokens else batch, heads, regions * tokens, dim) for _ in range(2)]
    return (*visual, *instance, words), {"tokens_per_region": tokens, "bias": bias}


def oracle(arguments, options):
    *tensors, members = arguments
    return masked_attention(*(t.double() for t in tensors), members, **options, implementation="dense")


def assert_close(result, arguments, options):
    tensor = arguments[0]
    assert result.shape == tensor.shape and result.dtype == tensor.dtype
    torch.testing.assert_close(result.double(), oracle(arguments, options), rtol=0, atol=TOLERANCE[tensor.dtype])


@settings(max_examples=150)
@given(calls(dtypes=(*TOLERANCE,)))
def test_sdpa_is_the_oracle(call):
    arguments, options = call
    assert_close(masked_attention(*arguments, **options, implementation="sdpa"), arguments, options)


@settings(max_examples=60)
@given(calls())
def test_auto_is_the_oracle(call):
    arguments, options = call
    assert_close(masked_attention(*arguments, **options), arguments, options)


@settings(max_examples=100)
@given(
    calls(dtypes=(*TOLERANCE,)),
    st.sampled_from([1, 700, 4 << 20]),
    st.sampled_from(["by_region", "by_mask", "by_cells", "on_cpu"]),
)
def test_every_way_to_merge_is_the_oracle_whatever_the_scratch(call, entries, name):
    arguments, options = call
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(merge, "SCRATCH_ENTRIES", entries)
        call = AttentionCall(*arguments, **options)
        result = getattr(merge, f"merge_{name}")(call, *flash_with_lse(*arguments[:3]))
    assert_close(result, arguments, options)


@settings(max_examples=60)
@given(calls())
def test_widened_heads_are_the_oracle(call):
    arguments, options = call
    assert_close(widened(AttentionCall(*arguments, **options)), arguments, options)


@settings(max_examples=10)
@given(calls(dtypes=(torch.float64,), dims=(8,)), st.booleans())
def test_gradients_are_right(call, with_bias):
    (*tensors, members), options = call
    assume(members.numel() * tensors[3].shape[2] <= 2000)
    bias = options["bias"]
    # The finite difference of an infinite bias is NaN: only finite ones are differentiated.
    with_bias = with_bias and bias is not None and bool(bias.isfinite().all())
    leaves = [t.detach().clone().requires_grad_() for t in tensors] + (
        [bias.double().requires_grad_()] if with_bias else []
    )

    def call_it(q, k, v, token_k, token_v, own_bias=bias):
        return masked_attention(
            q, k, v, token_k, token_v, members, tokens_per_region=options["tokens_per_region"], bias=own_bias
        )

    assert torch.autograd.gradcheck(call_it, leaves, fast_mode=True, atol=1e-6)


def example(dtype=torch.float32, batch=2, cells=16, regions=3, tokens=4, requires_grad=False):
    generator = torch.Generator().manual_seed(0)
    visual = [
        torch.randn(batch, 2, cells, 8, generator=generator).to(dtype).requires_grad_(requires_grad) for _ in range(3)
    ]
    instance = [
        torch.randn(1, 2, regions * tokens, 8, generator=generator).to(dtype).requires_grad_(requires_grad)
        for _ in range(2)
    ]
    return (*visual, *instance, torch.randint(0, 1 << regions, (batch, cells), generator=generator)), {
        "tokens_per_region": tokens
    }


def test_a_cell_of_no_region_sees_visual_tokens_only():
    (q, k, v, *instance, members), options = example()
    ordinary = torch.nn.functional.scaled_dot_product_attention(q, k, v)
    for name in ("dense", "sdpa"):
        result = masked_attention(q, k, v, *instance, torch.zeros_like(members), **options, implementation=name)
        torch.testing.assert_close(result, ordinary)


def test_the_64th_region_is_the_sign_bit():
    (q, k, v, *_), _ = example()
    ordinary = torch.nn.functional.scaled_dot_product_attention(q, k, v)
    tokens = torch.randn(2, 1, 2, 64, 8)
    members = torch.zeros(1, 16, dtype=torch.int64)
    members[0, 3] = torch.iinfo(torch.int64).min
    arguments, options = (q, k, v, *tokens, members), {"tokens_per_region": 1}
    assert_close(masked_attention(*arguments, **options), arguments, options)
    assert not torch.allclose(masked_attention(*arguments, **options)[:, :, 3], ordinary[:, :, 3])


def test_inputs_are_left_alone():
    arguments, options = example()
    before = [t.clone() for t in arguments]
    masked_attention(*arguments, **options)
    assert all(torch.equal(a, b) for a, b in zip(before, arguments, strict=True))


@pytest.mark.parametrize("backend", ["eager", "aot_eager"])
@pytest.mark.parametrize("requires_grad", [False, True])
def test_a_compiled_model_gives_the_same(backend, requires_grad):
    arguments, options = example(requires_grad=requires_grad)

    def model(q, *rest):
        return masked_attention(q * 2, *rest, **options) + 1

    torch._dynamo.reset()
    compiled = torch.compile(model, backend=backend, fullgraph=True)
    result = compiled(*arguments)
    torch.testing.assert_close(result, model(*arguments))
    if requires_grad:
        grads = torch.autograd.grad(result.sum(), arguments[:5])
        for ours, right in zip(grads, torch.autograd.grad(model(*arguments).sum(), arguments[:5]), strict=True):
            torch.testing.assert_close(ours, right)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_gradients_in_training_precisions_are_those_of_the_oracle(dtype):
    arguments, options = example(dtype, requires_grad=True)
    options["bias"] = torch.tensor([[0.0, -0.7, 0.4]], requires_grad=True)
    leaves = [*arguments[:5], options["bias"]]
    found = torch.autograd.grad(masked_attention(*arguments, **options).float().square().sum(), leaves)
    right = torch.autograd.grad(oracle(arguments, options).square().sum(), leaves)
    for ours, theirs in zip(found, right, strict=True):
        assert (ours - theirs).abs().max() <= {torch.float32: 1e-5, torch.bfloat16: 0.05, torch.float16: 0.01}[
            dtype
        ] * theirs.abs().max()


def break_(arguments, options, **changes):
    names = ("q", "k", "v", "token_k", "token_v", "members")
    values = dict(zip(names, arguments, strict=True)) | options | changes
    return masked_attention(*[values.pop(n) for n in names], **values)


@pytest.mark.parametrize(
    "changes, words",
    [
        ({"implementation": "fast"}, "no implementation 'fast'"),
        ({"tokens_per_region": 5}, "12 tokens at 5 a region"),
        ({"tokens_per_region": 0}, "12 tokens at 0 a region"),
        ({"k": torch.zeros(2, 2, 15, 8)}, "one shape"),
        ({"token_k": torch.zeros(2, 2, 12, 4)}, "instance keys and values"),
        ({"token_v": torch.zeros(1, 2, 8, 8)}, "instance keys and values"),
        ({"members": torch.zeros(2, 16)}, "int64 membership words"),
        ({"members": torch.zeros(3, 16, dtype=torch.int64)}, "int64 membership words"),
        ({"bias": torch.zeros(3)}, "bias"),
        ({"q": torch.zeros(2, 2, 16, 8, dtype=torch.float64)}, "one dtype"),
    ],
)
def test_what_does_not_fit_is_said_in_one_sentence(changes, words):
    with pytest.raises(ValueError, match=words):
        break_(*example(), **changes)


def test_a_call_knows_its_sizes_and_stays_as_it_was_checked():
    arguments, options = example(batch=2, cells=16, regions=3, tokens=4)
    call = AttentionCall(*arguments, **options)
    assert (call.batch, call.heads, call.cells, call.dim, call.regions) == (2, 2, 16, 8, 3)
    with pytest.raises(AttributeError):
        call.tokens_per_region = 6


@pytest.mark.parametrize("name", ["q", "k", "v", "token_k", "token_v", "bias"])
def test_a_call_says_whether_autograd_wants_to_follow_it(name):
    arguments, options = example()
    call = AttentionCall(*arguments, **options, bias=torch.zeros(1, 3))
    assert not call.needs_gradient
    call = replace(call, **{name: getattr(call, name).requires_grad_()})
    assert call.needs_gradient
    with torch.no_grad():
        assert not call.needs_gradient


def test_more_than_64_regions_are_refused():
    with pytest.raises(ValueError, match="1 to 64 regions"):
        masked_attention(*example(regions=33, tokens=2)[0], tokens_per_region=1)


def test_a_wrong_name_is_answered_with_all_names():
    arguments, options = example()
    with pytest.raises(ValueError, match="no implementation 'flash'") as said:
        masked_attention(*arguments, **options, implementation="flash")
    assert {"auto", *IMPLEMENTATIONS} <= set(re.findall(r"\w+", str(said.value).split("choose")[1]))


def test_a_kernel_that_cannot_run_is_tried_once_and_said_once(monkeypatch, caplog):
    tries = []

    def no_compiler(*_):
        tries.append(1)
        raise RuntimeError("Failed to find C compiler.\nand more")

    monkeypatch.setattr(policy, "_failed", False)
    monkeypatch.setattr(policy, "suits", lambda q: not policy._failed)
    monkeypatch.setattr(policy, "triton", no_compiler)
    arguments, options = example()
    with caplog.at_level("INFO"):
        for _ in range(3):
            assert_close(masked_attention(*arguments, **options), arguments, options)
    assert len(tries) == len(caplog.records) == 1
    assert caplog.messages[0].endswith("(RuntimeError: Failed to find C compiler.).")


def test_triton_is_not_imported_on_a_cpu():
    code = (
        "import sys, torch; before = 'triton' in sys.modules\n"
        "from deig_core.attention import masked_attention\n"
        "t = torch.zeros(1, 1, 4, 8)\n"
        "masked_attention(t, t, t, t, t, torch.ones(1, 4, dtype=torch.int64), tokens_per_region=4)\n"
        "sys.exit(not before and 'triton' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=Path(__file__).resolve().parents[2], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def test_a_machine_without_triton_never_notices():
    """Triton hidden from the import system, as on Windows: not even on a GPU is it asked for, and nothing is logged."""
    code = """
import logging, sys
from importlib.machinery import PathFinder

find = PathFinder.find_spec
PathFinder.find_spec = lambda name, *more: None if name.partition(".")[0] == "triton" else find(name, *more)
lines = []
emit = lambda self, record: lines.append(record.getMessage())
logging.getLogger().addHandler(type("Keep", (logging.Handler,), {"emit": emit})())
logging.getLogger("deig_core").setLevel(logging.DEBUG)
import torch
from deig_core.attention import masked_attention
from deig_core.attention.triton import policy
from deig_core import call

class OnAGpu:
    device, dtype, shape = torch.device("cuda"), torch.float16, (1, 8, 64, 40)

assert not policy.suits(OnAGpu())
t = torch.randn(1, 1, 4, 8)
masked_attention(t, t, t, t, t, torch.ones(1, 4, dtype=torch.int64), tokens_per_region=4)
assert "triton" not in sys.modules and not lines, lines
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=Path(__file__).resolve().parents[2], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
