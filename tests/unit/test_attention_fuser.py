"""The fuser around the masked attention: one function in pieces, in training, compiled, and with any device's gates."""

import shutil

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from deig_core.model import pieces as pieces_module
from deig_core.model.fuser import Fuser, LevelInstances, plain_attention

TOKENS, WIDTH = 4, 12


def made(channels=32, heads=4, dtype=torch.float32, seed=0):
    """A fuser with random weights and open gates."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        module = Fuser(channels, WIDTH, heads, dtype=dtype).requires_grad_(False)
    module.alpha_attn.fill_(0.7)
    module.alpha_dense.fill_(-0.4)
    return module


def instances_of(rows, cells, regions, generator, dtype=torch.float32):
    """Instances of `rows` rows: none, or as many regions, each with some cells and one with none."""
    if not regions:
        return LevelInstances(rows)
    own = torch.rand(1, cells, regions, generator=generator) < 0.4
    own[..., 0] = False
    tokens = torch.randn(1, regions * TOKENS, WIDTH, generator=generator, dtype=dtype)
    return LevelInstances(rows, tokens, TOKENS, (own.long() << torch.arange(regions)).sum(-1))


@st.composite
def calls(draw):
    cells = draw(st.integers(1, 40))
    generator = torch.Generator().manual_seed(draw(st.integers(0, 2**32 - 1)))
    groups = [
        instances_of(draw(st.integers(1, 2)), cells, draw(st.sampled_from([0, 0, 1, 5])), generator)
        for _ in range(draw(st.integers(1, 3)))
    ]
    x = torch.randn(sum(instances.rows for instances in groups), cells, 32, generator=generator)
    if draw(st.booleans()):
        x = x.mT.contiguous().mT
    return x, groups, draw(st.sampled_from([1.0, 0.3]))


@settings(max_examples=60)
@given(calls(), st.sampled_from([1, 7, 64, 1024]))
def test_pieces_and_training_are_one_function(call, rows):
    """Without gradients a CPU works in pieces; with them it must not. Both leave x alone."""
    x, groups, scale = call
    module, before = made(), x.clone()
    whole = module(x, groups, scale)
    with torch.no_grad(), pytest.MonkeyPatch.context() as patch:
        patch.setattr(pieces_module, "CPU_CELLS", rows)
        pieces = module(x, groups, scale)
    assert pieces.shape == x.shape and torch.equal(x, before)
    torch.testing.assert_close(pieces, whole, rtol=0, atol=1e-5)


def test_the_definition():
    """docs/method.md section 4, step by step, for a row with regions beside one without."""
    module, generator = made(), torch.Generator().manual_seed(1)
    groups = [instances_of(1, 9, 3, generator), LevelInstances(1)]
    x, scale = torch.randn(2, 9, 32, generator=generator), 0.6
    rows = []
    for row, instances in zip(x[:, None], groups, strict=True):
        parts = [row] if instances.tokens is None else [row, module.linear(instances.tokens)]
        joined = module.norm1(torch.cat(parts, dim=1))
        q, k, v = (
            p(joined).view(1, -1, 4, 8).transpose(1, 2) for p in (module.attn.to_q, module.attn.to_k, module.attn.to_v)
        )
        seen = torch.ones(9, joined.shape[1], dtype=torch.bool)
        if instances.tokens is not None:
            seen[:, 9:] = (
                ((instances.members[0, :, None] >> torch.arange(3)) & 1).bool().repeat_interleave(TOKENS, dim=1)
            )
        logits = (q[:, :, :9] @ k.mT / 8**0.5).masked_fill(~seen, float("-inf"))
        out = (logits.softmax(-1) @ v).transpose(1, 2).reshape(1, 9, 32)
        row = row + scale * module.alpha_attn.tanh() * module.attn.to_out(out)
        value, gate = module.ff.net[0].proj(module.norm2(row)).chunk(2, dim=-1)
        rows.append(row + scale * module.alpha_dense.tanh() * module.ff.net[2](value * torch.nn.functional.gelu(gate)))
    for grad in (True, False):
        with torch.set_grad_enabled(grad):
            torch.testing.assert_close(module(x, groups, scale), torch.cat(rows), rtol=0, atol=1e-5)


def test_gradients_reach_everything_and_are_right():
    module, generator = (
        made(channels=8, heads=2, dtype=torch.float64).requires_grad_(True),
        torch.Generator().manual_seed(2),
    )
    instances = instances_of(1, 5, 2, generator, torch.float64)
    x = torch.randn(2, 5, 8, generator=generator, dtype=torch.float64)
    names = [name for name, _ in module.named_parameters()]

    def call(x, tokens, *parameters):
        groups = [LevelInstances(1, tokens, TOKENS, instances.members), LevelInstances(1)]
        return torch.func.functional_call(module, dict(zip(names, parameters, strict=True)), (x, groups, 0.8))

    leaves = [t.detach().clone().requires_grad_() for t in (x, instances.tokens, *module.parameters())]
    assert torch.autograd.gradcheck(call, leaves, fast_mode=True, atol=1e-6)
    grads = torch.autograd.grad(call(*leaves).sum(), leaves)
    assert all(g.abs().max() > 0 for g in grads)


@pytest.mark.parametrize(
    "backend, training",
    [
        ("eager", False),
        ("eager", True),
        ("aot_eager", False),
        ("aot_eager", True),
        pytest.param(
            "inductor",
            False,
            marks=pytest.mark.skipif(not shutil.which("g++"), reason="the compiler of torch.compile needs g++"),
        ),
    ],
)
def test_a_compiled_fuser_gives_the_same(monkeypatch, backend, training):
    module, generator = made().requires_grad_(training), torch.Generator().manual_seed(3)
    groups = [instances_of(1, 16, 3, generator), LevelInstances(1)]
    x = torch.randn(2, 16, 32, generator=generator)
    torch._dynamo.reset()
    # Else processes that compile together are started for one small module.
    monkeypatch.setattr("torch._inductor.config.compile_threads", 1)
    compiled = torch.compile(module, backend=backend)
    with torch.set_grad_enabled(training):
        result, right = compiled(x, groups, 0.5), module(x, groups, 0.5)
        torch.testing.assert_close(result, right, rtol=0, atol=1e-5)
        if training:
            for ours, theirs in zip(
                *(torch.autograd.grad(r.square().sum(), list(module.parameters())) for r in (result, right)),
                strict=True,
            ):
                torch.testing.assert_close(ours, theirs)


def test_rows_without_regions_use_the_given_attention():
    module, generator, seen = made(), torch.Generator().manual_seed(4), []

    def host(q, k, v, heads):
        seen.append((q.shape[0], heads))
        return plain_attention(q, k, v, heads)

    x = torch.randn(4, 9, 32, generator=generator)
    module(x, [LevelInstances(1), instances_of(1, 9, 2, generator), LevelInstances(2)], 1.0, host)
    assert seen == [(1, 4), (2, 4)]
    seen.clear()
    module(x, [LevelInstances(1), LevelInstances(3)], 1.0, host)
    assert seen == [(4, 4)]
