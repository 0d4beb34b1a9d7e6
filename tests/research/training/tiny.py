"""A training run of a second."""

import argparse
import json
import os
import time
from pathlib import Path

import torch
from accelerate.state import AcceleratorState
from diffusers import UNet2DConditionModel

from research.training.batch import Example
from research.training.config import TrainConfig, add_arguments, from_arguments
from research.training.noise import generator
from research.training.start import new_adapter
from research.training.train import train

TEXT, LENGTH = 24, 6
CONFIG = TrainConfig(
    steps=6,
    batch=2,
    accumulate=1,
    learning_rate=1e-3,
    warm_up=1,
    gamma=5.0,
    averaging=0.9,
    save_every=2,
    sample_every=0,
    most_instances=5,
)


def tiny_unet(seed=0):
    torch.manual_seed(seed)
    return UNet2DConditionModel(
        sample_size=8,
        block_out_channels=(32, 64),
        down_block_types=("CrossAttnDownBlock2D",) * 2,
        up_block_types=("CrossAttnUpBlock2D",) * 2,
        layers_per_block=1,
        cross_attention_dim=32,
        attention_head_dim=4,
    )


def tiny_adapter(unet, seed=0, gate=0.5):
    """With open gates, so that every weight has a gradient from the first step on."""
    torch.manual_seed(seed)
    adapter = new_adapter(unet, TEXT, tokens=3, layers=1)
    with torch.no_grad():
        for name, parameter in adapter.named_parameters():
            if "alpha" in name:
                parameter.fill_(gate)
    return adapter


def models(folder):
    """base.safetensors, vae/ and t5/ in `folder`, as the commands take them; returns it."""
    from diffusers import AutoencoderTiny
    from safetensors.torch import save_file

    from deig_core.diffusers_unet.names import original_state_dict
    from research.demo.text import new_t5, write_tokenizer

    torch.manual_seed(0)
    unet = tiny_unet()
    tensors = {k: v.contiguous() for k, v in original_state_dict(unet).items()}
    save_file(tensors, folder / "base.safetensors", {"unet_config": json.dumps(dict(unet.config))})
    AutoencoderTiny().save_pretrained(folder / "vae")
    new_t5(len(write_tokenizer(folder / "t5"))).save_pretrained(folder / "t5")
    return folder


class Examples:
    """0 to 4 boxes a picture."""

    def __len__(self):
        return 7

    def __getitem__(self, i):
        lot = generator(5, i)
        low, size = torch.rand(i % 5, 2, generator=lot) * 0.5, 0.2 + torch.rand(i % 5, 2, generator=lot) * 0.3
        boxes = tuple(tuple(box) for box in torch.cat([low, low + size], 1).double().tolist())
        return Example(
            torch.randn(4, 8, 8, generator=lot), f"caption {i}", tuple(f"thing {i} {k}" for k in range(i % 5)), boxes
        )


def features(texts):
    return torch.stack([torch.randn(LENGTH, TEXT, generator=generator(*text.encode())) for text in texts])


def run(folder, config=CONFIG, **options):
    # Runs of one process share accelerate's state, and with it the precision of the first.
    AcceleratorState._reset_state(True)
    unet = tiny_unet()
    adapter = options.pop("adapter", None) or tiny_adapter(unet)
    train(
        config,
        options.pop("source", Examples()),
        options.pop("features", features),
        unet,
        adapter,
        Path(folder),
        **options,
    )
    return adapter


def slow_features(texts):
    time.sleep(0.1)
    return features(texts)


def main(options, threads, environment):
    """A run in a process of its own: options as in a command line, the folder first."""
    os.environ.update(environment)
    torch.set_num_threads(threads)
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--slow", action="store_true")
    add_arguments(parser)
    parser.set_defaults(**vars(CONFIG))
    chosen = parser.parse_args(options)
    run(chosen.folder, from_arguments(chosen), features=slow_features if chosen.slow else features)
