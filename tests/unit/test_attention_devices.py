"""Inside a step nothing passes between the CPU and a device. Shown on the meta device: reading one of its values is
an error by itself.
"""

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from deig_core.attention.contract import AttentionCall
from deig_core.attention.merge import merge_by_cells
from deig_core.call import RowGroup, ground
from deig_core.layout.layout import Layout
from deig_core.layout.window import Window
from deig_core.model.adapter import DeigAdapter
from deig_core.model.config import DeigConfig
from deig_core.model.extractor import Extractor
from deig_core.regions.document import Region
from deig_core.text.features import TextFeatures
from deig_core.text.grounded import GroundedText

META = torch.device("meta")
BLOCK = ("input", 1, 0)
CONFIG = DeigConfig(
    text_dim=24,
    width=16,
    layers=1,
    heads=2,
    tokens=4,
    time_channels=8,
    time_dim=16,
    hidden=32,
    fuser_heads=2,
    fusers=((BLOCK, 32),),
)


class NothingCrosses(TorchDispatchMode):
    """Refuses operators that join tensors of two devices, copies above all."""

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        devices = {t.device.type for t in tree_leaves((args, kwargs, out)) if isinstance(t, torch.Tensor)}
        assert len(devices) <= 1, f"{func} joins {devices}"
        return out


@pytest.fixture
def adapter():
    return DeigAdapter(CONFIG).requires_grad_(False).to(META)


def call(adapter, extractor, runs, timestep, dtype=torch.float32):
    """One UNet call as far as DEIG is concerned: the IDE, the position net and a fuser of an 8 x 8 level."""
    times = timestep if isinstance(timestep, list) else [timestep] * sum(run.rows for run in runs)
    grounded = ground(extractor, runs, times, META, dtype=dtype)
    x = torch.empty(len(times), 64, 32, device=META, dtype=dtype)
    return adapter.fuser(BLOCK)(x, grounded.instances((8, 8), META))


@torch.no_grad()
def test_nothing_crosses_once_texts_and_regions_are_known(adapter, monkeypatch):
    text = [TextFeatures(torch.randn(3, 24), str(i)) for i in range(3)]
    layout = Layout((Region("a", (0.0, 0.0, 0.5, 1.0)), Region("b", (0.3, 0.2, 1.0, 0.9), strength=0.5)))
    whole = Window.whole((8, 8))
    runs = [
        RowGroup(1, GroundedText(text[0], layout, tuple(text[1:])), whole),
        RowGroup(2, GroundedText(text[0], Layout(()), ()), whole),
    ]
    extractor = Extractor(adapter)
    call(adapter, extractor, runs, 951.0)
    # It copies numbers to the device, unseen by the mode.
    monkeypatch.setattr(torch, "tensor", lambda *_, **__: pytest.fail("torch.tensor makes the device wait"))
    with NothingCrosses():
        for timestep in (926.0, 901.0, [876.0, 851.0, 851.0]):
            assert call(adapter, extractor, runs, timestep).shape == (3, 64, 32)
        # A host that loads a model in parts leaves bare parameters on the CPU.
        fuser = adapter.fuser(BLOCK)
        fuser.alpha_attn, fuser.alpha_dense = (
            torch.nn.Parameter(torch.ones(()), requires_grad=False) for _ in range(2)
        )
        assert call(adapter, extractor, runs, 926.0).shape == (3, 64, 32)


@torch.no_grad()
def test_the_merge_of_a_gpu_without_triton_reads_no_value():
    q, lse, words = (
        torch.empty(2, 2, 9, 8, device=META),
        torch.empty(2, 2, 9, device=META),
        torch.empty(1, 9, dtype=torch.int64, device=META),
    )
    tokens, bias = torch.empty(1, 2, 3 * 4, 8, device=META), torch.empty(1, 3, device=META)
    with NothingCrosses():
        call = AttentionCall(q, q, q, tokens, tokens, words, 4, bias)
        assert merge_by_cells(call, torch.empty_like(q), lse).shape == q.shape


@torch.no_grad()
def test_tokens_are_cast_once_for_all_blocks(adapter):
    layout = Layout((Region("a", (0.0, 0.0, 0.5, 1.0)),))
    text = TextFeatures(torch.randn(3, 24), "a")
    grounded = ground(
        Extractor(adapter),
        [RowGroup(1, GroundedText(text, layout, (text,)), Window.whole((8, 8)))],
        [951.0],
        META,
        dtype=torch.float16,
    )
    (level,), (other,) = (grounded.instances(grid, META) for grid in ((8, 8), (4, 4)))
    assert level.tokens.dtype == torch.float16 and level.tokens is other.tokens
