"""The whole UNet in the host, patched the way the nodes do it, is the official function (golden files)."""

from pathlib import Path

import pytest
from parity import TOLERANCE, GoldenUNet

GOLDEN = Path(__file__).parents[1] / "golden"
UNETS = ["unet", "unet_2level"]


@pytest.fixture(scope="module", params=UNETS)
def unet(request, host_nodes):
    return GoldenUNet(host_nodes, GOLDEN / f"{request.param}.safetensors")


@pytest.fixture
def another_row(unet, request):
    """The first row of one file and the second of the other: both rows of both are in the batched calls."""
    return UNETS.index(request.node.callspec.params["unet"])


@pytest.mark.parametrize("row", [0, 1])
def test_one_batched_cfg_call(unet, row, another_row):
    batch = 1 + row * another_row  # two pictures in one of the four
    cond, uncond = unet.run(row, batch=batch)
    assert len(cond) == len(uncond) == batch
    assert unet.difference("out_cond", cond, row) <= TOLERANCE
    assert unet.difference("out_uncond", uncond, row) <= TOLERANCE


def test_two_separate_calls(unet, another_row):
    (cond,) = unet.run(another_row, cfg=1.0)
    (uncond,) = unet.run(another_row, cfg=1.0, swap=True)
    assert unet.difference("out_cond", cond, another_row) <= TOLERANCE
    assert unet.difference("out_uncond", uncond, another_row) <= TOLERANCE


def test_strength_0_is_the_plain_unet_with_the_ide_context(unet, another_row):
    (cond,) = unet.run(another_row, cfg=1.0, strength=0.0)
    assert unet.difference("out_cond_scale0", cond, another_row) <= TOLERANCE
