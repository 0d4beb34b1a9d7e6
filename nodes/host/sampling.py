"""DEIG during sampling: what runs once for each UNet call, and what runs in each transformer block.

Stateless functions only: the host clones models, copies their options and may run a call for each GPU at once. What a
call needs travels in its own transformer_options; the adapter is that of the patcher which runs the call.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import comfy.model_management as management
import torch
from comfy.ldm.modules.attention import optimized_attention
from comfy.model_patcher import ModelPatcher
from comfy.patcher_extension import WrappersMP

from ...deig_core.adapter import DeigAdapter
from ...deig_core.errors import DeigError
from ...deig_core.grounding import GroundedCall, Run, Window, ground
from ...deig_core.schedule import GateSchedule
from .compatibility import check_model
from .conditioning import KEY, DeigCond
from .patchers import HostedAdapter

SETTINGS, LATENT, ADAPTER, CALL = "deig_settings", "deig_latent", "deig_adapter", "deig_call"
MODES = ("t5", "clip", "concat")


@dataclass(frozen=True)
class Settings:
    """What Apply DEIG was set to. mode: what the UNet's cross-attention reads, one of MODES."""

    schedule: GateSchedule
    mode: str = "t5"


@dataclass(frozen=True, eq=False)
class Call:
    """One UNet call's preparation, for the transformer blocks."""

    adapter: DeigAdapter
    grounded: GroundedCall
    scale: float


def apply_deig(model: ModelPatcher, adapter: ModelPatcher, settings: Settings) -> ModelPatcher:
    """A clone of `model` with DEIG; of several in a row, the last one counts. Raises DeigError for a model that does not fit."""
    check_model(model, adapter.model.adapter.config)
    patched = model.clone()
    patched.set_additional_models(KEY, [adapter])
    options = patched.model_options["transformer_options"]
    options[SETTINGS] = settings
    if fuse not in options.get("patches", {}).get("middle_patch", ()):
        patched.set_model_patch(fuse, "middle_patch")
    for kind, wrapper in (
        (WrappersMP.CALC_COND_BATCH, note_latent), (WrappersMP.APPLY_MODEL, note_adapter), (WrappersMP.DIFFUSION_MODEL, ground_call),
    ):
        patched.remove_wrappers_with_key(kind, KEY)
        patched.add_wrapper_with_key(kind, KEY, wrapper)
    return patched


def note_latent(executor, model, conds, x_in, timestep, model_options):
    """CALC_COND_BATCH: remember the whole latent's size, before areas are cut out of it."""
    options = {**model_options.get("transformer_options", {}), LATENT: tuple(x_in.shape[-2:])}
    return executor(model, conds, x_in, timestep, {**model_options, "transformer_options": options})


def note_adapter(executor, x, t, c_concat=None, c_crossattn=None, control=None, transformer_options={}, **kwargs):  # noqa: B006 (host's signature)
    """APPLY_MODEL: find the adapter that belongs to the patcher running this call (each GPU has its own)."""
    (patcher,) = executor.class_obj.current_patcher.get_additional_models_with_key(KEY)
    options = {**transformer_options, ADAPTER: patcher.model}
    return executor(x, t, c_concat, c_crossattn, control, options, **kwargs)


def ground_call(executor, x, timesteps, context=None, y=None, control=None, transformer_options={}, deig=None, **kwargs):  # noqa: B006
    """DIFFUSION_MODEL: run the IDE for this timestep, replace the context where asked, leave the instances for the blocks."""
    settings: Settings = transformer_options[SETTINGS]
    hosted: HostedAdapter = transformer_options[ADAPTER]
    if deig is not None and settings.mode != "t5" and not all(c.has_clip for c in deig):
        raise DeigError(
            f'Apply DEIG\'s context "{settings.mode}" needs CLIP conditionings: connect positive and negative to DEIG Encode, or choose "t5".')
    times = timesteps.tolist()
    scale = settings.schedule.scale(times[0])
    if scale == 0 and (deig is None or settings.mode == "clip"):
        return executor(x, timesteps, context, y, control, transformer_options, **kwargs)
    runs = _runs(deig, x, transformer_options.get(LATENT))
    grounded = ground(hosted.extractor, runs, times, x.device, instances=scale != 0, dtype=x.dtype)
    if deig is not None and settings.mode != "clip":
        context = _context(settings.mode, grounded, x, context)
    if scale != 0:
        transformer_options = {**transformer_options, CALL: Call(hosted.adapter, grounded, scale)}
    return executor(x, timesteps, context, y, control, transformer_options, **kwargs)


def _runs(deig: tuple[DeigCond, ...] | None, x: torch.Tensor, latent: tuple[int, int] | None) -> list[Run]:
    size = tuple(x.shape[-2:])
    if deig is None:
        return [Run(x.shape[0], None, Window.whole(size))]
    windows = [
        Window.whole(size) if c.area is None or latent is None else Window(latent, tuple(c.area[2:4]), size)
        for c in deig
    ]
    if sum(c.rows for c in deig) != x.shape[0]:
        raise DeigError(
            f"Another node changed the batch from {sum(c.rows for c in deig)} to {x.shape[0]} images inside the model, "
            "so DEIG cannot tell its regions apart: remove that node, or Apply DEIG.")
    return [Run(c.rows, c.text, w) for c, w in zip(deig, windows, strict=True)]


def _context(mode: str, grounded: GroundedCall, x: torch.Tensor, clip: torch.Tensor) -> torch.Tensor:
    t5 = torch.cat([c.expand(run.rows, -1, -1) for c, run in zip(grounded.context(), grounded.runs, strict=True)]).to(x)
    return t5 if mode == "t5" else torch.cat([clip, t5], dim=1)


def fuse(x: torch.Tensor, extra_options: dict) -> torch.Tensor:
    """middle_patch: the block's fuser, between self- and cross-attention; x [rows, HW, C]."""
    call: Call | None = extra_options.get(CALL)
    if call is None:
        return x
    fuser = call.adapter.fuser((*extra_options["block"], extra_options["block_index"]))
    if fuser is None:
        return x
    management.throw_exception_if_processing_interrupted()
    attention = partial(_host_attention, extra_options)
    return fuser(x, call.grounded.instances(tuple(extra_options["activations_shape"][2:4]), x.device), call.scale, attention)


def _host_attention(extra_options: dict, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, heads: int) -> torch.Tensor:
    return optimized_attention(q, k, v, heads, attn_precision=extra_options.get("attn_precision"), transformer_options=extra_options)
