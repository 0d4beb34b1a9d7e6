"""The text encoder, before any picture: a T5 that names the attributes of the thing that each token belongs to.

A base that sees few pictures has little reason to find out which of three colours is the outline's, and no adapter can tell apart what
the features do not (docs/demo.md). A real T5 brings this from its pre-training.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F

from ..training.noise import generator
from .loop import device, run_stage
from .scorer import ANSWERS, labels
from .text import WIDTH, new_t5
from .world import Thing, draw_scene

SCENES = 12_000  # seeds 0, 1, ...: those that the base and the adapter are trained on
ALONE = 48  # descriptions a step while they come alone: the first quarter of all steps
MIXED = (24, 16)  # descriptions and captions a step, after it
UNSEEN = 45_000_000  # seeds that no other stage uses
log = logging.getLogger("deig.demo")


class Reader(nn.Module):
    """T5 with a linear head for each attribute; the heads are thrown away."""

    def __init__(self, tokenizer):
        super().__init__()
        self.tokenizer = tokenizer
        self.comma = tokenizer.convert_tokens_to_ids(",")
        self.t5 = new_t5(len(tokenizer))
        self.heads = nn.ModuleDict({name: nn.Linear(WIDTH, len(answers)) for name, answers in ANSWERS.items()})

    def forward(self, texts: Sequence[Sequence[Thing]]) -> tuple[dict[str, torch.Tensor], torch.Tensor]:
        """Logits [N, answers] of each attribute for the N words of all texts, and what is right: int64 [N, attributes]."""
        where = self.t5.shared.weight.device
        tokens = self.tokenizer([", ".join(t.describe() for t in things) for things in texts], padding="longest", return_tensors="pt")
        ids = tokens.input_ids
        words = (ids > self.tokenizer.unk_token_id) & (ids != self.comma)
        text, place = words.nonzero(as_tuple=True)
        thing = (ids == self.comma).cumsum(1)[text, place]
        right = torch.tensor([labels(texts[i][k]) for i, k in zip(text.tolist(), thing.tolist(), strict=True)])
        found = self.t5(input_ids=ids.to(where), attention_mask=tokens.attention_mask.to(where)).last_hidden_state[words.to(where)]
        return {name: head(found) for name, head in self.heads.items()}, right.to(where)


@torch.no_grad()
def reading(model: Reader, captions: int = 256) -> dict[str, float]:
    """Share of words of unseen captions for which each attribute is named."""
    logits, right = model([_things(UNSEEN + i) for i in range(captions)])
    return {name: float((logits[name].argmax(1) == right[:, i]).float().mean()) for i, name in enumerate(ANSWERS)}


def train_text(tokenizer, state: Path, *, steps: int = 3000, seed: int = 0, until: float = math.inf) -> tuple[Reader, bool]:
    """(reader with averaged weights, whether all steps are done)."""
    torch.manual_seed(seed)
    model = Reader(tokenizer).to(device())
    things = cache(_things)

    def loss(step: int) -> torch.Tensor:
        lot = generator(seed, step)
        alone, together = (ALONE, 0) if step < steps // 4 else MIXED
        chosen = [things(i) for i in torch.randint(0, SCENES, (alone + together,), generator=lot).tolist()]
        logits, right = model([*(c[:1] for c in chosen[:alone]), *chosen[alone:]])
        return sum(F.cross_entropy(logits[name], right[:, i]) for i, name in enumerate(ANSWERS)) / len(ANSWERS)

    done = run_stage("text", model, loss, state, steps=steps, peak=3e-3, until=until)
    log.info("of unseen captions it reads %s", ", ".join(f"{name} {share:.1%}" for name, share in reading(model).items()))
    return model.eval(), done


def _things(seed: int) -> tuple[Thing, ...]:
    return tuple(p.thing for p in draw_scene(seed).things)
