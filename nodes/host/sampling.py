"""DEIG in the host's model: the wrappers that `apply_deig` installs, and what they run, once for each UNet call and in
each transformer block.

Stateless functions: the host clones models, copies their options and may run a call for each GPU at once. What a call
needs travels in its own transformer_options, as does what DEIG Reuse Steps keeps of a run; the adapter is that of the
patcher which runs the call.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, partial

import comfy.model_management as management
import torch
from comfy.ldm.modules.attention import optimized_attention
from comfy.model_patcher import ModelPatcher
from comfy.patcher_extension import WrappersMP

from ...deig_core.call import GroundedCall, ground
from ...deig_core.model.adapter import DeigAdapter
from ...deig_core.schedule import GateSchedule
from ...deig_core.text.grounded import GroundedText
from .compatibility import check_model
from .conditioning import clip_alone, resolved
from .follower import followed
from .idle import Idle, Span, idle
from .keys import ADAPTER, DEIG, IDLE, KEPT, LATENT, PLACES, REUSE, SETTINGS, WATCHERS, WORK
from .message import say_at_running_node
from .neighbours import check_context, explained, watched
from .parts import check_uncut, row_groups
from .patchers import HostedAdapter
from .reuse import Added, Kept, rows_of

MODES = ("t5", "clip", "concat")  # the node calls it context, which here is the tensor that cross-attention reads


@dataclass(frozen=True)
class Settings:
    """What Apply DEIG was set to. mode: what the UNet's cross-attention reads, one of MODES. applied: False in a model
    that only reads DEIG's prompts, and those only where no CLIP conditioning is at hand: its checkpoint has no CLIP.
    """

    schedule: GateSchedule
    mode: str = "t5"
    applied: bool = True


@dataclass(frozen=True, eq=False)
class BlockWork:
    """What the transformer blocks of one UNet call do.

    added: with DEIG Reuse Steps, what each block's fuser adds, to be filled or to be added again. whole: in a call that
    adds again, which needs no instances, what makes them for a block of which nothing is kept.
    """

    adapter: DeigAdapter
    grounded: GroundedCall
    scale: float
    added: Added | None = None
    whole: Callable[[], GroundedCall] | None = None


def apply_deig(model: ModelPatcher, adapter: ModelPatcher, settings: Settings) -> ModelPatcher:
    """A clone of `model` with DEIG; of several in a row, the last one counts. Raises DeigError for a model that does
    not fit.
    """
    check_model(model, adapter.model.adapter.config)
    patched = model.clone()
    patched.set_additional_models(DEIG, [adapter])
    patched.model_options["transformer_options"][SETTINGS] = settings
    for kind, wrapper in (
        (WrappersMP.OUTER_SAMPLE, read_conditionings),
        (WrappersMP.PREDICT_NOISE, note_size),
        (WrappersMP.CALC_COND_BATCH, check_latent),
        (WrappersMP.APPLY_MODEL, note_adapter),
        (WrappersMP.DIFFUSION_MODEL, ground_call),
    ):
        patched.remove_wrappers_with_key(kind, DEIG)
        patched.add_wrapper_with_key(kind, DEIG, wrapper)
    return patched


def reading_prompts(model: ModelPatcher, adapter: ModelPatcher) -> ModelPatcher:
    """A model whose checkpoint has no CLIP, able to read DEIG's prompts through the adapter's IDE; regions need
    Apply DEIG.
    """
    return apply_deig(model, adapter, Settings(GateSchedule(0.0), applied=False))


def settings_of(model: ModelPatcher) -> Settings | None:
    """What Apply DEIG was set to in `model`; None without it."""
    settings = model.model_options["transformer_options"].get(SETTINGS)
    return settings if settings and settings.applied else None


def read_conditionings(executor, noise, latent_image, sampler, sigmas, *args, **kwargs):
    """OUTER_SAMPLE: what the nodes have made of DEIG's conditionings becomes what the call will be told; the whole
    latent's size is noted, and which part of the picture it is. When the run is over, what had no effect is said.
    """
    # Conditionings and options are the guider's own copies for this run.
    guider = executor.class_obj
    options = guider.model_options["transformer_options"]
    settings: Settings = options[SETTINGS]
    width = guider.model_patcher.model.model_config.unet_config["context_dim"]
    time = guider.model_patcher.get_model_object("model_sampling")

    def read(entry: dict) -> dict:
        return (None if settings.applied else clip_alone(entry)) or resolved(entry, settings.mode, width)

    guider.conds = {side: [read(entry) for entry in entries] for side, entries in guider.conds.items()}
    if (every := options.get(REUSE, 1)) > 1:
        options[KEPT] = Kept(every, tuple(noise.shape))
    if settings.schedule.strength:  # without regions a part of the picture is as good as the whole
        options[LATENT] = tuple(noise.shape[-2:])
        options[IDLE] = idle(_texts(guider.conds, time), settings.schedule)
    with followed(guider.conds, tuple(noise.shape[-2:])) as places:
        if places is not None:
            options[PLACES] = places
        samples = executor(noise, latent_image, sampler, sigmas, *args, **kwargs)
    if IDLE in options:
        options[IDLE].end(lambda: time.timestep(sigmas[:-1]).tolist())
    say_at_running_node([note for key in (IDLE, KEPT) if key in options for note in options[key].notes()])
    return samples


def _texts(conds: dict[str, list[dict]], time) -> Iterator[tuple[GroundedText, bool, Span | None]]:
    """With each text, whether it is on the negative side, and when it is used. time: the model's own."""
    for side, entries in conds.items():
        for entry in entries:
            if DEIG in entry["model_conds"]:
                yield entry["model_conds"][DEIG].text, side == "negative", _span(entry, time)


