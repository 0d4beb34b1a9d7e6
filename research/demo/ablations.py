"""The full method and what is left of it without one of its parts, trained alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch

from deig_core.layout.masks import Size
from deig_core.model.adapter import DeigAdapter
from deig_core.model.fuser import LevelInstances

from ..training.batch import Batch, BatchCall
from ..training.trainee import Trainee


class Unmasked:
    """A call whose every cell sees every instance: the fuser without DFM's mask."""

    def __init__(self, call):
        self._call = call

    def instances(self, grid: Size, device: torch.device) -> list[LevelInstances]:
        return [
            level if level.members is None else replace(level, members=_every_cell(level))
            for level in self._call.instances(grid, device)
        ]


def _every_cell(level: LevelInstances) -> torch.Tensor:
    # The instances that any cell of a row sees: a padded slot stays invisible.
    words = level.members[:, 0].clone()
    for column in level.members.unbind(1):
        words |= column
    return words[:, None].expand_as(level.members)


class UnmaskedTrainee(Trainee):
    """Without the mask: every cell sees every instance."""

    def ground(self, batch: Batch, features: torch.Tensor, times: torch.Tensor):
        context, call = super().ground(batch, features, times)
        return context, Unmasked(call)


class PooledTrainee(Trainee):
    """Without the IDE: an instance's tokens are all the mean of its words' features, through the IDE's text
    projection.
    """

    @property
    def tokens(self) -> int:
        """Of an instance."""
        return self.adapter.config.tokens

    def ground(self, batch: Batch, features: torch.Tensor, times: torch.Tensor):
        size, width = len(batch.captions), batch.boxes.shape[1]
        context = self.adapter.ide(self.adapter.ide.project_text(features[:size]), times)
        pooled = pool(self.adapter, features[size:], batch.descriptions, self.tokens)
        spread = pooled.new_zeros(size, width, *pooled.shape[1:]).index_put(
            (batch.rows.to(times.device), batch.slots.to(times.device)), pooled
        )
        tokens = self.adapter.position_net(spread, batch.boxes.to(times.device), batch.valid.to(times.device))
        return context, BatchCall(batch, tokens, self.tokens)


class GligenTrainee(PooledTrainee):
    """GLIGEN's formulation (arXiv 2301.07093, section 3): an instance is one grounding token, made of its pooled text
    and its box, and every cell sees every instance. The caption's context is the other rows': the base reads no other.
    """

    tokens = 1

    def ground(self, batch: Batch, features: torch.Tensor, times: torch.Tensor):
        context, call = super().ground(batch, features, times)
        return context, Unmasked(call)


def pool(adapter: DeigAdapter, features: torch.Tensor, texts: Sequence[str], tokens: int) -> torch.Tensor:
    """Features [n, L, text_dim] of n texts -> [n, tokens, D], the mean so many times. Its words' alone: the many pads
    would drown them.
    """
    # A word is one token of the demo's tokenizer, and one more ends the text.
    lengths = torch.tensor([len(text.split()) + 1 for text in texts], device=features.device)
    words = torch.arange(features.shape[1], device=features.device) < lengths[:, None]
    mean = (features * words[:, :, None]).sum(1, keepdim=True) / lengths[:, None, None]
    return adapter.ide.connector.proj_in(mean).expand(-1, tokens, -1)


@dataclass(frozen=True)
class Ablation:
    """name: in the table. trainee: its way to the instances. coarse: whether it learns from `Thing.coarse`, without
    details.
    """

    name: str
    trainee: type[Trainee] = Trainee
    coarse: bool = False


ABLATIONS = {
    None: Ablation("DEIG"),
    "mask": Ablation("without the mask", UnmaskedTrainee),
    "ide": Ablation("without the IDE", PooledTrainee),
    "detail": Ablation("coarse captions only", coarse=True),
    "gligen": Ablation("GLIGEN's formulation", GligenTrainee),
}
