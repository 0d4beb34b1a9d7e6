"""Watching the fusers of a sampling run: two wrappers that are there only in a recorded model, and what they have
the blocks do.
"""

from __future__ import annotations

from functools import partial

import torch
from comfy.model_patcher import ModelPatcher
from comfy.patcher_extension import WrappersMP

from ...deig_core.errors import DeigError
from ...deig_core.maps.recording import Recording, RunMaps, fuser_weights
from ...deig_core.schedule import GateSchedule
from .keys import ATTENTION, DEIG, RUN, TEXTS, WATCHERS, WORK
from .sampling import settings_of

POSITIVE = 0  # in the host's cond_or_uncond


def record_attention(model: ModelPatcher, start: float, end: float) -> tuple[ModelPatcher, Recording]:
    """A clone of `model` whose sampling runs are recorded, between two shares of the noise schedule; of several in a
    row, the last one counts.

    Raises DeigError for a model without DEIG.
    """
    if settings_of(model) is None:
        raise DeigError("DEIG Record Attention got a model without DEIG: connect the MODEL of Apply DEIG.")
    patched = model.clone()
    recording = Recording()
    for kind, wrapper in (
        (WrappersMP.OUTER_SAMPLE, partial(record_run, recording)),
        (WrappersMP.APPLY_MODEL, partial(note_texts, GateSchedule(1.0, start, end))),
    ):
        patched.remove_wrappers_with_key(kind, ATTENTION)
        patched.add_wrapper_with_key(kind, ATTENTION, wrapper)
    return patched, recording


def record_run(recording: Recording, executor, *args, **kwargs):
    """OUTER_SAMPLE: collect one run's maps, and keep them if the run comes to its end."""
    maps = RunMaps()
    # The guider's options are a copy that the host made for this run.
    executor.class_obj.model_options["transformer_options"][RUN] = maps
    samples = executor(*args, **kwargs)
    recording.keep(samples, maps)
    return samples


def note_texts(
    schedule: GateSchedule,
    executor,
    x,
    t,
    c_concat=None,
    c_crossattn=None,
    control=None,
    transformer_options={},
    **kwargs,
):
    """APPLY_MODEL: in the recorded part of the schedule, tell the blocks whose texts the rows belong to."""
    deig = kwargs.get(DEIG)
    if (
        deig is not None
        and RUN in transformer_options
        and schedule.scale(executor.class_obj.model_sampling.timestep(t).tolist()[0]) != 0
    ):
        texts = [
            cond.text if kind == POSITIVE else None
            for cond, kind in zip(deig, transformer_options["cond_or_uncond"], strict=True)
        ]
        texts *= len(x) // sum(cond.rows for cond in deig)  # once for each tile of a batch of them
        transformer_options = {**transformer_options, TEXTS: texts, WATCHERS: (watch,)}
    return executor(x, t, c_concat, c_crossattn, control, transformer_options, **kwargs)


@torch.compiler.disable
def watch(x: torch.Tensor, extra_options: dict) -> torch.Tensor:
    """middle_patch, just before `fuse`: the weights of the attention that `fuse` is about to make; x is passed on as
    it is.
    """
    work, texts, maps = (extra_options[key] for key in (WORK, TEXTS, RUN))
    fuser = work.adapter.fuser((*extra_options["block"], extra_options["block_index"]))
    if fuser is None:
        return x
    grid = tuple(extra_options["activations_shape"][2:4])
    start = 0
    for group, grounded, text in zip(work.grounded.instances(grid, x.device), work.grounded.groups, texts, strict=True):
        here = slice(start, start := start + group.rows)
        if text is None or group.tokens is None:
            continue
        weights = fuser_weights(fuser, x[here], group).unflatten(-1, grid)
        numbers = text.layout.indices or range(len(text.layout.regions))
        for place, of_region in grounded.by_region(weights).items():
            maps.add(numbers[place] + 1, text, of_region, grounded.window)
    return x
