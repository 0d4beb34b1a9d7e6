"""The training loop, on accelerate: one process or many, resumed where it was killed."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Protocol

import torch
from accelerate import Accelerator
from accelerate.utils import DistributedDataParallelKwargs, broadcast
from diffusers import UNet2DConditionModel
from diffusers.training_utils import EMAModel
from torch.utils.data import DataLoader
from tqdm import tqdm

from deig_core.checkpoint.write import save_adapter
from deig_core.diffusers_unet.attach import halvings
from deig_core.errors import DeigError
from deig_core.model.adapter import DeigAdapter

from . import state
from .batch import Batch, Example, collate
from .config import TrainConfig
from .examples import Examples
from .optimise import EARLY, check_moved, rate
from .trainee import Features, Trainee

log = logging.getLogger("deig.training")
LEVELS = 4  # of SD 1.x's UNet
NEVER_MOVE = ("null_positive_feature", "null_position_feature")  # no cell sees an empty slot


class Source(Protocol):
    """Where examples come from: a length, and example i (before dropping and mirroring)."""

    def __len__(self) -> int: ...

    def __getitem__(self, i: int) -> Example: ...


def train(
    config: TrainConfig,
    source: Source,
    features: Features,
    unet: UNet2DConditionModel,
    adapter: DeigAdapter,
    folder: Path,
    *,
    trainee: type[Trainee] = Trainee,
    sampler=None,
    until: float = math.inf,
) -> bool:
    """Train `adapter` in place up to config.steps and leave its averaged weights in it and, after any step, in
    folder/adapter.safetensors.

    Goes on from the newest state in `folder`. until: time.monotonic() at which to save and stop. sampler: (adapter) ->
    uint8 [n, h, w, 3] pictures for TensorBoard. trainee: what is trained, for ablations. Returns whether all steps are
    done. Raises DeigError if a weight stands still over the first 50 steps, or the loss is no number.
    """
    accelerator = Accelerator(
        mixed_precision=config.precision,
        gradient_accumulation_steps=config.accumulate,
        log_with="tensorboard",
        project_dir=folder,
        kwargs_handlers=[DistributedDataParallelKwargs(broadcast_buffers=False)],
        step_scheduler_with_optimizer=False,
    )
    accelerator.init_trackers("curves")
    if config.checkpointing:
        unet.enable_gradient_checkpointing()
    unet.to(accelerator.device)
    model = trainee(unet, adapter, seed=config.seed, gamma=config.gamma)
    parameters = list(adapter.parameters())
    optimiser = torch.optim.AdamW(
        parameters, lr=config.learning_rate, betas=(0.9, config.beta2), weight_decay=config.weight_decay
    )
    average = EMAModel(parameters, decay=config.averaging, use_ema_warmup=True, power=0.75, foreach=True)
    first = _resume(folder, adapter, optimiser, average, accelerator.scaler)
    model, optimiser = accelerator.prepare(model, optimiser)
    average.to(accelerator.device)
    whole = config.batch * config.accumulate * accelerator.num_processes
    log.info(
        "%d pictures to a step: %d at once, %d times, in %d processes.",
        whole,
        config.batch,
        config.accumulate,
        accelerator.num_processes,
    )
    batches = iter(_loader(config, source, features, first, accelerator.process_index, accelerator.num_processes))
    bar = tqdm(
        range(first, config.steps),
        initial=first,
        total=config.steps,
        disable=not accelerator.is_main_process,
        unit="step",
    )
    step = first
    for step in bar:
        if _late(accelerator, until):
            break
        for group in optimiser.param_groups:
            group["lr"] = config.learning_rate * rate(
                step, steps=config.steps, warm_up=config.warm_up, decay=config.decay
            )
        value = torch.zeros((), device=accelerator.device)
        for _ in range(config.accumulate):
            batch, found = next(batches)
            with accelerator.accumulate(model):
                loss = model(batch, features(batch.texts) if found is None else found)
                accelerator.backward(loss)
                if accelerator.sync_gradients:
                    accelerator.clip_grad_norm_(parameters, config.clip)
                optimiser.step()
                optimiser.zero_grad()
            value += loss.detach() / config.accumulate
        average.step(parameters)
        done = step + 1
        if done == EARLY:
            check_moved(adapter, optimiser, NEVER_MOVE)
        if done % 10 == 0 or done == config.steps:
            mean = float(accelerator.reduce(value, "mean"))
            if not math.isfinite(mean):
                raise DeigError(
                    f"The loss at step {done} is no number: lower learning_rate, or train with precision bf16 or no."
                )
            accelerator.log({"loss": mean, "learning_rate": optimiser.param_groups[0]["lr"]}, step=done)
            bar.set_postfix(loss=f"{mean:.4f}")
        if accelerator.is_main_process and (done % config.save_every == 0 or done == config.steps):
            _save(folder, done, config, adapter, optimiser, average, accelerator.scaler)
        if accelerator.is_main_process and sampler and config.sample_every and done % config.sample_every == 0:
            with _averaged(average, parameters):
                accelerator.get_tracker("tensorboard").log_images(
                    {"samples": sampler(adapter)}, step=done, dataformats="NHWC"
                )
    else:
        step = config.steps
    if accelerator.is_main_process and step > first and step % config.save_every and step != config.steps:
        _save(folder, step, config, adapter, optimiser, average, accelerator.scaler)
    accelerator.wait_for_everyone()
    # The reducer of several processes hangs now and then if it outlives the process group that end_training takes down.
    accelerator.free_memory(model, optimiser)
    del model, optimiser
    accelerator.end_training()
    average.copy_to(parameters)
    return step >= config.steps


class _Collate:
    """Examples -> (batch, its features, or None where the texts are encoded beside the training). Its masks are made
    here, where workers help.
    """

    def __init__(self, features: Features | None):
        self._features = features

    def __call__(self, examples: Sequence[Example]) -> tuple[Batch, torch.Tensor | None]:
        batch = collate(examples)
        for grid in islice(halvings(tuple(batch.latents.shape[-2:])), LEVELS):
            batch.members(grid)
        return batch, self._features(batch.texts) if self._features else None


def _loader(
    config: TrainConfig, source: Source, features: Features, first: int, process: int, processes: int
) -> Iterator:
    examples = Examples(source, config)
    reads = _Collate(features if config.workers and getattr(features, "in_workers", False) else None)
    return DataLoader(
        examples,
        batch_sampler=examples.places(first, process, processes),
        collate_fn=reads,
        num_workers=config.workers,
        persistent_workers=config.workers > 0,
    )


def _late(accelerator: Accelerator, until: float) -> bool:
    if until == math.inf or accelerator.num_processes == 1:
        return time.monotonic() >= until
    # One clock decides: a process that stopped alone would leave the others waiting for its gradients.
    return bool(broadcast(torch.tensor(time.monotonic() >= until, dtype=torch.int32, device=accelerator.device)))


def _resume(folder: Path, adapter: DeigAdapter, optimiser: torch.optim.Optimizer, average: EMAModel, scaler) -> int:
    found = state.newest(folder / "states")
    if found is None:
        return 0
    try:
        adapter.load_state_dict(found["adapter"])
    except RuntimeError:
        raise DeigError(
            f"{folder.name} holds a run of an adapter with other sizes: go on with that run's options, or choose "
            f"another folder."
        ) from None
    optimiser.load_state_dict(found["optimiser"])
    average.load_state_dict(found["average"])
    if scaler is not None and "scaler" in found:
        scaler.load_state_dict(found["scaler"])
    log.info("Training goes on from step %d.", found["step"])
    return found["step"]


def _save(
    folder: Path,
    step: int,
    config: TrainConfig,
    adapter: DeigAdapter,
    optimiser: torch.optim.Optimizer,
    average: EMAModel,
    scaler,
) -> None:
    scaling = {} if scaler is None else {"scaler": scaler.state_dict()}
    # The state comes last: a run that is killed between the two goes on from the state before, and writes both again.
    with _averaged(average, list(adapter.parameters())):
        save_adapter(
            folder / "adapter.safetensors",
            adapter,
            adapter.config,
            dtype=torch.float16,
            provenance=f"step {step} of {config}",
        )
    state.save(
        folder / "states",
        step,
        {
            "adapter": adapter.state_dict(),
            "optimiser": optimiser.state_dict(),
            "average": average.state_dict(),
            **scaling,
        },
        config.keep,
    )


class _averaged:
    """Within it the parameters hold their averages."""

    def __init__(self, average: EMAModel, parameters: Sequence[torch.nn.Parameter]):
        self._average, self._parameters = average, parameters

    def __enter__(self) -> None:
        self._average.store(self._parameters)
        self._average.copy_to(self._parameters)

    def __exit__(self, *_: object) -> None:
        self._average.restore(self._parameters)
