"""Pictures from a diffusers UNet with an adapter, without ComfyUI: DDIM as in docs/method.md section 7."""

from __future__ import annotations

import torch
from diffusers import DDIMScheduler

from ..call import RowGroup, ground
from ..layout.window import Window
from ..model.adapter import DeigAdapter
from ..model.extractor import Extractor
from ..schedule import BETAS
from ..text.grounded import GroundedText
from .attach import AttachedUNet


def scheduler() -> DDIMScheduler:
    """SD 1.x's noise schedule; 40 steps visit 976, 951, ..., 26, 1."""
    return DDIMScheduler(
        beta_start=BETAS[0],
        beta_end=BETAS[1],
        beta_schedule="scaled_linear",
        clip_sample=False,
        set_alpha_to_one=False,
        steps_offset=1,
    )


@torch.no_grad()
def sample(
    attached: AttachedUNet,
    adapter: DeigAdapter,
    wanted: GroundedText,
    unwanted: GroundedText,
    noise: torch.Tensor,
    *,
    steps: int = 40,
    guidance: float = 7.5,
    scale: float = 1.0,
) -> torch.Tensor:
    """Unit noise [B, 4, h, w] -> latents [B, 4, h, w], B pictures of one text and layout.

    wanted, unwanted: the two sides of guidance; the latter usually has an empty Layout(()). scale: of the fusers'
    gates.
    """
    count, where = len(noise), noise.device
    groups = [RowGroup(count, text, Window.whole(tuple(noise.shape[-2:]))) for text in (wanted, unwanted)]
    extractor, ddim = Extractor(adapter), scheduler()
    ddim.set_timesteps(steps)
    x = noise
    for t in ddim.timesteps:
        call = ground(extractor, groups, [float(t)] * (2 * count), where)
        context = torch.cat([c.expand(count, -1, -1) for c in call.context()])
        told, untold = attached(torch.cat([x, x]), int(t), context.to(x.dtype), call, scale=scale).chunk(2)
        x = ddim.step(untold + guidance * (told - untold), t, x).prev_sample
    return x
