"""Which cells each region of a layout owns at every level of the UNet, as one picture.

From the repository's root: python -m examples.masks OUT.png [REGIONS.json]

REGIONS.json is what the node DEIG Regions holds; without it, three boxes are drawn. The rule: docs/method.md section 4.
"""

import sys
from pathlib import Path

import numpy as np
from PIL import Image, ImageColor, ImageDraw

from deig_core.layout.masks import PIXELS_PER_LATENT, downsampled, margin
from deig_core.layout.overlap import membership
from deig_core.regions.document import RegionDocument, parse

LAYOUT = {
    "version": 1,
    "width": 512,
    "height": 512,
    "regions": [{"box": [0.08, 0.2, 0.42, 0.95]}, {"box": [0.36, 0.55, 0.8, 0.9]}, {"box": [0.7, 0.1, 0.78, 0.18]}],
}
FACTORS = (1, 2, 4, 8)  # by which the levels of an SD 1.x UNet downsample the latent
ZOOM, GAP = 5, 30  # pixels drawn for one cell of the latent, and around each level


def level(document: RegionDocument, factor: int) -> Image.Image:
    """The grid of one level: a cell has the mean colour of the regions that own it, and white is nobody's."""
    latent = document.height // PIXELS_PER_LATENT, document.width // PIXELS_PER_LATENT
    grid = tuple(downsampled(side, factor) for side in latent)
    words = membership(document.regions, document.overlap, latent, grid).view(grid).numpy()
    owned = words[..., None] >> np.arange(len(document.regions)) & 1  # [h, w, R]
    colors = np.array([ImageColor.getrgb(r.color)[:3] for r in document.regions]).reshape(-1, 3)
    mean = owned @ colors / owned.sum(-1, keepdims=True).clip(1)
    side = ZOOM * factor
    pixels = np.where(owned.any(-1, keepdims=True), mean, 255).repeat(side, 0).repeat(side, 1)
    pixels[::side] *= 0.85
    pixels[:, ::side] *= 0.85
    picture = Image.fromarray(pixels.astype(np.uint8))
    scale = [ZOOM * latent[1], ZOOM * latent[0]] * 2
    for region in document.regions:
        corners = [fraction * pixels for fraction, pixels in zip(region.box, scale, strict=True)]
        ImageDraw.Draw(picture).rectangle(corners, outline="black", width=2)
    return picture


def sheet(document: RegionDocument) -> Image.Image:
    """All levels from left to right, each on the scale of the picture, with its grid's size above it."""
    levels = [level(document, factor) for factor in FACTORS]
    size = sum(p.width + GAP for p in levels) + GAP, max(p.height for p in levels) + 2 * GAP
    drawn, left = Image.new("RGB", size, "white"), GAP
    for factor, picture in zip(FACTORS, levels, strict=True):
        across, down = (pixels // (ZOOM * factor) for pixels in picture.size)
        ImageDraw.Draw(drawn).text((left, GAP // 2), f"{across} x {down}, widened by {margin(factor)}", fill="black")
        drawn.paste(picture, (left, GAP))
        left += picture.width + GAP
    return drawn


if __name__ == "__main__":
    out, *source = sys.argv[1:] or sys.exit(__doc__)
    sheet(parse(Path(source[0]).read_text(encoding="utf-8") if source else LAYOUT)).save(out)
