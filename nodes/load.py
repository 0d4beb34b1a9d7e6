"""Loading weights."""

from __future__ import annotations

from comfy_api.latest import io

from .host import folders
from .sockets import Adapter, TextEncoder, schema

NO_WEIGHTS = (
    "models/deig has no DEIG weights yet: put model.pth or a converted .safetensors of dushy5/DEIG there, then press "
    "R to refresh."
)
NO_ENCODER = (
    "models/text_encoders has no text encoder yet: put Flan-T5-XL there (a Hugging Face folder or one .safetensors "
    "file), then press R to refresh."
)


def _check_choice(name: str, names: list[str], nothing: str, folder: str) -> bool | str:
    if name in names:
        return True
    return nothing if not names else f"{name} is not in {folder} any more; choose one of: {', '.join(names)}."


def _weights_input(tooltip: str):
    return io.Combo.Input("weights_name", options=folders.weights(), tooltip=tooltip)


class DeigLoad(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return schema(
            node_id="DEIGLoad",
            display_name="Load DEIG",
            description="Loads the DEIG weights (Instance Detail Extractor, position net, fusers) from models/deig.",
            search_aliases=["deig adapter", "instance control", "load adapter"],
            inputs=[
                _weights_input(
                    "The published model.pth, or the smaller .safetensors converted from it. Read without executing "
                    "anything in it."
                )
            ],
            outputs=[Adapter.Output(display_name="adapter", tooltip="For Apply DEIG.")],
        )

    @classmethod
    def validate_inputs(cls, weights_name):
        return _check_choice(weights_name, folders.weights(), NO_WEIGHTS, "models/deig")

    @classmethod
    def execute(cls, weights_name):
        from .host.patchers import load_adapter_patcher

        return io.NodeOutput(load_adapter_patcher(folders.weights_path(weights_name)))


class DeigLoadCheckpoint(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return schema(
            node_id="DEIGLoadCheckpoint",
            display_name="Load DEIG Checkpoint",
            description="Loads base model, VAE and DEIG adapter from the one published file, model.pth.",
            search_aliases=["deig model", "model.pth"],
            inputs=[
                _weights_input(
                    "The published model.pth. A file converted from it holds the adapter alone: use Load DEIG for that."
                )
            ],
            outputs=[
                io.Model.Output(
                    tooltip="The Stable Diffusion 1.4 model that DEIG was trained on. Without Apply DEIG it reads the "
                    "prompt alone."
                ),
                io.Vae.Output(tooltip="The VAE of the same file."),
                Adapter.Output(display_name="adapter", tooltip="For Apply DEIG."),
            ],
        )

    @classmethod
    def validate_inputs(cls, weights_name):
        return _check_choice(weights_name, folders.weights(), NO_WEIGHTS, "models/deig")

    @classmethod
    def execute(cls, weights_name):
        from .host.patchers import load_published_checkpoint
        from .host.sampling import reading_prompts

        model, vae, adapter = load_published_checkpoint(folders.weights_path(weights_name))
        return io.NodeOutput(reading_prompts(model, adapter), vae, adapter)


class DeigLoadTextEncoder(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return schema(
            node_id="DEIGLoadTextEncoder",
            display_name="Load DEIG Text Encoder",
            description="Loads the Flan-T5-XL encoder that reads prompts and descriptions. ComfyUI's own CLIP loaders "
            "cannot: they use another tokenizer.",
            search_aliases=["flan t5", "t5 xl", "text encoder"],
            inputs=[
                io.Combo.Input(
                    "encoder_name",
                    options=folders.text_encoders(),
                    tooltip="Flan-T5-XL from models/text_encoders: a Hugging Face folder (sharded or not) or one "
                    ".safetensors file.",
                ),
                io.Combo.Input(
                    "dtype",
                    options=["auto", "bf16", "fp16", "fp32"],
                    default="auto",
                    tooltip="Precision. auto: bf16 where the GPU is fast at it, fp32 on a CPU. fp16 keeps the parts "
                    "that would overflow in fp32.",
                ),
            ],
            outputs=[TextEncoder.Output(display_name="text_encoder", tooltip="For DEIG Encode.")],
        )

    @classmethod
    def validate_inputs(cls, encoder_name):
        return _check_choice(encoder_name, folders.text_encoders(), NO_ENCODER, "models/text_encoders")

    @classmethod
    def execute(cls, encoder_name, dtype):
        from .host.patchers import load_hosted_text_encoder

        return io.NodeOutput(
            load_hosted_text_encoder(folders.text_encoder_path(encoder_name), dtype, folders.t5_tokenizer())
        )
