"""One training stage of the demo: steps, averaged weights, and states that any kill leaves whole."""

from __future__ import annotations

import logging
import math
import os
import time
from collections.abc import Callable
from pathlib import Path

import torch
from diffusers.training_utils import EMAModel
from torch import nn

from ..errors import DeigError

log = logging.getLogger("deig.demo")


def device() -> torch.device:
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def learning_rate(step: int, steps: int, warm_up: int = 200, decay: float = 0.25) -> float:
    """Share of the peak: a linear warm-up, a plateau, and a cosine down to 0 over the last `decay` of all steps."""
    left = (steps - step) / max(1, decay * steps)
    return min(1.0, (step + 1) / warm_up) * (1.0 if left >= 1 else 0.5 - 0.5 * math.cos(math.pi * left))


def run_stage(
    name: str, module: nn.Module, loss: Callable[[int], torch.Tensor], state: Path, *, steps: int, peak: float,
    averaging: float = 0.999, save_every: int = 500, until: float = math.inf,
) -> bool:
    """Train `module` on loss(step) up to `steps`, from the state at `state` if there is one; leave the averaged weights in it.

    until: time.monotonic() at which to save and stop. Returns whether all steps are done.
    Raises DeigError for the state of another model, and if a weight stands still over the first 50 steps.
    """
    parameters = [p for p in module.parameters() if p.requires_grad]
    optimiser = torch.optim.AdamW(parameters, lr=peak, betas=(0.9, 0.99), weight_decay=0.01)
    average = EMAModel(parameters, decay=averaging, use_ema_warmup=True, power=0.75)
    first = 0
    if state.is_file():
        stored = torch.load(state, weights_only=True, map_location="cpu")
        first = stored["step"]
        try:
            module.load_state_dict(stored["module"])
            optimiser.load_state_dict(stored["optimiser"])
        except (RuntimeError, ValueError):
            raise DeigError(f"{state.name} holds a run of another model: go on with that run's options, or choose another folder.") from None
        average.load_state_dict(stored["average"])
    average.to(parameters[0].device)
    start = [p.detach().clone() for p in parameters] if first == 0 else None
    began, recent = time.monotonic(), 0.0
    step = first
    while step < steps and time.monotonic() < until:
        for group in optimiser.param_groups:
            group["lr"] = peak * learning_rate(step, steps)
        value = loss(step)
        value.backward()
        nn.utils.clip_grad_norm_(parameters, 1.0)
        optimiser.step()
        optimiser.zero_grad()
        average.step(parameters)
        step += 1
        recent += (float(value.detach()) - recent) / min(50, step - first)
        if start is not None and step == 50:
            _check_moved(module, start)
            start = None
        if step % 50 == 0:
            pace = (time.monotonic() - began) / (step - first)
            log.info("%s %d/%d loss %.4f, %.2f s a step, %.0f min left", name, step, steps, recent, pace, pace * (steps - step) / 60)
        if step % save_every == 0:
            _save(state, step, module, optimiser, average)
    if step > first:
        _save(state, step, module, optimiser, average)
    average.copy_to(parameters)
    return step >= steps


def _check_moved(module: nn.Module, start: list[torch.Tensor]) -> None:
    trained = [(n, p) for n, p in module.named_parameters() if p.requires_grad]
    still = [n for (n, p), before in zip(trained, start, strict=True) if torch.equal(p, before)]
    if still:
        raise DeigError(f"After 50 steps these weights have not moved: {', '.join(still[:8])}; is the graph cut before them?")


def _save(path: Path, step: int, module: nn.Module, optimiser: torch.optim.Optimizer, average: EMAModel) -> None:
    aside = path.with_suffix(".partial")
    torch.save({"step": step, "module": module.state_dict(), "optimiser": optimiser.state_dict(), "average": average.state_dict()}, aside)
    os.replace(aside, path)