def _span(entry: dict, time) -> Span | None:
    """When the host uses an entry that has a timestep range, or hooks on its CLIP that have; None: always."""
    start = max(entry.get("start_percent", 0.0), entry.get("clip_start_percent", 0.0))
    end = min(entry.get("end_percent", 1.0), entry.get("clip_end_percent", 1.0))
    if start <= 0 and end >= 1:
        return None
    # By way of sigmas, as the host compares them: how they and timesteps go together is each model's own.
    first, last = time.timestep(torch.tensor([time.percent_to_sigma(share) for share in (start, end)])).tolist()
    return Span(start, end, first, last)


def note_size(executor, x, timestep, model_options={}, seed=None):
    """PREDICT_NOISE: some samplers have the whole picture denoised at another size now and then, which is then the
    latent's. Whoever cuts the picture into parts does so further in, or changes its proportions. Where steps are
    reused, they are counted here.
    """
    options = model_options.get("transformer_options", {})
    latent, size = options.get(LATENT), tuple(x.shape[-2:])
    if kept := options.get(KEPT):
        kept.asked(tuple(x.shape))
    # The same proportions, but for a cell each way.
    if latent not in (None, size) and abs(size[0] * latent[1] - size[1] * latent[0]) <= sum(latent):
        model_options = {**model_options, "transformer_options": {**options, LATENT: size}}
    return executor(x, timestep, model_options, seed)


def check_latent(executor, model, conds, x_in, timestep, model_options):
    """CALC_COND_BATCH: before areas are cut out of it, the latent is the one that the sampler was given, or the host's
    own window on it.
    """
    check_uncut(model_options.get("transformer_options", {}), x_in)
    return executor(model, conds, x_in, timestep, model_options)


def note_adapter(executor, x, t, c_concat=None, c_crossattn=None, control=None, transformer_options={}, **kwargs):
    """APPLY_MODEL: find the adapter that belongs to the patcher running this call (each GPU has its own), and say what
    an error of the call comes from; here, because what is further in may be compiled.
    """
    (patcher,) = executor.class_obj.current_patcher.get_additional_models_with_key(DEIG)
    options = {**transformer_options, ADAPTER: patcher.model}
    try:
        return executor(x, t, c_concat, c_crossattn, control, options, **kwargs)
    except (RuntimeError, ValueError, IndexError, AssertionError) as error:
        mode = transformer_options[SETTINGS].mode
        if kwargs.get(DEIG) is not None and mode != "clip" and (reason := explained(error, mode, options)):
            raise reason from error
        raise


