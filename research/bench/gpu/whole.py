"""The pieces and the whole: the 16 fusers of a call, IDE, the text encoder, and a UNet step with and without DEIG."""

from __future__ import annotations

import copy
import itertools
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import torch
from torch import Tensor

from deig_core.attention.triton import policy
from deig_core.call import RowGroup, ground
from deig_core.layout.layout import Layout
from deig_core.layout.window import Window
from deig_core.model.adapter import DeigAdapter
from deig_core.model.config import DeigConfig
from deig_core.model.extractor import Extractor
from deig_core.text.features import TextFeatures
from deig_core.text.grounded import GroundedText

from ..fusers import unmasked
from ..measure import Call, Row, flops, peak_bytes
from ..scene import levels, regions, text_encoder
from .clock import Prepared, attempt, prepared, ratio_of, rounds_of
from .launches import launches
from .part import Part
from .rivals import short
from .unet import TransformerBlock, UNet

REGIONS, LENGTH = 5, 128  # of a step; positions of a text
TEXTS = REGIONS + 2  # a prompt and a negative prompt


@dataclass(frozen=True)
class Sizes:
    """unet, t5: arguments of `UNet` and of `scene.text_encoder`. latents: sides in cells of the square latents to
    measure at. dtype: of UNet and adapter. rounds: measurements a row.
    """

    unet: dict
    deig: DeigConfig
    t5: dict
    latents: tuple[int, ...]
    dtype: torch.dtype
    rounds: int


FULL = Sizes({}, DeigConfig(), {}, (64, 128), torch.float16, 9)
TINY = Sizes(
    {"channels": 32, "multipliers": (1, 2), "res_blocks": 1, "context": 16, "attention_levels": 2, "heads": 2},
    DeigConfig(
        text_dim=24,
        width=16,
        tokens=4,
        layers=1,
        heads=2,
        time_channels=8,
        time_dim=16,
        hidden=32,
        position_hidden=16,
        fuser_heads=2,
    ),
    {"vocab_size": 64, "d_model": 32, "d_kv": 8, "d_ff": 64, "num_layers": 1, "num_heads": 2},
    (8,),
    torch.float32,
    1,
)


def run(part: Part) -> None:
    sizes = TINY if part.tiny else FULL
    first, *others = sizes.latents
    step = Step(sizes, part.device)
    part.piece("the step", lambda: _step(part, step, first))
    part.piece("the IDE", lambda: _ide(part, step))
    if part.has(8.0, "the text encoder"):
        part.piece("the text encoder", lambda: _text_encoder(part, sizes))
    part.piece("the fusers", lambda: _fusers(part, sizes, first))
    for latent in others:
        if part.has(20.0, f"a step at {8 * latent} px"):
            part.piece(f"the step at {8 * latent} px", partial(_step, part, step, latent))
            part.piece(f"the fusers at {8 * latent} px", partial(_fusers, part, sizes, latent))
    # Last: where a profiler has looked, launching may stay slower.
    part.piece("counting launches", lambda: _launches(part, step, first))


