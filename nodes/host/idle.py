"""Regions that act in no step of a sampling run, which is said at its node when it is over.

Nobody knows beforehand for which timesteps a sampler asks, and those of its calls are on the CPU anyway: a run begins
with all of its regions, and each call takes away those that act in it, until none is left.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from ...deig_core.regions.document import Region
from ...deig_core.schedule import GateSchedule, completed
from ...deig_core.text.grounded import GroundedText

SHUT = (
    "The regions act from {:g} to {:g} of the noise schedule (Apply DEIG){}, and are off in every step of this run, "
    "{}: they have no effect."
)
OFF = "{} there from {:g} to {:g} of the noise schedule{}, and off in every step of this run, {}: no effect."
USED = ", in a conditioning that is used {} of it (its timestep range)"


@dataclass(frozen=True)
class Span:
    """When the host uses a conditioning that has a timestep range of its own.

    start, end: as the node has them, shares of the noise schedule. first, last: the UNet timesteps 0..999 that are
    still in it, of which `first` is the higher.
    """

    start: float
    end: float
    first: float
    last: float


@dataclass(frozen=True, eq=False)
class Use:
    """A region on one side of guidance. spans: when its conditionings are used; () where one of them always is."""

    number: int
    region: Region
    negative: bool
    spans: tuple[Span, ...]

    def acts(self, timestep: float) -> bool:
        used = not self.spans or any(s.last <= timestep <= s.first for s in self.spans)
        return used and bool(self.region.strength_at(timestep))


@dataclass(eq=False)
class Idle:
    """Of one sampling run: the uses of its regions that were off in all of its calls so far.

    uses: all. left: those that were off. first, last: the shares of the noise schedule that its calls complete. opened:
    whether the gates acted in any.
    """

    gates: GateSchedule
    uses: tuple[Use, ...]
    left: tuple[Use, ...]
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
            self.left = tuple(use for use in self.left if not use.acts(timestep))

    def end(self, timesteps: Callable[[], Iterable[float]]) -> None:
        """The run is over. timesteps: of its steps; in those that no conditioning is used in, the host does not ask the
        model.
        """
        if any(use.spans for use in self.left):
            for timestep in timesteps():
                self.meet(timestep)

    def notes(self) -> list[str]:
        """What there is to say when the run is over."""
        if not self.left or self.first > self.last:
            return []
        gates, run = self.gates, f"which goes from {self.first:.3g} to {self.last:.3g} of it"
        if not self.opened:
            fading = f", fading to 0 over the last {gates.decay:g}" if gates.decay else ""
            return [SHUT.format(gates.start, gates.end, fading, run)]
        where = ""
        if (gates.start, gates.end) != (0, 1):
            where = f", where the regions act from {gates.start:g} to {gates.end:g} (Apply DEIG)"
        alike = defaultdict(set)
        for use in self._said():
            region = use.region
            keyed = ", as strong as its keys say" if region.strengths else ""
            alike[self._side(use), region.start, region.end, keyed + _used(use.spans)].add(use.number)
        return [
            OFF.format(side + _named(sorted(numbers), "region" if side else "Region"), start, end, how + where, run)
            for (side, start, end, how), numbers in alike.items()
        ]

    def _said(self) -> list[Use]:
        """Without the negative side of what is off on both."""
        positive = {id(use.region) for use in self.left if not use.negative}
        return [use for use in self.left if not (use.negative and id(use.region) in positive)]

    def _side(self, use: Use) -> str:
        """Which of its sides is off, where the other acts."""
        acts = {id(other) for other in self.uses} - {id(other) for other in self.left}
        if any(other.region is use.region and id(other) in acts for other in self.uses):
            return f"On the {'negative' if use.negative else 'positive'} side, "
        return ""


def idle(texts: Iterable[tuple[GroundedText, bool, Span | None]], gates: GateSchedule) -> Idle:
    """All regions of a run's texts, of which one may stand in several; with each text, whether it is on the negative
    side, and when it is used.
    """
    found: dict[tuple[int, bool], tuple[int, Region, list[Span | None]]] = {}
    for text, negative, span in texts:
        layout = text.layout
        for place, region in zip(layout.indices or range(len(layout.regions)), layout.regions, strict=True):
            found.setdefault((id(region), negative), (place + 1, region, []))[2].append(span)
    uses = tuple(
        Use(number, region, negative, () if None in spans else tuple(dict.fromkeys(spans)))
        for (_, negative), (number, region, spans) in found.items()
    )
    return Idle(gates, uses, uses)


def _named(numbers: list[int], kind: str) -> str:
    listed = ", ".join(map(str, numbers))
    return f"{kind} {listed} is" if len(numbers) == 1 else f"{kind}s {listed} are"


def _used(spans: tuple[Span, ...]) -> str:
    return USED.format(" and ".join(f"from {s.start:g} to {s.end:g}" for s in spans)) if spans else ""
