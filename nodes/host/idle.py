"""Regions that act in no step of a sampling run, which is said at its node when it is over.

Nobody knows beforehand for which timesteps a sampler asks, and those of its calls are on the CPU anyway: a run begins
with all of its regions, and each call takes away those that act in it, until none is left.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from ...deig_core.regions.document import Region
from ...deig_core.schedule import GateSchedule, completed
from ...deig_core.text.grounded import GroundedText

SHUT = (
    "The regions act from {:g} to {:g} of the noise schedule (Apply DEIG){}, and are off in every step of this run, "
    "{}: they have no effect."
)
OFF = "{} there from {:g} to {:g} of the noise schedule{}, and off in every step of this run, {}: no effect."


@dataclass(eq=False)
class Idle:
    """Of one sampling run: its regions, with their numbers, that were off in all of its calls so far.

    first, last: the shares of the noise schedule that its calls complete. opened: whether the gates acted in any.
    """

    gates: GateSchedule
    regions: tuple[tuple[int, Region], ...]
    first: float = 1.0
    last: float = 0.0
    opened: bool = False

    def __deepcopy__(self, memo: dict) -> Idle:
        return self

    def meet(self, timestep: float) -> None:
        """The model is called at a UNet timestep 0..999."""
        share = completed(timestep)
        self.first, self.last = min(self.first, share), max(self.last, share)
        if self.gates.scale(timestep):
            self.opened = True
            self.regions = tuple((n, region) for n, region in self.regions if not region.strength_at(timestep))

    def notes(self) -> list[str]:
        """What there is to say when the run is over."""
        if not self.regions or self.first > self.last:
            return []
        gates, run = self.gates, f"which goes from {self.first:.3g} to {self.last:.3g} of it"
        if not self.opened:
            fading = f", fading to 0 over the last {gates.decay:g}" if gates.decay else ""
            return [SHUT.format(gates.start, gates.end, fading, run)]
        where = ""
        if (gates.start, gates.end) != (0, 1):
            where = f", where the regions act from {gates.start:g} to {gates.end:g} (Apply DEIG)"
        alike = defaultdict(set)
        for number, region in self.regions:
            keyed = ", as strong as its keys say" if region.strengths else ""
            alike[region.start, region.end, keyed].add(number)
        return [
            OFF.format(_named(sorted(numbers)), start, end, keyed + where, run)
            for (start, end, keyed), numbers in alike.items()
        ]


def idle(texts: Iterable[GroundedText], gates: GateSchedule) -> Idle:
    """All regions of a run's texts, of which one may stand in several."""
    found = {}
    for layout in (text.layout for text in texts):
        for place, region in zip(layout.indices or range(len(layout.regions)), layout.regions, strict=True):
            found[id(region)] = (place + 1, region)
    return Idle(gates, tuple(found.values()))


def _named(numbers: list[int]) -> str:
    listed = ", ".join(map(str, numbers))
    return f"Region {listed} is" if len(numbers) == 1 else f"Regions {listed} are"
