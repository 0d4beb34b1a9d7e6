"""The gates' schedule has the official [on, decay, off] as a special case (docs/method.md section 4)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deig_core.schedule import GateSchedule

FRACTIONS = st.floats(0, 1)


def official(on, decay, steps):
    """Scales of the authors' schedule: int(on * S) steps at 1, then n = int(decay * S) falling steps, then 0."""
    full, falling = round(on * steps), round(decay * steps)
    scales = [1.0] * full + [(falling - 1 - k) / falling for k in range(falling)]
    return scales + [0.0] * (steps - len(scales))


@pytest.mark.parametrize("steps", [20, 25, 40, 50])
@pytest.mark.parametrize(("on", "decay"), [(1.0, 0.0), (0.2, 0.0), (0.2, 0.4), (0.0, 1.0), (0.6, 0.4), (0.4, 0.2)])
def test_official_schedules_on_ddim_timesteps(steps, on, decay):
    schedule = GateSchedule(end=on + decay, decay=decay)
    timesteps = [1 + (steps - 1 - i) * (1000 // steps) for i in range(steps)]
    assert [schedule.scale(t) for t in timesteps] == pytest.approx(official(on, decay, steps), abs=1e-6)


@given(strength=st.floats(0, 4), start=FRACTIONS, end=FRACTIONS, decay=FRACTIONS, timestep=st.floats(0, 999))
def test_scales_stay_between_0_and_the_strength(strength, start, end, decay, timestep):
    assert 0 <= GateSchedule(strength, start, end, decay).scale(timestep) <= strength


@given(start=FRACTIONS, decay=st.floats(0.01, 1), earlier=st.floats(0, 999), later=st.floats(0, 999))
def test_once_begun_the_scale_never_rises(start, decay, earlier, later):
    schedule = GateSchedule(start=start, end=1.0, decay=decay)
    first, second = max(earlier, later), min(earlier, later)
    if schedule.scale(first) > 0:
        assert schedule.scale(second) <= schedule.scale(first)


@pytest.mark.parametrize("steps", [20, 25, 40, 50])
@pytest.mark.parametrize(("on", "decay"), [(0.2, 0.4), (0.0, 1.0), (0.6, 0.4), (0.4, 0.2), (0.2, 0.6), (0.0, 0.4)])
def test_the_last_step_of_a_decay_is_exactly_0(steps, on, decay):
    schedule, last = GateSchedule(end=on + decay, decay=decay), round((on + decay) * steps) - 1
    assert schedule.scale(1 + (steps - 1 - last) * (1000 // steps)) == 0
