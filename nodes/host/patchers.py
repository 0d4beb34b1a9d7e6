"""Adapter and text encoder as real ModelPatchers, so that the host loads, offloads and frees them like its own
models.
"""

from __future__ import annotations

import comfy.model_management as management
import comfy.ops
import torch
from comfy.model_patcher import ModelPatcher
from comfy.utils import ProgressBar
from torch import nn

from ...deig_core.call import Extractor, TextFeatures
from ...deig_core.checkpoint import load_adapter, read_official
from ...deig_core.errors import WeightsError
from ...deig_core.model.adapter import DeigAdapter
from ...deig_core.text.encoder import TextEncoder, load_text_encoder

DTYPES = {"bf16": torch.bfloat16, "fp16": torch.float16, "fp32": torch.float32}
# Layers that cast their weights to the activations: the IDE computes in fp32, the fusers in the UNet's dtype.
OPERATIONS = comfy.ops.manual_cast


class HostedAdapter(nn.Module):
    """The adapter and its memory of IDE results. One for each device that the host makes a clone for."""

    def __init__(self, adapter: DeigAdapter):
        super().__init__()
        self.adapter = adapter
        self.extractor = Extractor(adapter)


def adapter_patcher(adapter: DeigAdapter) -> ModelPatcher:
    return ModelPatcher(
        HostedAdapter(adapter),
        load_device=management.get_torch_device(),
        offload_device=management.unet_offload_device(),
    )


def load_adapter_patcher(path: str, **_: object) -> ModelPatcher:
    """Load DEIG weights from `path` into a patcher. Raises WeightsError for other files."""
    checkpoint = read_official(path)
    count = sum(t.numel() for t in checkpoint.deig.values())
    dtype = management.unet_dtype(device=management.get_torch_device(), model_params=count)
    patcher = adapter_patcher(
        load_adapter(checkpoint, operations=OPERATIONS, dtype=dtype if dtype in DTYPES.values() else torch.float16)
    )
    patcher.cached_patcher_init = (load_adapter_patcher, (path,))  # how the host makes a second one for another GPU
    return patcher


class HostedTextEncoder:
    """A text encoder that the host moves to the device only when a text has to be encoded."""

    def __init__(self, encoder: TextEncoder):
        self.encoder = encoder
        # ModelPatcher sets `.device`, which a transformers model does not allow; a plain module around it does.
        self.patcher = ModelPatcher(
            nn.ModuleDict({"t5": encoder.model}),
            load_device=management.text_encoder_device(),
            offload_device=management.text_encoder_offload_device(),
        )

    def encode(self, texts: list[str]) -> list[TextFeatures]:
        """Features of each text, with a progress bar for those not encoded before."""
        missing = self.encoder.missing(texts)
        if not missing:
            return self.encoder.encode(texts)
        management.load_models_gpu([self.patcher], force_full_load=True)
        bar = ProgressBar(len(missing))

        def progress(done: int, total: int) -> None:
            management.throw_exception_if_processing_interrupted()
            bar.update_absolute(done, total)

        return self.encoder.encode(texts, progress=progress)


def load_hosted_text_encoder(path: str, dtype: str, tokenizer: str) -> HostedTextEncoder:
    """Load a T5 encoder; dtype "auto" is bf16 where the device is fast at it, fp16 on other GPUs, fp32 on a CPU."""
    return HostedTextEncoder(
        load_text_encoder(path, dtype=DTYPES.get(dtype) or _text_dtype(), fallback_tokenizer=tokenizer)
    )


def _text_dtype() -> torch.dtype:
    device = management.text_encoder_device()
    if management.is_device_cpu(device):
        return torch.float32
    if management.should_use_bf16(device):
        return torch.bfloat16
    return torch.float16 if management.should_use_fp16(device) else torch.float32


def load_published_checkpoint(path: str) -> tuple[ModelPatcher, object, ModelPatcher]:
    """(MODEL, VAE, adapter) from the published model.pth. Raises WeightsError for other files."""
    import comfy.sd

    from ...deig_core.checkpoint.read import check_base
    from ...deig_core.checkpoint.write import as_sd1_checkpoint

    checkpoint = read_official(path)
    if not checkpoint.base:
        raise WeightsError(
            f"{path} holds the DEIG part alone; load it with Load DEIG, beside a Stable Diffusion 1.x checkpoint."
        )
    check_base(checkpoint)
    model, _, vae, *_ = comfy.sd.load_state_dict_guess_config(
        as_sd1_checkpoint(checkpoint.base, checkpoint.autoencoder), output_clip=False
    )
    del checkpoint
    return model, vae, load_adapter_patcher(path)
