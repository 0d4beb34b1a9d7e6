"""DEIG Follow Tiles beside the packs that cut pictures, run for real: in each tile the regions of that tile.

They are no part of this repository. DEIG_PACKS names a folder with their checkouts; what is missing there is skipped,
and said.
"""

import asyncio
import os
import sys
from collections import namedtuple
from pathlib import Path
from unittest.mock import MagicMock

import numpy as np
import pytest
import torch
from aiohttp import web
from graph import CELLS, PIXELS, boxes_of, followed

PACKS = Path(os.environ.get("DEIG_PACKS", "/nowhere"))


@pytest.fixture(scope="module")
def pack(graph):
    """Loads a pack as the host does; its nodes are then among the host's."""

    def load(name):
        if not (PACKS / name / "__init__.py").is_file():
            pytest.skip(f"{name} is not there: set DEIG_PACKS to a folder with its checkout")
        if name not in loaded:
            # Whoever names a folder wants what is in it tested; a pack that cannot be is left out of it.
            assert asyncio.run(graph.host.load_custom_node(str(PACKS / name))), "the log says what it misses"
            loaded.add(name)
        return graph

    loaded = set()
    return load


@pytest.fixture(scope="module")
def server():
    """A pack may add routes to the page's server, which these tests do without."""
    # The host's folder `comfy` is on the path, with a module of the same name as the server's package `utils`.
    path, utils = sys.path[:], sys.modules.pop("utils", None)
    sys.path[:] = [folder for folder in path if Path(folder).name != "comfy"]
    import server

    sys.path[:] = path
    if utils is not None:
        sys.modules["utils"] = utils
    if getattr(server.PromptServer, "instance", None) is None:
        server.PromptServer.instance = MagicMock(routes=web.RouteTableDef())
        yield
        server.PromptServer.instance = None
    else:
        yield


@pytest.fixture(scope="module")
def text(graph):
    return followed(graph)


def near(found, expected):
    """The parts of every call, but for a pixel of the map."""
    assert len(found) == len(expected)
    for boxes, others in zip(found, expected, strict=True):
        assert boxes == [pytest.approx(box, abs=1 / 1000) for box in others]


COLUMNS = [(0.0, 0.0, 0.5, 1.0), (0.25, 0.0, 0.75, 1.0), (0.5, 0.0, 1.0, 1.0)]


@pytest.mark.parametrize("together", [1, 4])
@pytest.mark.parametrize("method", ["MultiDiffusion", "Mixture of Diffusers", "SpotDiffusion"])
def test_tiled_diffusion(pack, text, runs, method, together):
    graph = pack("ComfyUI-TiledDiffusion")
    (model,) = graph.node(
        "TiledDiffusion",
        model=graph.apply(),
        method=method,
        tile_width=PIXELS // 2,
        tile_height=PIXELS,
        tile_overlap=PIXELS // 4,
        tile_batch_size=together,
    )
    graph.sample(model, *text, steps=1)
    if method == "SpotDiffusion":  # its tiles begin anywhere, and go around the picture's edge
        widths = [round(x1 - x0, 6) for boxes in boxes_of(runs) for x0, _, x1, _ in boxes]
        assert widths == [0.5] * len(widths) and any(p.wraps for groups in runs for g in groups for p in g.parts)
    else:
        near(boxes_of(runs), [COLUMNS] if together == 4 else [[box] for box in COLUMNS])
    assert {sum(group.rows for group in groups) for groups in runs} == {
        2 if together == 1 else 2 * len(boxes_of(runs)[0])
    }


