"""Which example stands where in which step: a function of the seed alone, for any number of processes and after any
kill.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import torch
from torch.utils.data import Dataset

from .batch import Example, mirrored
from .config import TrainConfig
from .noise import generator
from .pictures import SIDES

Place = tuple[int, int, int]  # (index of the example, optimiser step, place in the step's global batch)


class Examples(Dataset):
    """`source` with what training does to it: dropping, mirroring, the largest instances of a crowd."""

    def __init__(self, source, config: TrainConfig):
        self.source, self.config = source, config

    def __getitem__(self, place: Place) -> Example:
        index, step, position = place
        lot = generator(self.config.seed, 1, step, position)
        drop, turn = torch.rand(2, generator=lot).tolist()
        example = replace(self.source[index], key=(step, position))
        if drop < self.config.drop:
            return example.without_text()
        example = _largest(example, self.config.most_instances)
        if (
            self.config.mirror
            and turn < 0.5
            and not any(SIDES.search(t) for t in (example.caption, *example.descriptions))
        ):
            example = mirrored(example)
        return example

    def places(self, first: int, process: int, processes: int) -> Iterator[list[Place]]:
        """The batches of one process, from optimiser step `first` on; `accumulate` of them make a step."""
        c = self.config
        whole = c.batch * c.accumulate * processes
        for step in range(first, c.steps):
            for turn in range(c.accumulate):
                start = (turn * processes + process) * c.batch
                yield [(self._index(step * whole + p), step, p) for p in range(start, start + c.batch)]

    def _index(self, position: int) -> int:
        count = len(self.source)
        epoch, place = divmod(position, count)
        if getattr(self, "_epoch", None) != epoch:
            self._epoch, self._order = epoch, torch.randperm(count, generator=generator(self.config.seed, 2, epoch))
        return int(self._order[place])


def _largest(example: Example, most: int) -> Example:
    if len(example.boxes) <= most:
        return example
    areas = [(x1 - x0) * (y1 - y0) for x0, y0, x1, y1 in example.boxes]
    kept: Sequence[int] = sorted(sorted(range(len(areas)), key=lambda i: -areas[i])[:most])
    return replace(
        example, boxes=tuple(example.boxes[i] for i in kept), descriptions=tuple(example.descriptions[i] for i in kept)
    )