class Step:
    """A UNet, an adapter and texts with random numbers in them, for calls with both halves of CFG."""

    def __init__(self, sizes: Sizes, device: torch.device):
        self.device, self.sizes, self.dtype = device, sizes, sizes.dtype
        with device:
            self.unet = UNet(**sizes.unet).to(sizes.dtype).requires_grad_(False)
        blocks = tuple(
            (m.address, m.norm1.normalized_shape[0]) for m in self.unet.modules() if isinstance(m, TransformerBlock)
        )
        config = replace(sizes.deig, fusers=blocks)
        self.adapter = DeigAdapter(config, device=device, dtype=sizes.dtype).requires_grad_(False)
        for gates in self.adapter.fusers.values():
            gates.alpha_attn.fill_(1.0)
            gates.alpha_dense.fill_(1.0)
        self.extractor = Extractor(self.adapter)
        prompt, negative, *texts = (TextFeatures.of(torch.randn(LENGTH, config.text_dim)) for _ in range(TEXTS))
        layout = Layout(tuple(regions(REGIONS)))
        self._sides = GroundedText(prompt, layout, tuple(texts)), GroundedText(negative, Layout(()), ())
        self._context = torch.randn(2, config.tokens, config.width, device=device, dtype=sizes.dtype)
        self._calls = itertools.count()

    def with_tokens(self, tokens: int) -> Step:
        """The same weights and texts with another T: the IDE's learned queries alone are new."""
        other = copy.copy(self)
        config = replace(self.adapter.config, tokens=tokens)
        queries = torch.randn(tokens, config.width, device=self.device, dtype=self.dtype)
        other.adapter = DeigAdapter(config, device="meta")
        weights = {**self.adapter.state_dict(), "ide.connector.latents": queries}
        other.adapter.load_state_dict(weights, assign=True)
        other.adapter.requires_grad_(False)
        other.extractor = Extractor(other.adapter)
        other._context = torch.randn(2, tokens, config.width, device=self.device, dtype=self.dtype)
        return other

    def calls(self, latent: int) -> tuple[Call, Call]:
        """(with DEIG, without) of a square latent. Each call is at a new timestep: the IDE has its work to do."""
        x = torch.randn(2, 4, latent, latent, device=self.device, dtype=self.dtype)
        runs = [RowGroup(1, side, Window.whole((latent, latent))) for side in self._sides]

        def timestep() -> float:
            return 999.0 - 0.6180339887 * next(self._calls) % 998

        def with_deig() -> Tensor:
            t = timestep()
            call = ground(self.extractor, runs, [t, t], self.device, dtype=self.dtype)

            def fuse(address, cells: Tensor, grid: tuple[int, int]) -> Tensor:
                return self.adapter.fuser(address)(cells, call.instances(grid, self.device))

            return self.unet(x, torch.full((2,), t, device=self.device), torch.cat(call.context()).to(self.dtype), fuse)

        # As many tokens of context as DEIG has: the difference is the fusers, the IDE and the position net.
        return with_deig, lambda: self.unet(x, torch.full((2,), timestep(), device=self.device), self._context)


def _step(part: Part, step: Step, latent: int) -> None:
    device, group = part.device, _group(step, latent)
    with_deig, without = step.calls(latent)

    def by_torch() -> Tensor:
        with policy.put_aside():
            return with_deig()

    if not bool(with_deig().isfinite().all()):
        part.note(f"{group}: the result is not finite.")
    counts = flops(with_deig), flops(without)
    counted = counts[0] / counts[1]
    part.row(Row(group, "DEIG / without: arithmetic", counted, note=_both(counts, 1e12, 3, "TFLOP")))
    calls = {"deig": with_deig, "without": without, "by torch": by_torch}
    for how, works in {
        "in a graph": {name: attempt(partial(prepared, call, device, calls=1)) for name, call in calls.items()},
        "launched one by one": {name: Prepared(call, 1) for name, call in calls.items()},
    }.items():
        reasons = {name: work if isinstance(work, str) else work.why_not for name, work in works.items()}
        if any(reasons.values()):
            part.note(f"{group}, {how}: unmeasured ({'; '.join(f'{n}: {why}' for n, why in reasons.items() if why)}).")
            continue
        times = rounds_of(works, device, step.sizes.rounds)
        found = ratio_of(times["deig"], times["without"])
        part.row(found.row(group, f"DEIG / without: time, {how}"))
        spread = found.value / counted, found.low / counted, found.high / counted
        part.row(Row(group, f"DEIG / without: time / arithmetic, {how}", *spread, at_most=1.05))
        aside = ratio_of(times["by torch"], times["deig"])
        part.row(aside.row(group, f"DEIG without the kernel / with it: time, {how}"))
    peaks = [peak_bytes(call, device) for call in (with_deig, without)]
    part.row(Row(group, "DEIG / without: peak of activations", peaks[0] / peaks[1], note=_both(peaks, 2**20, 0, "MB")))


