"""The built-in demo models."""

from __future__ import annotations

from comfy_api.latest import io

from .sockets import Adapter, TextEncoder, schema


class DeigLoadDemo(io.ComfyNode):
    # Not named "seed": the page would randomise that after every run, and load new models each time.
    @classmethod
    def define_schema(cls):
        return schema(
            node_id="DEIGLoadDemo", display_name="Load DEIG Demo",
            description=(
                "A tiny Stable Diffusion 1.x-shaped model, VAE, adapter and text encoder, made from a seed: nothing to download. "
                "They are NOT trained: the picture is coloured noise. They show that the graph runs, not what DEIG can do."),
            search_aliases=["deig demo", "tiny model", "test model"],
            inputs=[io.Int.Input(
                "weights_seed", default=0, min=0, max=2**31 - 1,
                tooltip="The random weights' seed. Other seeds give other noise, none gives objects.")],
            outputs=[
                io.Model.Output(tooltip="Untrained SD 1.x-shaped model."), io.Vae.Output(tooltip="Untrained VAE."),
                Adapter.Output(display_name="adapter", tooltip="Untrained DEIG adapter, for Apply DEIG."),
                TextEncoder.Output(display_name="text_encoder", tooltip="Untrained T5 encoder, for DEIG Encode."),
            ],
        )

    @classmethod
    def execute(cls, weights_seed):
        from .host.demo import demo_models

        return io.NodeOutput(*demo_models(weights_seed))
