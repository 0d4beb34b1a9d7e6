"""The bench's own UNet is a Stable Diffusion 1.x UNet: by its names and shapes, and by golden outputs of the whole."""

import json
from pathlib import Path

import pytest
import torch
from safetensors import safe_open

from deig_core.call import RowGroup, ground
from deig_core.checkpoint.base_unet import sd1_unet_shapes
from deig_core.checkpoint.read import PublishedCheckpoint, load_adapter
from deig_core.layout.layout import Layout
from deig_core.layout.window import Window
from deig_core.model.adapter import is_deig_key
from deig_core.model.config import SD1_FUSERS
from deig_core.model.extractor import Extractor
from deig_core.regions.document import Region
from deig_core.text.features import TextFeatures
from deig_core.text.grounded import GroundedText
from research.bench.gpu.unet import UNet

GOLDEN = Path(__file__).parents[1] / "golden"
TOLERANCE = 5e-5  # as in the host: the authors' float32 code differs from its own float64 run by 8e-06
SIZES = {
    "unet": {"multipliers": (1, 2, 2, 2), "attention_levels": 3},
    "unet_2level": {"multipliers": (1, 2), "attention_levels": 2},
}


@pytest.mark.parametrize("sizes", [{}, {"channels": 32, "res_blocks": 1, "context": 64, **SIZES["unet_2level"]}])
def test_names_and_shapes_are_those_of_the_base(sizes):
    with torch.device("meta"):
        found = {name: tuple(weight.shape) for name, weight in UNet(**sizes).state_dict().items()}
    assert found == sd1_unet_shapes(**sizes)


def test_a_fuser_stands_in_every_transformer_block_at_its_width_and_grid():
    with torch.device("meta"):
        unet, x = UNet(), torch.empty(2, 4, 64, 32)
        seen = {}

        def fuse(address, x, grid):
            assert x.shape[:2] == (2, grid[0] * grid[1])
            seen[address] = (x.shape[2], grid)
            return x

        out = unet(x, torch.empty(2), torch.empty(2, 16, 768), fuse)
    assert out.shape == x.shape
    assert {address: channels for address, (channels, _) in seen.items()} == dict(SD1_FUSERS)
    assert seen["input", 1, 0][1] == seen["output", 11, 0][1] == (64, 32) and seen["middle", 0, 0][1] == (8, 4)


@pytest.mark.parametrize("name", SIZES)
@torch.no_grad()
def test_the_whole_is_the_official_function(name):
    with safe_open(GOLDEN / f"{name}.safetensors", "pt") as file:
        tensors = {k: file.get_tensor(k).float() for k in file.keys()}  # noqa: SIM118
        config = json.loads(file.metadata()["config"])
    golden = {k.removeprefix("golden."): v for k, v in tensors.items() if k.startswith("golden.")}
    deig = {k: v for k, v in tensors.items() if is_deig_key(k)}
    heads = config["num_heads"]
    ide_heads = config["IDE"]["params"]["heads"]
    adapter = load_adapter(
        PublishedCheckpoint(deig, {}, {}, {"config": json.dumps({"heads": ide_heads, "fuser_heads": heads})})
    )
    unet = UNet(
        channels=config["model_channels"],
        res_blocks=config["num_res_blocks"],
        context=config["context_dim"],
        heads=heads,
        **SIZES[name],
    )
    unet.load_state_dict({k: v for k, v in tensors.items() if not k.startswith("golden.") and k not in deig})

    # The first row of one file and the second of the other: what rows differ in is DEIG's, and has its own tests.
    row, cpu = list(SIZES).index(name), torch.device("cpu")
    timestep = golden["timesteps"][row].item()
    valid = [i for i, v in enumerate(golden["masks"][row, :, 0]) if v]
    boxes = golden["object_boxes"][row].double().tolist()
    layout = Layout(tuple(Region(f"r{i}", tuple(boxes[i])) for i in valid))
    texts = tuple(TextFeatures.of(golden["object_text_embeddings"][row, i].clone()) for i in valid)
    sides = [
        GroundedText(TextFeatures.of(golden["context"][row].clone()), layout, texts),
        GroundedText(TextFeatures.of(golden["uncond_context"][row].clone()), Layout(()), ()),
    ]
    call = ground(
        Extractor(adapter), [RowGroup(1, side, Window.whole((64, 64))) for side in sides], [timestep] * 2, cpu
    )

    def fuse(address, x, grid):
        return adapter.fuser(address)(x, call.instances(grid, cpu))

    x, t = golden["x"][[row, row]], torch.full((2,), timestep)
    out = unet(x, t, torch.cat(call.context()), fuse)
    right = torch.stack([golden["out_cond"][row], golden["out_uncond"][row]])
    assert (out - right).abs().max() <= TOLERANCE
    plain = unet(x[:1], t[:1], call.context()[0])
    assert (plain[0] - golden["out_cond_scale0"][row]).abs().max() <= TOLERANCE