def _both(numbers: Sequence[float], unit: float, digits: int, name: str) -> str:
    return " / ".join(f"{n / unit:.{digits}f}" for n in numbers) + f" {name}"


def _launches(part: Part, step: Step, latent: int) -> None:
    group = _group(step, latent)
    seen = {}
    for name, call in zip(("with DEIG", "without"), step.calls(latent), strict=True):
        call()
        seen[name] = launches(call)
    if part.device.type == "cuda" and not all(side.kernels for side in seen.values()):
        part.note(f"{group}: the profiler saw no kernel, so none is counted.")
        return
    for name, side in seen.items():
        goal = 0 if name == "with DEIG" else None
        part.row(Row(group, f"kernels {name}", side.kernels, unit=""))
        part.row(Row(group, f"waits for the device {name}", side.waits, unit="", at_most=goal, note=side.note()))


def _group(step: Step, latent: int) -> str:
    return f"a UNet step, {8 * latent} px, CFG, {REGIONS} regions, {short(step.dtype)}"


def _alone(part: Part, name: str, call: Call, rounds: int, note: str = "") -> None:
    """A call's time in milliseconds."""
    group = f"{TEXTS} texts"
    work = attempt(lambda: prepared(call, part.device))
    if isinstance(work, str):
        part.note(f"{group}, {name}: unmeasured ({work}).")
        return
    times = [1e3 * t for t in rounds_of({name: work}, part.device, rounds)[name]]
    how = f"launched one by one ({work.why_not})" if work.why_not else ""
    notes = ", ".join(text for text in (note, how) if text)
    part.row(Row(group, name, statistics.median(times), min(times), max(times), unit="ms", note=notes))


def _ide(part: Part, step: Step) -> None:
    ide, device, rounds = step.adapter.ide, part.device, step.sizes.rounds
    features = torch.randn(TEXTS, LENGTH, step.adapter.config.text_dim, device=device)
    text, timesteps = ide.project_text(features), torch.full((TEXTS,), 951.0, device=device)
    _alone(part, "IDE: texts projected, once a text", lambda: ide.project_text(features), rounds)
    _alone(part, "IDE: a step", lambda: ide(text, timesteps), rounds, "float32")


def _text_encoder(part: Part, sizes: Sizes) -> None:
    dtype = torch.float32 if part.tiny else torch.bfloat16
    model = text_encoder(part.device, dtype, **sizes.t5)
    ids = torch.randint(2, model.config.vocab_size, (TEXTS, LENGTH), device=part.device)
    mask = (torch.arange(LENGTH, device=part.device) < LENGTH // 3).long().expand(TEXTS, -1)
    note = f"{sum(p.numel() for p in model.parameters()) / 1e9:.2f} billion numbers, random"
    for count in (TEXTS, 1):
        call = partial(model, input_ids=ids[:count], attention_mask=mask[:count])
        _alone(part, f"text encoder, {short(dtype)}, {count} x {LENGTH} tokens", call, sizes.rounds, note)


def _fusers(part: Part, sizes: Sizes, latent: int) -> None:
    """The sixteen of a call: one of each level measured, times how many there are."""
    group = "16 fusers of a call, one row: ours / the same products with unmasked attention"
    made: dict = {}
    for count in (5,) if part.tiny else (5, 64, 1):
        name = f"{8 * latent} px, {'1 region' if count == 1 else f'{count} regions'}"
        if not part.has(3.0, f"16 fusers, {name}"):
            return
        ours, plain = [0.0] * sizes.rounds, [0.0] * sizes.rounds
        for level in levels(count, (latent, latent), part.device, sizes.dtype, made):
            masked = prepared(partial(level.fuser, level.x, level.instances), part.device)
            works = {"ours": masked, "plain": prepared(partial(unmasked, level), part.device)}
            times = rounds_of(works, part.device, sizes.rounds)
            for total, side in ((ours, "ours"), (plain, "plain")):
                for i, spent in enumerate(times[side]):
                    total[i] += level.count * spent
        part.row(ratio_of(ours, plain).row(group, name, at_most=1.10))
