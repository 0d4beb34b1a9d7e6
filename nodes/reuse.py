"""What the fusers added is used in several steps."""

from __future__ import annotations

from comfy_api.latest import io

from .host.message import say
from .host.reuse import reusing
from .host.sampling import settings_of
from .sockets import schema

NO_REGIONS = "The model reads no regions, so that there is nothing to reuse: connect the model of Apply DEIG."


class DeigReuseSteps(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return schema(
            node_id="DEIGReuseSteps",
            display_name="DEIG Reuse Steps",
            description="Makes sampling with DEIG faster: its fusers run in some of the steps, and what they added is "
            "added again in the others.",
            search_aliases=["faster", "speed up", "cache", "skip"],
            inputs=[
                io.Model.Input("model", tooltip="The model with Apply DEIG in it."),
                io.Int.Input(
                    "every",
                    default=2,
                    min=1,
                    max=4,
                    tooltip="In every how many-th step the fusers run. 1: in each, as trained.",
                ),
            ],
            outputs=[io.Model.Output(tooltip="For the sampler.")],
        )

    @classmethod
    def execute(cls, model, every):
        if settings_of(model) is None:  # such as with Apply DEIG bypassed, to compare
            return io.NodeOutput(model, ui=say(cls, [NO_REGIONS]))
        return io.NodeOutput(reusing(model, every), ui=say(cls, []) or None)
