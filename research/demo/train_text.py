"""The text encoder goes on after the base: it learns to say at each word what thing the word belongs to, and stays near
what the base reads.

A base that sees few pictures has little reason to find out which of three colours is the outline's, and no adapter can
tell apart what the features do not (docs/demo.md). A real T5 brings this from its pre-training.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence
from copy import deepcopy
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F

from deig_core.text.encoder import MAX_TOKENS, TextEncoder

from ..training.noise import generator
from .loop import device, run_stage
from .scorer import ANSWERS, labels
from .text import WIDTH
from .world import Scene, Thing, draw_scene

ALONE = 48  # descriptions a step while they come alone: the first quarter of all steps
MIXED = (24, 16)  # descriptions and captions a step, after it
KEPT = 16  # of these texts a step are held near their features of before, at all positions that an IDE reads
NEAR = 1.0  # weight of the squared distance from before, as a share of the features' variance
UNSEEN = 45_000_000  # seeds that no other stage uses
CAPTIONS = 256  # unseen ones, on which it is said how well the encoder reads
log = logging.getLogger("deig.demo")


def written(texts: Sequence[Sequence[Thing]]) -> list[str]:
    """Each text as it is encoded: its things' descriptions, joined by a comma and a space."""
    return [", ".join(t.describe() for t in things) for things in texts]


class Reader(nn.Module):
    """A copy of the encoder's T5 with a linear head for each attribute; the heads are thrown away."""

    def __init__(self, encoder: TextEncoder):
        super().__init__()
        self.tokenizer = encoder.tokenizer
        self.comma = self.tokenizer.convert_tokens_to_ids(",")
        self._before = (encoder.model,)
        self.t5 = deepcopy(encoder.model).requires_grad_(True)
        self.heads = nn.ModuleDict({name: nn.Linear(WIDTH, len(answers)) for name, answers in ANSWERS.items()})

    def forward(self, texts: Sequence[Sequence[Thing]]) -> tuple[dict[str, torch.Tensor], torch.Tensor]:
        """Logits [N, answers] of each attribute for the N words of all texts, and what is right: int64 [N,
        attributes].
        """
        where = self.t5.shared.weight.device
        tokens = self.tokenizer(written(texts), padding="longest", return_tensors="pt")
        ids = tokens.input_ids
        words = (ids > self.tokenizer.unk_token_id) & (ids != self.comma)
        text, place = words.nonzero(as_tuple=True)
        thing = (ids == self.comma).cumsum(1)[text, place]
        right = torch.tensor([labels(texts[i][k]) for i, k in zip(text.tolist(), thing.tolist(), strict=True)])
        found = self.t5(input_ids=ids.to(where), attention_mask=tokens.attention_mask.to(where)).last_hidden_state[
            words.to(where)
        ]
        return {name: head(found) for name, head in self.heads.items()}, right.to(where)

    def strayed(self, texts: Sequence[str]) -> torch.Tensor:
        """Mean squared distance of the features from those of before, over all positions, as a share of their
        variance.
        """
        tokens = self.tokenizer(
            list(texts), padding="max_length", max_length=MAX_TOKENS, truncation=True, return_tensors="pt"
        )
        tokens = tokens.to(self.t5.shared.weight.device)
        with torch.no_grad():
            before = self._before[0](**tokens).last_hidden_state
        return F.mse_loss(self.t5(**tokens).last_hidden_state, before) / before.var()


@torch.no_grad()
def reading(model: Reader) -> dict[str, float]:
    """Share of words of unseen captions for which each attribute is named, and how far the features have strayed."""
    texts = [_things(draw_scene(UNSEEN + i)) for i in range(CAPTIONS)]
    logits, right = model(texts)
    named = {name: float((logits[name].argmax(1) == right[:, i]).float().mean()) for i, name in enumerate(ANSWERS)}
    return {**named, "strayed": float(model.strayed(written(texts)))}


def train_text(
    encoder: TextEncoder,
    scenes: Sequence[Scene],
    folder: Path,
    *,
    steps: int = 1500,
    seed: int = 0,
    until: float = math.inf,
) -> tuple[Reader, bool]:
    """(reader with averaged weights, whether all steps are done). encoder: the base's; it stays as it is."""
    torch.manual_seed(seed)
    encoder.model.to(device())
    model = Reader(encoder).to(device())

    def loss(step: int) -> torch.Tensor:
        lot = generator(seed, step)
        alone, together = (ALONE, 0) if step < steps // 4 else MIXED
        chosen = [
            _things(scenes[i]) for i in torch.randint(0, len(scenes), (alone + together,), generator=lot).tolist()
        ]
        chosen = [*(c[:1] for c in chosen[:alone]), *chosen[alone:]]
        logits, right = model(chosen)
        named = sum(F.cross_entropy(logits[name], right[:, i]) for i, name in enumerate(ANSWERS)) / len(ANSWERS)
        # The empty text is the unconditional side of guidance.
        return named + NEAR * model.strayed(["", *written(chosen[-KEPT:])])

    done = run_stage("text", model, loss, folder, steps=steps, peak=2e-3, until=until)
    log.info(
        "of unseen captions it reads %s", ", ".join(f"{name} {share:.1%}" for name, share in reading(model).items())
    )
    return model.eval(), done


def _things(scene: Scene) -> tuple[Thing, ...]:
    return tuple(p.thing for p in scene.things)
