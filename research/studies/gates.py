"""Gates that act in a part of the schedule alone: what is still right, and what it costs."""

from __future__ import annotations

import statistics
import time
from dataclasses import replace

from deig_core.schedule import GateSchedule

from ..demo.evaluate import FIRST_SEED, judged
from ..demo.generate import STEPS
from ..demo.report import measured
from ..demo.report import table as measures
from ..demo.sampling import timesteps
from ..demo.scorer import Classifier
from ..demo.world import SIZE, draw_scene
from .curves import Point, Table, costs
from .paint import Changed, Painter, document

SCHEDULES = {
    "all of the schedule": GateSchedule(),
    **{f"until {end:g}": GateSchedule(end=end) for end in (0.8, 0.6, 0.4, 0.2)},
    "from 0.2 on": GateSchedule(start=0.2),
}


def table(painter: Painter, classifier: Classifier, layouts: int, seed: int) -> Table:
    """A row for each of SCHEDULES, of `layouts` pictures. seed: of their noise."""
    scenes = [draw_scene(FIRST_SEED + i) for i in range(layouts)]
    documents = [document(scene, SIZE) for scene in scenes]
    found, points = {}, []
    for name, schedule in SCHEDULES.items():
        began = time.process_time()
        pictures = painter.drawn(documents, scenes, seed, Changed(schedule.scale))
        seconds = (time.process_time() - began) / len(scenes)
        found[name] = measured(judged(classifier, pictures, scenes))
        open_share = statistics.mean(schedule.scale(t) > 0 for t in timesteps(STEPS))
        curve = "gates that act later" if schedule.start else "gates that close early"
        points.append(Point(curve, name, open_share, seconds, found[name]["all"]))
    text = f"{len(scenes)} layouts, seed {seed}\n\n{measures(found)}\n\n{costs(points)}"
    # The one that begins later is a curve too, from the run that all begin with.
    return Table(text, [*points[:-1], replace(points[0], curve=points[-1].curve), points[-1]])