def ground_call(
    executor, x, timesteps, context=None, y=None, control=None, transformer_options={}, deig=None, **kwargs
):
    """DIFFUSION_MODEL: run the IDE for this timestep, replace the context where asked, leave instances and fusers
    for the blocks.
    """
    settings: Settings = transformer_options[SETTINGS]
    hosted: HostedAdapter = transformer_options[ADAPTER]
    times = timesteps.tolist()
    off: Idle | None = transformer_options.get(IDLE)
    if off is not None and off.left:
        off.meet(times[0])
    scale = settings.schedule.scale(times[0])
    if scale == 0 and (deig is None or settings.mode == "clip"):
        return executor(x, timesteps, context, y, control, transformer_options, **kwargs)
    groups = row_groups(deig, x, transformer_options)
    kept: Kept | None = transformer_options.get(KEPT)
    added, again = None, False
    if kept is not None and scale != 0 and not transformer_options.get(WATCHERS):
        there = tuple(group.text and group.text.layout.there(times[0]) for group in groups)
        added, again = kept.of(times[0], rows_of(transformer_options, x, scale, there))

    def grounding(instances: bool) -> GroundedCall:
        return ground(hosted.extractor, groups, times, x.device, instances=instances, dtype=x.dtype)

    grounded = grounding(scale != 0 and not again)
    # What the call needs is not in the model's own patches: other nodes take those for something that they know how to
    # cut or copy.
    patches = transformer_options.get("patches", {})
    if deig is not None and settings.mode != "clip":
        check_context(settings.mode, context, x, deig)
        context = _context(settings.mode, grounded, x, context)
        patches = watched(settings.mode, patches)
    if scale != 0:
        fusers = [*transformer_options.get(WATCHERS, ()), fuse]
        patches = {**patches, "middle_patch": [*fusers, *patches.get("middle_patch", ())]}
        whole = cache(partial(grounding, True)) if again else None
        transformer_options = {**transformer_options, WORK: BlockWork(hosted.adapter, grounded, scale, added, whole)}
    transformer_options = {**transformer_options, "patches": patches}
    return executor(x, timesteps, context, y, control, transformer_options, **kwargs)


def _context(mode: str, grounded: GroundedCall, x: torch.Tensor, clip: torch.Tensor) -> torch.Tensor:
    parts = [c.expand(group.rows, -1, -1) for c, group in zip(grounded.context(), grounded.groups, strict=True)]
    # A context repeated as a whole gives the same attention, so that prompts of several lengths share a batch.
    longest = math.lcm(*(p.shape[1] for p in parts))
    t5 = torch.cat([p.repeat(1, longest // p.shape[1], 1) if p.shape[1] < longest else p for p in parts]).to(x)
    return t5 if mode == "t5" else torch.cat([clip, t5], dim=1)


def fuse(x: torch.Tensor, extra_options: dict) -> torch.Tensor:
    """middle_patch: the block's fuser, between self- and cross-attention; x [rows, HW, C]."""
    work: BlockWork = extra_options[WORK]
    address = (*extra_options["block"], extra_options["block_index"])
    fuser = work.adapter.fuser(address)
    if fuser is None:
        return x
    management.throw_exception_if_processing_interrupted()
    if work.whole and (last := work.added.get(address)) is not None and last.shape == x.shape:
        return x + last
    grounded = work.whole() if work.whole else work.grounded
    attention = partial(_host_attention, extra_options)
    grid = tuple(extra_options["activations_shape"][2:4])
    fused = fuser(x, grounded.instances(grid, x.device), work.scale, attention)
    if work.added is not None:
        work.added[address] = fused - x
    return fused


def _host_attention(extra_options: dict, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, heads: int) -> torch.Tensor:
    return optimized_attention(
        q, k, v, heads, attn_precision=extra_options.get("attn_precision"), transformer_options=extra_options
    )
