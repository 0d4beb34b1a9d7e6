"""The demo's autoencoder: TAESD's layers, 8x smaller latents of 4 channels, under the names that ComfyUI's VAE
loads.
"""

from __future__ import annotations

import torch
from torch import nn

CHANNELS = 64
SD1_SCALE = 0.18215  # SD 1.x works on latents times this


def _conv(into: int, out: int, **options) -> nn.Conv2d:
    return nn.Conv2d(into, out, 3, padding=1, **options)


class Block(nn.Module):
    """x [B, CHANNELS, h, w] -> the same shape."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Sequential(
            _conv(CHANNELS, CHANNELS), nn.ReLU(), _conv(CHANNELS, CHANNELS), nn.ReLU(), _conv(CHANNELS, CHANNELS)
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return nn.functional.relu(self.conv(x) + x)


class Clamp(nn.Module):
    """Softly to -3..3, which TAESD's decoder begins with."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.tanh(x / 3) * 3


def _blocks(count: int) -> list[nn.Module]:
    return [Block() for _ in range(count)]


class DemoAutoencoder(nn.Module):
    """Pictures [B, 3, H, W] in 0..1 <-> latents [B, 4, H/8, W/8] of about unit variance, as the UNet sees them.

    The state dict is a TAESD's: `vae_scale` makes ComfyUI's VAE give the same latents after SD 1.x's own factor.
    """

    def __init__(self):
        super().__init__()
        down = [layer for _ in range(3) for layer in (_conv(CHANNELS, CHANNELS, stride=2, bias=False), *_blocks(3))]
        up = [
            layer
            for _ in range(3)
            for layer in (*_blocks(3), nn.Upsample(scale_factor=2), _conv(CHANNELS, CHANNELS, bias=False))
        ]
        self.taesd_encoder = nn.Sequential(_conv(3, CHANNELS), *_blocks(1), *down, _conv(CHANNELS, 4))
        self.taesd_decoder = nn.Sequential(Clamp(), _conv(4, CHANNELS), nn.ReLU(), *up, *_blocks(1), _conv(CHANNELS, 3))
        self.register_buffer("vae_scale", torch.tensor(SD1_SCALE))
        self.register_buffer("vae_shift", torch.tensor(0.0))
        self._initialise()

    def _initialise(self) -> None:
        # Without normalisation the usual initial weights fade over 30 layers, and training stalls in grey.
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
        for module in self.modules():
            if isinstance(module, Block):
                nn.init.zeros_(module.conv[4].weight)
        nn.init.normal_(self.taesd_decoder[-1].weight, std=0.01)
        nn.init.constant_(self.taesd_decoder[-1].bias, 0.5)

    def encode(self, pictures: torch.Tensor) -> torch.Tensor:
        return self.taesd_encoder(pictures)

    def decode(self, latents: torch.Tensor) -> torch.Tensor:
        return self.taesd_decoder(latents)
