"""The model learns to see regions."""

from __future__ import annotations

import math

from comfy_api.latest import io

from ..deig_core.errors import DeigError
from ..deig_core.schedule import GateSchedule
from .host.sampling import MODES, Settings, apply_deig
from .sockets import Adapter, schema, share


class DeigApply(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return schema(
            node_id="DEIGApply",
            display_name="Apply DEIG (Instance Control)",
            description="Puts DEIG's fusers into every transformer block of an SD 1.x model. LoRAs, ControlNets and "
            "upscalers work as usual.",
            search_aliases=["deig", "instance control", "instance diffusion", "regional", "region", "box", "layout"],
            inputs=[
                io.Model.Input(
                    "model", tooltip="A Stable Diffusion 1.x model, with LoRAs or other patches as you like."
                ),
                Adapter.Input("adapter", tooltip="From Load DEIG."),
                io.Float.Input(
                    "strength",
                    default=1.0,
                    min=0.0,
                    max=4.0,
                    step=0.05,
                    tooltip="How strongly the regions act. 1 is as trained; 0 leaves the model as it was.",
                ),
                share("start", 0.0, "Share of the noise schedule after which the regions begin to act."),
                share("end", 1.0, "Share of the noise schedule until which the regions act."),
                share(
                    "decay",
                    0.0,
                    "Share of the noise schedule, just before the end, over which the regions fade out linearly.",
                ),
                io.Combo.Input(
                    "context",
                    options=list(MODES),
                    default="t5",
                    tooltip="What cross-attention reads. t5: the prompt as DEIG was trained. clip: your CLIP "
                    "conditioning, untouched. concat: both.",
                ),
            ],
            outputs=[io.Model.Output(tooltip="For the sampler.")],
        )

    @classmethod
    def execute(cls, model, adapter, strength, start, end, decay, context):
        numbers = {"strength": strength, "start": start, "end": end, "decay": decay}
        for name, value in numbers.items():
            if not math.isfinite(value):
                raise DeigError(f"Apply DEIG: {name} is {value}; a number is expected.")
        if context not in MODES:
            raise DeigError(f"Apply DEIG: context is {context!r}; it must be one of {', '.join(MODES)}.")
        if start >= end:
            raise DeigError(
                f"Apply DEIG: start ({start:g}) must be smaller than end ({end:g}), or the regions never act; set "
                f"strength to 0 to switch them off."
            )
        settings = Settings(GateSchedule(strength, start, end, min(decay, end - start)), context)
        return io.NodeOutput(apply_deig(model, adapter, settings))
