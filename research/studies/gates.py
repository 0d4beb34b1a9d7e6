"""Gates that act in a part of the schedule alone: what is still right, and what it costs."""

from __future__ import annotations

import time

from deig_core.schedule import GateSchedule

from ..demo.evaluate import FIRST_SEED, judged
from ..demo.report import measured
from ..demo.report import table as measures
from ..demo.scorer import Classifier
from ..demo.world import SIZE, draw_scene
from .paint import Painter, document

PICTURES = 2  # a layout of the command
SCHEDULES = {
    "all of the schedule": GateSchedule(),
    **{f"until {end:g}": GateSchedule(end=end) for end in (0.8, 0.6, 0.4, 0.2)},
    "from 0.2 on": GateSchedule(start=0.2),
}


def table(painter: Painter, classifier: Classifier, layouts: int, seed: int) -> str:
    scenes = [draw_scene(FIRST_SEED + i) for i in range(PICTURES * layouts)]
    documents = [document(scene, SIZE) for scene in scenes]
    found, seconds = {}, []
    for name, schedule in SCHEDULES.items():
        began = time.process_time()
        pictures = painter.drawn(documents, scenes, seed, schedule.scale)
        seconds.append(f"{name} {(time.process_time() - began) / len(scenes):.2f} s")
        found[name] = measured(judged(classifier, pictures, scenes))
    return f"{len(scenes)} layouts, seed {seed}\n\n{measures(found)}\n\nCPU a picture: {'; '.join(seconds)}"
