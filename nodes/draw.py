"""Showing regions on a picture."""

from __future__ import annotations

import numpy as np
import torch
from comfy_api.latest import io
from PIL import Image, ImageColor, ImageDraw

from ..deig_core.errors import RegionError
from ..deig_core.layout.masks import Rectangle, box_pixels, rim
from ..deig_core.regions.colors import RGB, drawn_color, ink_on
from ..deig_core.regions.document import Region
from .fonts import Writer
from .host.message import say
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
        if image.ndim != 4 or image.shape[-1] not in (1, 3, 4):
            raise RegionError(
                f"Draw DEIG Regions needs pictures [count, height, width, 3]; got the shape {list(image.shape)}."
            )
        if not len(image):
            return io.NodeOutput(image)
        missing: set[str] = set()
        frames = (tuple(region.at(frame) for region in regions.regions) for frame in range(len(image)))
        drawn = [_draw(picture, shown, texts, missing) for picture, shown in zip(image, frames, strict=True)]
        letters = "".join(sorted(missing)[:20])
        notes = [f"This machine has no font for {letters!r}: install one, such as Noto Sans CJK."] if missing else []
        return io.NodeOutput(torch.stack(drawn).to(image), ui=say(cls, notes) or None)


def _draw(picture: torch.Tensor, regions: tuple[Region, ...], texts: bool, missing: set[str]) -> torch.Tensor:
    colours = picture.expand(*picture.shape[:2], 3) if picture.shape[-1] == 1 else picture[..., :3]
    array = (colours.detach().cpu().float().numpy() * 255).round().clip(0, 255).astype(np.uint8)
    canvas = Image.fromarray(array)
    size = max(11, round(min(canvas.size) / 36))
    draw = ImageDraw.Draw(canvas, "RGBA")
    writer = Writer(draw, size)
    for number, region in enumerate(regions, 1):
        pixels = box_pixels(region.box, *canvas.size)
        if pixels is None:
            continue
        color = drawn_color(region.color, number, _rgb)
        if region.mask is not None:
            canvas.paste(Image.new("RGB", canvas.size, color), mask=_rim(region.mask, canvas.size, size // 4))
        x0, y0, x1, y1 = pixels
        width = max(2, size // 6) if region.visible else 1
        draw.rectangle((x0, y0, x1 - 1, y1 - 1), outline=(*color, 255 if region.visible else 130), width=width)
        _label(writer, pixels, f"{number}", region.description if texts else "", color)
    missing |= writer.missing
    return torch.from_numpy(np.asarray(canvas).astype(np.float32) / 255)


def _rim(mask: torch.Tensor, size: tuple[int, int], width: int) -> Image.Image:
    """A line along the edge of a mask, inside it: a tint over all of it would change the picture's colours."""
    whole = _black_and_white(mask).resize(size, Image.Resampling.NEAREST)
    return _black_and_white(rim(torch.from_numpy(np.array(whole)) > 0, width))


def _black_and_white(mask: torch.Tensor) -> Image.Image:
    return Image.fromarray(mask.numpy().astype(np.uint8) * 255)


def _rgb(color: str) -> RGB:
    return ImageColor.getrgb(color)[:3]


def _label(writer: Writer, box: Rectangle, number: str, text: str, color: RGB) -> None:
    x0, y0, x1, y1 = box
    draw = writer.draw
    _, _, right, bottom = draw.textbbox((x0 + 4, y0 + 2), number, font=writer.plain)
    draw.rectangle((x0, y0, right + 4, bottom + 3), fill=(*color, 230))
    draw.text((x0 + 4, y0 + 2), number, font=writer.plain, fill=ink_on(color))
    y = bottom + 6
    for line in writer.wrapped(text, x1 - x0 - 8):
        if y + writer.height > y1:
            break
        width = writer.width(line)
        draw.rectangle((x0 + 2, y - 1, x0 + 6 + width, y + writer.height + 2), fill=(0, 0, 0, 150))
        writer.write((x0 + 4, y - 2), line, fill=(255, 255, 255))
        y += writer.height + 3
