"""Adapter and text encoder as real ModelPatchers, so that the host loads, offloads and frees them like its own
models.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable

import comfy.model_management as management
import comfy.model_patcher
import comfy.ops
import comfy.sd
import torch
from comfy.model_patcher import ModelPatcher
from comfy.utils import ProgressBar
from torch import nn

from ...deig_core.checkpoint import PublishedCheckpoint, load_adapter, read_published
from ...deig_core.checkpoint.read import check_base
from ...deig_core.checkpoint.write import as_sd1_checkpoint
from ...deig_core.errors import WeightsError
from ...deig_core.model.adapter import DeigAdapter
from ...deig_core.model.extractor import Extractor
from ...deig_core.text.encoder import TextEncoder, load_text_encoder
from ...deig_core.text.features import TextFeatures
from ...deig_core.text.tokens import Tokens

DTYPES = {"bf16": torch.bfloat16, "fp16": torch.float16, "fp32": torch.float32}
# Layers that cast their weights to the activations: the IDE computes in fp32, the fusers in the UNet's dtype.
OPERATIONS = comfy.ops.manual_cast


class HostedAdapter(nn.Module):
    """The adapter and its memory of IDE results. One for each device that the host makes a clone for."""

    def __init__(self, adapter: DeigAdapter):
        super().__init__()
        self.adapter = adapter
        self.extractor = Extractor(adapter)


def unet_patcher(model: nn.Module, disable_dynamic: bool = False) -> ModelPatcher:
    """A patcher for a model of the host's layers that computes where the UNet does, of the class that the host takes
    for its own models."""
    # With one plain patcher among those to be loaded, the host frees memory the old way: it puts out whole models
    # before each run, the UNet among them, where DynamicVRAM would page. Looked up now: the host chooses after its
    # modules are imported, and older hosts have one class only.
    kind = ModelPatcher if disable_dynamic else getattr(comfy.model_patcher, "CoreModelPatcher", ModelPatcher)
    return kind(model, load_device=management.get_torch_device(), offload_device=management.unet_offload_device())


def remade_by(patcher: ModelPatcher, factory: Callable[..., ModelPatcher], *arguments: object) -> ModelPatcher:
    """`patcher`, which now knows how the host makes another one, with weights of its own:
    factory(*arguments, disable_dynamic=...), a function of a module and plain values."""
    patcher.cached_patcher_init = (factory, arguments)
    return patcher


def adapter_patcher(adapter: DeigAdapter, disable_dynamic: bool = False) -> ModelPatcher:
    return unet_patcher(HostedAdapter(adapter), disable_dynamic)


def load_adapter_patcher(path: str, disable_dynamic: bool = False) -> ModelPatcher:
    """Load DEIG weights from `path` into a patcher. Raises WeightsError for other files."""
    checkpoint = read_published(path)
    count = sum(t.numel() for t in checkpoint.deig.values())
    dtype = management.unet_dtype(device=management.get_torch_device(), model_params=count)
    dtype = dtype if dtype in DTYPES.values() else torch.float16
    adapter = load_adapter(checkpoint, operations=OPERATIONS, dtype=dtype)
    return remade_by(adapter_patcher(adapter, disable_dynamic), load_adapter_patcher, path)


class HostedTextEncoder:
    """A text encoder that the host moves to the device only when a text has to be encoded."""

    def __init__(self, encoder: TextEncoder):
        self.encoder = encoder
        # The plain patcher on any host: DynamicVRAM cannot page layers that are not the host's own, so it would copy
        # them all to the GPU and then count them among what it can page out when the UNet needs room. A plain one is
        # moved out whole.
        # ModelPatcher sets `.device`, which a transformers model does not allow; a plain module around it does.
        self.patcher = ModelPatcher(
            nn.ModuleDict({"t5": encoder.model}),
            load_device=management.text_encoder_device(),
            offload_device=management.text_encoder_offload_device(),
        )

    def look(self, text: str) -> Tokens:
        return self.encoder.look(text)

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
    if dtype not in ("auto", *DTYPES):
        raise WeightsError(f"dtype is {dtype!r}; it must be one of auto, {', '.join(DTYPES)}.")
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


def load_published_checkpoint(path: str) -> tuple[ModelPatcher, comfy.sd.VAE, ModelPatcher]:
    """(MODEL, VAE, adapter) from the published model.pth. Raises WeightsError for other files."""
    checkpoint = _read_whole(path)
    model = _published_model(checkpoint, path, disable_dynamic=False)
    return model, _published_vae(checkpoint, path), load_adapter_patcher(path)


def _read_whole(path: str) -> PublishedCheckpoint:
    checkpoint = read_published(path)
    if not checkpoint.base:
        raise WeightsError(
            f"{path} holds the DEIG part alone; load it with Load DEIG, beside a Stable Diffusion 1.x checkpoint."
        )
    check_base(checkpoint)
    return checkpoint


def load_published_model(path: str, disable_dynamic: bool = False) -> ModelPatcher:
    """The MODEL of the published model.pth alone. Raises WeightsError for other files."""
    return _published_model(_read_whole(path), path, disable_dynamic)


def _published_model(checkpoint: PublishedCheckpoint, path: str, disable_dynamic: bool) -> ModelPatcher:
    load = comfy.sd.load_state_dict_guess_config
    # Hosts that do not know the argument have plain patchers only.
    how = {"disable_dynamic": disable_dynamic} if "disable_dynamic" in inspect.signature(load).parameters else {}
    model, *_ = load(as_sd1_checkpoint(checkpoint.base, {}), output_vae=False, output_clip=False, **how)
    return remade_by(model, load_published_model, path)


def load_published_vae_patcher(path: str, disable_dynamic: bool = False) -> ModelPatcher:
    """Patcher of the VAE of the published model.pth. As with the host's own loaders, a plain one around its model is
    the host's to make. Raises WeightsError for other files."""
    return _published_vae(_read_whole(path), path).patcher


def _published_vae(checkpoint: PublishedCheckpoint, path: str) -> comfy.sd.VAE:
    vae = comfy.sd.VAE(sd=dict(checkpoint.autoencoder))
    remade_by(vae.patcher, load_published_vae_patcher, path)
    return vae
