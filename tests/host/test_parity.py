"""The whole UNet in the host, patched the way the nodes do it, is the official function (golden files)."""

from pathlib import Path

import pytest
from parity import TOLERANCE, GoldenUNet

GOLDEN = Path(__file__).parents[1] / "golden"
ROWS = (0, 1)


@pytest.fixture(scope="module", params=["unet", "unet_2level"])
def unet(request, host_nodes):
    return GoldenUNet(host_nodes, GOLDEN / f"{request.param}.safetensors")


@pytest.mark.parametrize(("row", "batch"), [(0, 2), (1, 1)])
def test_one_batched_cfg_call(unet, row, batch):
    cond, uncond = unet.run(row, batch=batch)
    assert len(cond) == len(uncond) == batch
    assert unet.difference("out_cond", cond, row) <= TOLERANCE
    assert unet.difference("out_uncond", uncond, row) <= TOLERANCE


@pytest.mark.parametrize("row", ROWS)
def test_two_separate_calls(unet, row):
    (cond,) = unet.run(row, cfg=1.0)
    (uncond,) = unet.run(row, cfg=1.0, swap=True)
    assert unet.difference("out_cond", cond, row) <= TOLERANCE
    assert unet.difference("out_uncond", uncond, row) <= TOLERANCE


@pytest.mark.parametrize("row", ROWS)
def test_strength_0_is_the_plain_unet_with_the_ide_context(unet, row):
    (cond,) = unet.run(row, cfg=1.0, strength=0.0)
    assert unet.difference("out_cond_scale0", cond, row) <= TOLERANCE
