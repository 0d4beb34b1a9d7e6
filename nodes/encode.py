"""Texts and regions become conditionings."""

from __future__ import annotations

from comfy_api.latest import io

from ..deig_core.errors import RegionError
from ..deig_core.regions.document import RegionDocument
from ..deig_core.text.grounded import OFFICIAL_NEGATIVE, ground_texts
from .host.conditioning import with_deig
from .host.message import say
from .sockets import Regions, TextEncoder, schema


class DeigEncode(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return schema(
            node_id="DEIGEncode",
            display_name="DEIG Encode (Regional Prompt)",
            description="Reads the prompts and the description of every region, and gives positive and negative "
            "conditionings that carry them.",
            search_aliases=["deig prompt", "regional prompter", "region", "instance", "text encode", "conditioning"],
            inputs=[
                TextEncoder.Input("text_encoder", tooltip="From Load DEIG Text Encoder."),
                Regions.Input("regions", tooltip="Boxes or masks with their descriptions."),
                io.String.Input(
                    "prompt",
                    display_name="prompt (empty: all descriptions)",  # where the page shows no placeholder
                    default="",
                    multiline=True,
                    placeholder="Empty: all descriptions, joined with commas",
                    dynamic_prompts=True,
                    tooltip="The whole picture. Empty: all descriptions joined with commas, as in the paper's "
                    "benchmarks.",
                ),
                io.String.Input(
                    "negative_prompt",
                    default=OFFICIAL_NEGATIVE,
                    multiline=True,
                    dynamic_prompts=True,
                    tooltip="What the whole picture should not be. The default is the official code's.",
                ),
                io.Conditioning.Input(
                    "positive",
                    optional=True,
                    tooltip="A CLIP conditioning; used with the contexts clip and concat of Apply DEIG, and by "
                    "ControlNets.",
                ),
                io.Conditioning.Input("negative", optional=True, tooltip="A CLIP conditioning for the negative side."),
            ],
            outputs=[
                io.Conditioning.Output(
                    display_name="positive",
                    tooltip="For the sampler; goes through ControlNet and other conditioning nodes as usual.",
                ),
                io.Conditioning.Output(display_name="negative", tooltip="For the sampler."),
            ],
        )

    @classmethod
    def execute(cls, text_encoder, regions: RegionDocument, prompt, negative_prompt, positive=None, negative=None):
        if not isinstance(regions, RegionDocument):
            raise RegionError(
                "DEIG Encode got no regions: connect DEIG Regions, DEIG Regions from Boxes or DEIG Regions from Masks."
            )
        said = ground_texts(
            regions,
            prompt,
            negative_prompt,
            text_encoder.encode,
            text_encoder.look,
            unwritten={OFFICIAL_NEGATIVE},
            asker="DEIG Encode",
        )
        return io.NodeOutput(
            with_deig(positive, said.positive, said.nothing),
            with_deig(negative, said.negative, said.nothing),
            ui=say(cls, said.notes) or None,
        )
