"""How strongly the gates act at each step (docs/method.md section 4)."""

from dataclasses import dataclass

TRAIN_STEPS = 1000
BETAS = (0.00085, 0.012)  # SD 1.x's noise of the first and the last step; their roots lie on a line (section 7)
_ROUNDING = 1e-6


def completed(timestep: float) -> float:
    """The share of the noise schedule that a step at a UNet timestep 0..999 completes."""
    # DDIM's step i of S has t = 1 + (S-1-i) * 1000/S, so that this is (i+1)/S: the share of the run that it completes.
    return min(1.0, 1 - (timestep - 1) / TRAIN_STEPS)


@dataclass(frozen=True)
class GateSchedule:
    """Scale of the fusers' gates over a sampling run.

    start, end, decay: fractions of the noise schedule. The gates act after `start` and until `end`; over the last
    `decay` before `end` they fall linearly to 0. The official schedule [on, decay, off] is start=0, end=on+decay,
    decay=decay, exactly so for DDIM's evenly spaced timesteps where the number of steps divides 1000.
    """

    strength: float = 1.0
    start: float = 0.0
    end: float = 1.0
    decay: float = 0.0

    def scale(self, timestep: float) -> float:
        """Scale at a UNet timestep 0..999. 0 is exactly the identity: no fuser needs to run."""
        progress = completed(timestep)
        if progress <= self.start + _ROUNDING or progress > self.end + _ROUNDING:
            return 0.0
        if not self.decay:
            return self.strength
        remaining = self.end - progress
        return self.strength * min(1.0, remaining / self.decay) if remaining > _ROUNDING else 0.0
