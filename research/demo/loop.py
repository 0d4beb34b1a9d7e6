"""One training stage of the demo: steps, averaged weights, and states that any kill leaves whole."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable
from pathlib import Path

import torch
from diffusers.training_utils import EMAModel
from torch import nn

from deig_core.errors import DeigError

from ..training import state
from ..training.optimise import EARLY, check_moved, rate

WARM_UP, DECAY = 200, 0.25
log = logging.getLogger("deig.demo")


def device() -> torch.device:
    """A GPU where there is one."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def run_stage(
    name: str,
    module: nn.Module,
    loss: Callable[[int], torch.Tensor],
    folder: Path,
    *,
    steps: int,
    peak: float,
    decay: float = DECAY,
    averaging: float = 0.999,
    save_every: int = 500,
    until: float = math.inf,
) -> bool:
    """Train `module` on loss(step) up to `steps`, from the newest state in `folder` if there is one; leave the averaged
    weights in it.

    decay: share of the steps, the last ones, over which the rate falls. until: time.monotonic() at which to save and
    stop. Returns whether all steps are done.
    Raises DeigError for the state of another model, and if a weight stands still over the first 50 steps.
    """
    parameters = [p for p in module.parameters() if p.requires_grad]
    optimiser = torch.optim.AdamW(parameters, lr=peak, betas=(0.9, 0.99), weight_decay=0.01)
    average = EMAModel(parameters, decay=averaging, use_ema_warmup=True, power=0.75, foreach=True)
    stored = state.newest(folder)
    if stored:
        try:
            module.load_state_dict(stored["module"])
            optimiser.load_state_dict(stored["optimiser"])
        except (RuntimeError, ValueError):
            raise DeigError(
                f"{folder.name} holds a run of another model: go on with that run's options, or choose another folder."
            ) from None
        average.load_state_dict(stored["average"])
    average.to(parameters[0].device)

    def save() -> None:
        state.save(
            folder,
            step,
            {"module": module.state_dict(), "optimiser": optimiser.state_dict(), "average": average.state_dict()},
            keep=1,
        )

    # On the device: a GPU that were asked for its loss after every step would wait for the next one to be prepared.
    began, recent = time.monotonic(), torch.zeros((), device=parameters[0].device)
    step = first = stored["step"] if stored else 0
    while step < steps and time.monotonic() < until:
        for group in optimiser.param_groups:
            group["lr"] = peak * rate(step, steps=steps, warm_up=WARM_UP, decay=decay)
        value = loss(step)
        value.backward()
        nn.utils.clip_grad_norm_(parameters, 1.0)
        optimiser.step()
        optimiser.zero_grad()
        average.step(parameters)
        step += 1
        recent += (value.detach() - recent) / min(50, step - first)
        if step == EARLY:
            check_moved(module, optimiser)
        if step % 50 == 0:
            pace = (time.monotonic() - began) / (step - first)
            log.info(
                "%s %d/%d loss %.4f, %.2f s a step, %.0f min left",
                name,
                step,
                steps,
                recent,
                pace,
                pace * (steps - step) / 60,
            )
        if step % save_every == 0 and step < steps:
            save()
    if step > first:
        save()
    average.copy_to(parameters)
    return step >= steps
