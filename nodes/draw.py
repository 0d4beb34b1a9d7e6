"""Showing regions on a picture."""

from __future__ import annotations

import numpy as np
import torch
from comfy_api.latest import io
from PIL import Image, ImageColor, ImageDraw, ImageFont

from ..deig_core.layout.masks import box_pixels
from ..deig_core.regions.document import COLORS, Region
from .sockets import Regions, schema


class DeigDrawRegions(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return schema(
            node_id="DEIGDrawRegions",
            display_name="Draw DEIG Regions",
            description="Draws the regions' boxes, masks, numbers and texts over a picture.",
            search_aliases=["preview boxes", "overlay", "visualize boxes"],
            inputs=[
                io.Image.Input("image", tooltip="The picture, or a batch of them."),
                Regions.Input("regions", tooltip="What to draw over it."),
                io.Boolean.Input("texts", default=True, tooltip="Also write each region's description into its box."),
            ],
            outputs=[io.Image.Output(tooltip="The picture with the regions over it.")],
        )

    @classmethod
    def execute(cls, image, regions, texts):
        drawn = [_draw(picture, regions.regions, texts) for picture in image]
        return io.NodeOutput(torch.stack(drawn).to(image))


def _draw(picture: torch.Tensor, regions: tuple[Region, ...], texts: bool) -> torch.Tensor:
    array = (picture[..., :3].detach().cpu().float().numpy() * 255).round().clip(0, 255).astype(np.uint8)
    canvas = Image.fromarray(array)
    size = max(11, round(min(canvas.size) / 36))
    font = ImageFont.load_default(size)
    draw = ImageDraw.Draw(canvas, "RGBA")
    for number, region in enumerate(regions, 1):
        pixels = box_pixels(region.box, *canvas.size)
        if pixels is None:
            continue
        color = _rgb(region.color, number)
        if region.mask is not None:
            stencil = Image.fromarray((region.mask.numpy() * 90).astype(np.uint8)).resize(canvas.size)
            canvas.paste(Image.new("RGB", canvas.size, color), mask=stencil)
        x0, y0, x1, y1 = pixels
        width = max(2, size // 6) if region.visible else 1
        draw.rectangle((x0, y0, x1 - 1, y1 - 1), outline=(*color, 255 if region.visible else 130), width=width)
        _label(draw, font, pixels, f"{number}", region.description if texts else "", color)
    return torch.from_numpy(np.asarray(canvas).astype(np.float32) / 255)


def _rgb(color: str, number: int) -> tuple[int, int, int]:
    try:
        return ImageColor.getrgb(color)[:3]
    except ValueError:
        return ImageColor.getrgb(COLORS[(number - 1) % len(COLORS)])


def _label(
    draw: ImageDraw.ImageDraw, font, box: tuple[int, int, int, int], number: str, text: str, color: tuple[int, int, int]
) -> None:
    x0, y0, x1, y1 = box
    ink = (0, 0, 0) if sum(c * w for c, w in zip(color, (0.3, 0.59, 0.11), strict=True)) > 140 else (255, 255, 255)
    left, top, right, bottom = draw.textbbox((x0 + 4, y0 + 2), number, font=font)
    draw.rectangle((x0, y0, right + 4, bottom + 3), fill=(*color, 230))
    draw.text((x0 + 4, y0 + 2), number, font=font, fill=ink)
    y = bottom + 6
    for line in _wrapped(draw, font, text, x1 - x0 - 8):
        left, top, right, bottom = draw.textbbox((x0 + 4, y), line, font=font)
        if bottom + 2 > y1:
            break
        draw.rectangle((left - 2, top - 1, right + 2, bottom + 2), fill=(0, 0, 0, 150))
        draw.text((x0 + 4, y), line, font=font, fill=(255, 255, 255))
        y = bottom + 3


def _wrapped(draw: ImageDraw.ImageDraw, font, text: str, width: float) -> list[str]:
    rows: list[str] = []
    for word in text.split():
        longer = f"{rows[-1]} {word}" if rows else word
        if rows and draw.textlength(longer, font=font) <= width:
            rows[-1] = longer
        else:
            rows.append(word)
    return rows
