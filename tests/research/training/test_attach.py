"""An adapter in a diffusers UNet computes what the authors' code computes."""

import json
from pathlib import Path

import pytest
import torch
from safetensors import safe_open

pytest.importorskip("diffusers", reason="diffusers is not installed (extra `train`)")
from diffusers import UNet2DConditionModel

from deig_core.call import RowGroup, ground
from deig_core.checkpoint.read import PublishedCheckpoint, is_deig_key, load_adapter
from deig_core.diffusers_unet.attach import attach
from deig_core.diffusers_unet.names import load_original, original_state_dict
from deig_core.errors import DeigError
from deig_core.layout.layout import Layout
from deig_core.layout.window import Window
from deig_core.model.extractor import Extractor
from deig_core.regions.document import Region
from deig_core.text.features import TextFeatures
from deig_core.text.grounded import GroundedText

GOLDEN = Path(__file__).parents[2] / "golden"


@pytest.fixture(scope="module", params=["unet.safetensors", "unet_2level.safetensors"])
def golden(request):
    with safe_open(GOLDEN / request.param, "pt") as file:
        tensors = {k: file.get_tensor(k).float() for k in file.keys()}  # noqa: SIM118
        config = json.loads(file.metadata()["config"])
    values = {k.removeprefix("golden."): v for k, v in tensors.items() if k.startswith("golden.")}
    weights = {k: v for k, v in tensors.items() if not k.startswith("golden.")}
    deig = {k: v for k, v in weights.items() if is_deig_key(k)}
    heads = json.dumps({"heads": config["IDE"]["params"]["heads"], "fuser_heads": config["num_heads"]})
    adapter = load_adapter(PublishedCheckpoint(deig, {}, {}, {"config": heads}))
    attends = [2**level in config["attention_resolutions"] for level in range(len(config["channel_mult"]))]
    unet = UNet2DConditionModel(
        sample_size=64,
        block_out_channels=[config["model_channels"] * m for m in config["channel_mult"]],
        layers_per_block=config["num_res_blocks"],
        cross_attention_dim=config["context_dim"],
        attention_head_dim=config["num_heads"],
        down_block_types=["CrossAttnDownBlock2D" if a else "DownBlock2D" for a in attends],
        up_block_types=["CrossAttnUpBlock2D" if a else "UpBlock2D" for a in reversed(attends)],
    ).eval()
    base = {k: v for k, v in weights.items() if k not in deig}
    load_original(unet, base)
    return values, unet, adapter, base


def runs(g):
    window = Window.whole(tuple(g["x"].shape[-2:]))
    for row in range(len(g["x"])):
        valid = [i for i, v in enumerate(g["masks"][row, :, 0]) if v]
        layout = Layout(tuple(Region(f"r{i}", tuple(g["object_boxes"][row].double()[i].tolist())) for i in valid))
        texts = tuple(TextFeatures.of(g["object_text_embeddings"][row, i].clone()) for i in valid)
        yield RowGroup(1, GroundedText(TextFeatures.of(g["context"][row].clone()), layout, texts), window)


@torch.no_grad()
@pytest.mark.parametrize(("scale", "output"), [(1.0, "out_cond"), (0.0, "out_cond_scale0")])
def test_a_diffusers_unet_gives_the_authors_output(golden, scale, output):
    g, unet, adapter, _ = golden
    rows = list(runs(g))
    call = ground(Extractor(adapter), rows, g["timesteps"].tolist(), torch.device("cpu"))
    found = attach(unet, adapter)(g["x"], g["timesteps"], torch.cat(call.context()), call, scale=scale)
    assert (found - g[output]).abs().max() < 2e-5


@torch.no_grad()
def test_what_stands_around_a_fuser_is_called_in_its_place(golden):
    g, unet, adapter, _ = golden
    call = ground(Extractor(adapter), list(runs(g)), g["timesteps"].tolist(), torch.device("cpu"))
    ran = []

    def around(fuser):
        return lambda x, instances, scale: ran.append((fuser, scale)) or fuser(x, instances, scale)

    found = attach(unet, adapter, around)(g["x"], g["timesteps"], torch.cat(call.context()), call)
    assert (found - g["out_cond"]).abs().max() < 2e-5
    assert {id(fuser) for fuser, _ in ran} == {id(adapter.fuser(address)) for address, _ in adapter.config.fusers}
    assert len(ran) == len(adapter.config.fusers) and {scale for _, scale in ran} == {1.0}


def test_names_of_the_original_layout_come_back(golden):
    _, unet, _, base = golden
    found = original_state_dict(unet)
    assert found.keys() == base.keys()
    assert all(torch.equal(found[k], base[k]) for k in base)


def test_another_unet_is_refused(golden):
    _, _, adapter, _ = golden
    other = UNet2DConditionModel(
        block_out_channels=(32,),
        down_block_types=("CrossAttnDownBlock2D",),
        up_block_types=("CrossAttnUpBlock2D",),
        cross_attention_dim=64,
        attention_head_dim=4,
        layers_per_block=1,
    )
    with pytest.raises(DeigError, match="is for a UNet with the transformer blocks"):
        attach(other, adapter)
