"""python -m examples.attach OUT.png: the demo's adapter in a plain diffusers UNet, without ComfyUI (extra `train`)."""

import sys

import torch
from PIL import Image

from deig_core.checkpoint.read import load_adapter, read_published
from deig_core.demo.files import ADAPTER, GUIDANCE, HEADS, SIDE, TEXT, UNET, VAE, WEIGHTS
from deig_core.diffusers_unet.attach import attach
from deig_core.diffusers_unet.load import decode, load_autoencoder, load_unet
from deig_core.diffusers_unet.sample import sample
from deig_core.limits import PIXELS_PER_LATENT
from deig_core.regions.document import Region, RegionDocument
from deig_core.text.encoder import load_text_encoder
from deig_core.text.grounded import ground_texts

REGIONS = (
    Region("1", (0.06, 0.1, 0.47, 0.5), "a blue star with a white outline"),
    Region("2", (0.5, 0.5, 0.94, 0.94), "a red circle with white stripes"),
)


def main(path: str, steps: int = 20) -> None:
    adapter = load_adapter(read_published(WEIGHTS / ADAPTER), dtype=torch.float32).eval()
    said = ground_texts(RegionDocument(SIDE, SIDE, REGIONS), "", "", load_text_encoder(WEIGHTS / TEXT).encode)
    noise = torch.randn(1, 4, *[SIDE // PIXELS_PER_LATENT] * 2, generator=torch.manual_seed(3))
    attached = attach(load_unet(WEIGHTS / UNET, HEADS), adapter)
    latents = sample(attached, adapter, said.positive, said.negative, noise, steps=steps, guidance=GUIDANCE)
    picture = decode(load_autoencoder(WEIGHTS / VAE), latents)[0].permute(1, 2, 0)
    Image.fromarray((picture * 255).round().byte().numpy()).resize((512, 512), Image.Resampling.NEAREST).save(path)


if __name__ == "__main__":
    main(sys.argv[1])
