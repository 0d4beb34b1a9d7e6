"""The built-in demo models."""

from __future__ import annotations

from comfy_api.latest import io

from ..deig_core.demo.files import GUIDANCE, STEPS
from .host.message import say
from .sockets import Adapter, TextEncoder, schema

UNTRAINED = (
    "With weights_seed {} these models are untrained and the picture will be noise: set it to 0 for the trained ones."
)


class DeigLoadDemo(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return schema(
            node_id="DEIGLoadDemo",
            display_name="Load DEIG Demo",
            description=(
                "A tiny Stable Diffusion 1.x-shaped model, VAE, adapter and text encoder that come with the pack: "
                "nothing to download. "
                'They know one small world: pictures of 128 x 128 with shapes such as "a blue star with yellow dots '
                'and a white outline".'
            ),
            search_aliases=["deig demo", "tiny model", "test model"],
            inputs=[
                # Not named "seed": the page would randomise that after every run, and load new models each time.
                io.Int.Input(
                    "weights_seed",
                    default=0,
                    min=0,
                    max=2**31 - 1,
                    tooltip="0 is the trained models. Any other number makes untrained ones from that seed, whose "
                    "pictures are noise: for tests.",
                )
            ],
            outputs=[
                io.Model.Output(
                    tooltip="Tiny SD 1.x-shaped model, for 128 x 128 pixels. Without Apply DEIG it reads the prompt "
                    "alone."
                ),
                io.Vae.Output(tooltip="The VAE of this small world."),
                Adapter.Output(display_name="adapter", tooltip="DEIG adapter of this model, for Apply DEIG."),
                TextEncoder.Output(display_name="text_encoder", tooltip="T5 encoder of this model, for DEIG Encode."),
                io.Latent.Output(
                    display_name="latent",
                    tooltip="An empty latent of 128 x 128 pixels, the size that this model knows, for the sampler.",
                ),
                io.Int.Output(display_name="steps", tooltip="Steps that suit this model, for the sampler: 20."),
                io.Float.Output(display_name="cfg", tooltip="CFG that suits this model, for the sampler: 3."),
            ],
        )

    @classmethod
    def execute(cls, weights_seed):
        from .host.demo import demo_models, empty_latent, saying_what_it_knows
        from .host.sampling import reading_prompts

        model, vae, adapter, text_encoder = demo_models(weights_seed)
        if weights_seed == 0:
            model = saying_what_it_knows(model)
        model = reading_prompts(model, adapter)
        notes = [UNTRAINED.format(weights_seed)] if weights_seed else []
        return io.NodeOutput(
            model, vae, adapter, text_encoder, empty_latent(), STEPS, GUIDANCE, ui=say(cls, notes) or None
        )
