"""The modules compute the same function as the official code (golden vectors, random weights)."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open

from deig_core.layout.masks import shared_membership
from deig_core.model.adapter import module_key
from deig_core.model.fuser import Fuser, LevelInstances
from deig_core.model.ide import InstanceDetailExtractor, timestep_embedding
from deig_core.model.position_net import PositionNet, fourier_embedding
from deig_core.regions.document import Region

GOLDEN = Path(__file__).parents[1] / "golden"
TOLERANCE = 2e-5


def load(name):
    """(weights under our names, golden tensors, metadata) of a golden file."""
    with safe_open(GOLDEN / f"{name}.safetensors", "pt") as file:
        tensors, metadata = {k: file.get_tensor(k) for k in file.keys()}, file.metadata()  # noqa: SIM118
    golden = {k.removeprefix("golden."): v for k, v in tensors.items() if k.startswith("golden.")}
    return {module_key(k): v for k, v in tensors.items() if not k.startswith("golden.")}, golden, metadata


def close(found, expected):
    assert found.shape == expected.shape
    assert (found - expected).abs().max().item() <= TOLERANCE


def test_fourier_embedding():
    _, golden, _ = load("fourier")
    close(fourier_embedding(golden["boxes"]), golden["out"])


@pytest.fixture(scope="module")
def ide():
    weights, golden, metadata = load("ide")
    c = json.loads(metadata["config"])
    module = InstanceDetailExtractor(
        text_dim=c["input_dim"],
        width=c["width"],
        layers=c["layers"],
        heads=c["heads"],
        tokens=c["num_latents"],
        time_channels=c["time_channel"],
        time_dim=c["time_embed_dim"],
        hidden=4 * c["width"],
    )
    module.load_state_dict(weights)
    return module.requires_grad_(False), golden


def test_time_embedding(ide):
    module, golden = ide
    close(timestep_embedding(golden["timesteps_b2"], 32), golden["time_proj_b2"])
    close(module.time_embedding(golden["timesteps_b2"])[:, None], golden["time_embedding_b2"])


@pytest.mark.parametrize(
    ("features", "timesteps", "out"),
    [
        ("features_b2", "timesteps_b2", "out_b2"),
        ("features_b1", "timesteps_b1", "out_b1"),
        ("context_b2", "timesteps_b2", "out_context_b2"),
        ("features_b2", "timesteps_int_b2", "out_int_b2"),
    ],
)
def test_ide(ide, features, timesteps, out):
    module, golden = ide
    x, t = golden[features], golden[timesteps]
    t = t.repeat_interleave(len(x) // len(t))  # row = b * N + n
    close(module(module.project_text(x), t), golden[out])


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_ide_with_half_weights_computes_in_float32(ide, dtype):
    module, golden = ide
    half = InstanceDetailExtractor(
        text_dim=48, width=64, layers=2, heads=4, tokens=8, time_channels=32, time_dim=96, hidden=256, dtype=dtype
    )
    half.load_state_dict(module.state_dict())
    rounded = InstanceDetailExtractor(
        text_dim=48, width=64, layers=2, heads=4, tokens=8, time_channels=32, time_dim=96, hidden=256
    )
    rounded.load_state_dict(half.state_dict())
    x, t = golden["features_b1"], golden["timesteps_b1"].repeat(3)
    found = half(half.project_text(x), t)
    assert found.dtype == torch.float32
    close(found, rounded(rounded.project_text(x), t))


def test_position_net():
    weights, golden, _ = load("position_net")
    module = PositionNet(in_dim=64, out_dim=64)
    module.load_state_dict(weights)
    with torch.no_grad():
        tokens, boxes, valid = golden["object_positive_embeddings"], golden["object_boxes"], golden["masks"][..., 0]
        close(module(tokens, boxes, valid), golden["out"])
        close(module(torch.zeros_like(tokens), torch.zeros_like(boxes), torch.zeros_like(valid)), golden["out_null"])
        real = valid.bool()
        without_validity = module(tokens, boxes).unflatten(1, (5, 8))
        close(without_validity[real], golden["out"].unflatten(1, (5, 8))[real])


def fuser_case(grid):
    weights, golden, _ = load(f"fuser_{grid}x{grid}")
    module = Fuser(64, 64, heads=4)
    module.load_state_dict(weights)
    runs = []
    for boxes, valid, tokens in zip(golden["boxes"].double().tolist(), golden["valid"], golden["objs"], strict=True):
        kept = [i for i, v in enumerate(valid) if v]
        words = shared_membership([Region("r", tuple(boxes[i])) for i in kept], (64, 64), (grid, grid))
        runs.append(LevelInstances(1, tokens.view(5, 8, 64)[kept].flatten(0, 1)[None], 8, words[None]))
    return module.requires_grad_(False), golden, runs


@pytest.mark.parametrize("grid", [8, 16, 32])
def test_fuser(grid):
    module, golden, runs = fuser_case(grid)
    x = golden["x"]
    close(module(x, runs), golden["out"])
    close(module(x, runs, scale=0.3), golden["out_scale_0.3"])
    close(module(x, [LevelInstances(3)]), golden["out_all_masks_zero"])
    assert torch.equal(module(x, runs, scale=0.0), x)


@pytest.mark.parametrize("grid", [8, 16, 32])
def test_fuser_rows_may_share_a_call(grid):
    module, golden, runs = fuser_case(grid)
    x = golden["x"][[0, 0, 1]]
    shared = LevelInstances(2, runs[0].tokens, 8, runs[0].members)
    close(module(x, [shared, LevelInstances(1)])[:2], golden["out"][[0, 0]])


@pytest.mark.parametrize("grid", [8, 16, 32])
def test_membership_is_bit_exact_with_the_official_masks(grid):
    _, golden, _ = load(f"fuser_{grid}x{grid}")
    for boxes, official in zip(golden["boxes"].double().tolist(), golden["downsampled_masks"], strict=True):
        words = shared_membership([Region(f"r{i}", tuple(b)) for i, b in enumerate(boxes)], (64, 64), (grid, grid))
        ours = torch.stack([(words >> i) & 1 for i in range(len(boxes))]).view(-1, grid, grid)
        # Slots that are not valid belong to no cell in ours by leaving them out; their boxes are zero here.
        assert torch.equal(ours, official.long())


@pytest.mark.parametrize("name", ["fuser_32x32", "fuser_16x16", "fuser_8x8", "unet", "unet_2level"])
def test_pixels_are_those_of_the_official_rasterisation(name):
    from deig_core.layout.masks import box_pixels

    _, golden, _ = load(name)
    boxes = golden.get("boxes", golden.get("object_boxes")).double().tolist()
    valid = golden.get("valid", golden.get("masks")).flatten(1)
    official = np.unpackbits(golden["inst_masks_packed"].numpy(), axis=-1)
    for b, row in enumerate(boxes):
        for m, box in enumerate(row):
            if not valid[b, m]:
                continue
            drawn = np.zeros((512, 512), np.uint8)
            if pixels := box_pixels(box, 512, 512):
                x0, y0, x1, y1 = pixels
                drawn[y0:y1, x0:x1] = 1
            assert np.array_equal(drawn, official[b, m])