def test_tiled_diffusion_without_follow_tiles_says_which_node_to_use(pack):
    graph = pack("ComfyUI-TiledDiffusion")
    tiles = {"tile_width": PIXELS // 2, "tile_height": PIXELS, "tile_overlap": PIXELS // 4}
    for method in ("MultiDiffusion", "Mixture of Diffusers", "SpotDiffusion"):
        for together in (1, 4):
            (model,) = graph.node(
                "TiledDiffusion", model=graph.apply(), method=method, tile_batch_size=together, **tiles
            )
            with pytest.raises(ValueError, match="put DEIG Follow Tiles between DEIG Encode and the sampler"):
                graph.sample(model, *graph.encode(), steps=1)


@pytest.mark.parametrize("strategy", ["random", "random strict", "padded", "simple"])
def test_tiled_ksampler(pack, text, runs, strategy):
    graph = pack("ComfyUI_TiledKSampler")
    (out,) = graph.node(
        "BNK_TiledKSampler",
        model=graph.apply(),
        seed=1,
        tile_width=PIXELS // 2,
        tile_height=PIXELS,
        tiling_strategy=strategy,
        steps=1,
        cfg=3.0,
        sampler_name="euler",
        scheduler="normal",
        positive=text[0],
        negative=text[1],
        latent_image={"samples": torch.zeros(1, 4, CELLS, CELLS)},
        denoise=1.0,
    )
    boxes = [box for call in boxes_of(runs) for box in call]
    assert out["samples"].shape == (1, 4, CELLS, CELLS) and len(boxes) >= 2
    sizes = {tuple(group.window.size) for groups in runs for group in groups}
    assert all(abs((x1 - x0) * CELLS - round((x1 - x0) * CELLS)) < 0.05 for x0, _, x1, _ in boxes)
    assert {round((x1 - x0) * CELLS) for x0, _, x1, _ in boxes} == {width for _, width in sizes}
    if strategy == "simple":
        near([boxes], [[COLUMNS[0], COLUMNS[2]]])


class Pixels:
    """A VAE for nothing but sizes."""

    def encode(self, pixels):
        return torch.nn.functional.avg_pool2d(pixels.movedim(-1, 1), 8)[:, [0, 1, 2, 0]]

    def decode(self, latents):
        return torch.nn.functional.interpolate(latents[:, :3].clamp(0, 1), scale_factor=8).movedim(1, -1)


@pytest.mark.parametrize(("together", "uniform"), [(1, True), (1, False), (2, True)])
def test_ultimate_sd_upscale(pack, text, runs, together, uniform):
    graph = pack("ComfyUI_UltimateSDUpscale")
    graph.node(
        "UltimateSDUpscaleNoUpscale",
        upscaled_image=torch.rand(1, 128, 256, 3, generator=torch.Generator().manual_seed(0)),
        model=graph.apply(),
        positive=text[0],
        negative=text[1],
        vae=Pixels(),
        seed=1,
        steps=1,
        cfg=3.0,
        sampler_name="euler",
        scheduler="normal",
        denoise=1.0,
        mode_type="Linear",
        tile_width=128,
        tile_height=128,
        mask_blur=4,
        tile_padding=32,
        seam_fix_mode="None",
        seam_fix_denoise=1.0,
        seam_fix_mask_blur=4,
        seam_fix_width=32,
        seam_fix_padding=8,
        force_uniform_tiles=uniform,
        tiled_decode=False,
        batch_size=together,
    )
    tiles = [box for call in boxes_of(runs) for box in call]
    near([tiles], [[(0.0, 0.0, 160 / 256, 1.0), (96 / 256, 0.0, 1.0, 1.0)]])
    assert [sum(group.rows for group in groups) for groups in runs] == [2 * together] * (2 // together)


STATIC = ("ADE_StandardStaticContextOptions", {"context_length": 4, "context_overlap": 2})
LOOPED = ("ADE_LoopedUniformContextOptions", {**STATIC[1], "context_stride": 1, "closed_loop": True})


# Views are windows of the motion module alone: the UNet sees all frames that it would see without them.
VIEWS = ("ADE_ViewsOnlyContextOptions", {})


@pytest.mark.parametrize(("context", "noise"), [(None, "default"), (STATIC, "default"), (LOOPED, "default"),
                                                (STATIC, "FreeNoise"), (VIEWS, "default")])  # fmt: skip
def test_animatediff_evolved(pack, runs, context, noise):
    """Without a motion module: its sampling, its windows over frames, also around the end, and its noise."""
    graph = pack("ComfyUI-AnimateDiff-Evolved")
    keyframes = [{"frame": 0, "box": [0, 0, 0.4, 0.4]}, {"frame": 7, "box": [0.6, 0.6, 1, 1]}]
    text = graph.encode([{"box": [0, 0, 0.4, 0.4], "description": "a tree", "keyframes": keyframes}])
    (views,) = graph.node("ADE_StandardStaticViewOptions", view_length=4, view_overlap=2)
    given = {"view_opts_req" if context is VIEWS else "view_opts": views}
    options = {"context_options": graph.node(context[0], **context[1], **given)[0]} if context else {}
    (options["sample_settings"],) = graph.node(
        "ADE_AnimateDiffSamplingSettings", batch_offset=0, noise_type=noise, seed_gen="comfy", seed_offset=0
    )
    (model,) = graph.node(
        "ADE_UseEvolvedSampling", model=graph.apply(), beta_schedule="use existing", m_models=None, **options
    )
    film = graph.sample(model, *text, steps=1, batch=8)
    frames = [group.frames for groups in runs for group in groups if group.text.layout.regions]
    assert {len(rows) for rows in frames} == ({8} if context in (None, VIEWS) else {4}) and {
        f for rows in frames for f in rows
    } == {*range(8)}
    assert any(rows[0] > rows[-1] for rows in frames) == (context is LOOPED)
    plain = graph.sample(graph.apply(), *text, steps=1, batch=8)
    if noise == "default":
        assert (film - plain).abs().max() < 1e-3 * plain.std(), "each frame has its own boxes, in whatever window"


def test_impact_detailer(server, pack, runs):
    """Crop DEIG Regions and a DEIG Encode for the crop: it is drawn with the regions of the crop, and stays apart."""
    graph = pack("ComfyUI-Impact-Pack")
    regions = graph.regions(
        [
            {"box": [0.0, 0.0, 0.4, 1.0], "description": "a tree"},
            {"box": [0.55, 0.25, 0.7, 0.75], "description": "a face"},
        ]
    )
    seg = namedtuple("SEG", "cropped_image cropped_mask confidence crop_region bbox label control_net_wrapper")
    corners = PIXELS // 2, PIXELS // 4, PIXELS, PIXELS - PIXELS // 4
    mask = np.ones((PIXELS // 2, PIXELS // 2), dtype=np.float32)
    segs = (PIXELS, PIXELS), [seg(None, mask, 0.9, corners, corners, "face", None)]
    part, *_ = graph.node(
        "DEIGCropRegions", regions=regions, x=0, y=0, width=PIXELS, height=PIXELS, pad=0, scale=1.0, box=segs
    )
    positive, negative = graph.encode(part)
    picture = torch.rand(1, PIXELS, PIXELS, 3, generator=torch.Generator().manual_seed(0))
    (image,) = graph.node(
        "DetailerForEach",
        image=picture,
        segs=segs,
        model=graph.apply(),
        clip=None,
        vae=Pixels(),
        guide_size=PIXELS,
        guide_size_for=True,
        max_size=PIXELS,
        seed=1,
        steps=1,
        cfg=3.0,
        sampler_name="euler",
        scheduler="normal",
        positive=positive,
        negative=negative,
        denoise=0.5,
        feather=0,
        noise_mask=True,
        force_inpaint=True,
        wildcard="",
        cycle=1,
    )
    assert {group.window.size for groups in runs for group in groups} == {(CELLS, CELLS)}, "enlarged to the guide size"
    (layout,) = {id(g.text.layout): g.text.layout for gs in runs for g in gs if g.text.layout.regions}.values()
    assert [(r.description, r.box) for r in layout.regions] == [
        ("a face", pytest.approx((0.1, 0.0, 0.4, 1.0), abs=1 / PIXELS))
    ]
    x0, y0, x1, y1 = corners
    assert not torch.equal(image[:, y0:y1, x0:x1], picture[:, y0:y1, x0:x1])
    assert torch.equal(image[:, :, :x0], picture[:, :, :x0])
