"""Names and shapes of the frozen base: a Stable Diffusion 1.x UNet (the 686 keys that DEIG leaves untouched)."""

from __future__ import annotations

Shapes = dict[str, tuple[int, ...]]


def sd1_unet_shapes(
    channels: int = 320,
    multipliers: tuple[int, ...] = (1, 2, 4, 4),
    res_blocks: int = 2,
    context: int = 768,
    attention_levels: int = 3,
) -> Shapes:
    """Shape of every weight, by its name in the original SD 1.x layout. The defaults are SD 1.x; others follow its
    topology.
    """
    shapes: Shapes = {}
    time = 4 * channels

    def linear(name: str, out: int, into: int, bias: bool = True) -> None:
        shapes[f"{name}.weight"] = (out, into)
        if bias:
            shapes[f"{name}.bias"] = (out,)

    def norm(name: str, width: int) -> None:
        shapes[f"{name}.weight"] = shapes[f"{name}.bias"] = (width,)

    def conv(name: str, out: int, into: int, kernel: int) -> None:
        shapes[f"{name}.weight"] = (out, into, kernel, kernel)
        shapes[f"{name}.bias"] = (out,)

    def residual(name: str, into: int, out: int) -> None:
        norm(f"{name}.in_layers.0", into)
        conv(f"{name}.in_layers.2", out, into, 3)
        linear(f"{name}.emb_layers.1", out, time)
        norm(f"{name}.out_layers.0", out)
        conv(f"{name}.out_layers.3", out, out, 3)
        if into != out:
            conv(f"{name}.skip_connection", out, into, 1)

    def transformer(name: str, width: int) -> None:
        norm(f"{name}.norm", width)
        conv(f"{name}.proj_in", width, width, 1)
        block = f"{name}.transformer_blocks.0"
        for attention, source in (("attn1", width), ("attn2", context)):
            linear(f"{block}.{attention}.to_q", width, width, bias=False)
            linear(f"{block}.{attention}.to_k", width, source, bias=False)
            linear(f"{block}.{attention}.to_v", width, source, bias=False)
            linear(f"{block}.{attention}.to_out.0", width, width)
        linear(f"{block}.ff.net.0.proj", 8 * width, width)
        linear(f"{block}.ff.net.2", width, 4 * width)
        for i in (1, 2, 3):
            norm(f"{block}.norm{i}", width)
        conv(f"{name}.proj_out", width, width, 1)

    linear("time_embed.0", time, channels)
    linear("time_embed.2", time, time)
    conv("input_blocks.0.0", channels, 4, 3)
    skips, width, number = [channels], channels, 1
    for level, multiplier in enumerate(multipliers):
        for _ in range(res_blocks):
            residual(f"input_blocks.{number}.0", width, width := channels * multiplier)
            if level < attention_levels:
                transformer(f"input_blocks.{number}.1", width)
            skips.append(width)
            number += 1
        if level < len(multipliers) - 1:
            conv(f"input_blocks.{number}.0.op", width, width, 3)
            skips.append(width)
            number += 1
    residual("middle_block.0", width, width)
    transformer("middle_block.1", width)
    residual("middle_block.2", width, width)
    number = 0
    for level, multiplier in reversed(list(enumerate(multipliers))):
        for i in range(res_blocks + 1):
            residual(f"output_blocks.{number}.0", width + skips.pop(), width := channels * multiplier)
            attends = level < attention_levels
            if attends:
                transformer(f"output_blocks.{number}.1", width)
            if level and i == res_blocks:
                conv(f"output_blocks.{number}.{2 if attends else 1}.conv", width, width, 3)
            number += 1
    norm("out.0", width)
    conv("out.2", 4, width, 3)
    return shapes
