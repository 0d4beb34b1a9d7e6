"""The built-in demo models."""

from __future__ import annotations

from comfy_api.latest import io

from .sockets import Adapter, TextEncoder, schema


class DeigLoadDemo(io.ComfyNode):
    # Not named "seed": the page would randomise that after every run, and load new models each time.
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
            ],
        )

    @classmethod
    def execute(cls, weights_seed):
        from .host.demo import demo_models
        from .host.sampling import reading_prompts

        model, vae, adapter, text_encoder = demo_models(weights_seed)
        return io.NodeOutput(reading_prompts(model, adapter), vae, adapter, text_encoder)
