"""Text encoders in 8-bit floats with scales: these are applied, and other quantisations refused by name."""

from __future__ import annotations

import json
from collections.abc import Mapping

import torch

from ..errors import WeightsError

_SCALES = (".scale_weight", ".weight_scale")
_BESIDE = (".scale_input", ".input_scale", "scaled_fp8", ".comfy_quant")
_OTHERS = (
    *("weight_scale_inv", ".SCB", ".absmax", "nested_absmax", "quant_map", "quant_state", "weight_format", "qweight"),
    *("qzeros", ".scales", "g_idx", "weight_scale_2", "_amax", "bitsandbytes", ".zero_point"),
)


def dequantised(weights: Mapping[str, torch.Tensor], name: str) -> dict[str, torch.Tensor]:
    """`weights` with every scale multiplied in (float32 where there is one) and without the scales.

    Raises WeightsError for quantisations that are more than an 8-bit float and a scale.
    """
    for key, value in weights.items():
        if any(mark in key for mark in _OTHERS) or (key.endswith(".comfy_quant") and not _is_fp8(value)):
            raise WeightsError(
                f"{name} is quantised in a way that is not read ({key[:80]}); use it in bf16 or plain fp8."
            )
    scales = {k: v for k, v in weights.items() if k.endswith(_SCALES)}
    kept = {k: v for k, v in weights.items() if k not in scales and not k.endswith(_BESIDE)}
    for key, scale in scales.items():
        target = next(key.removesuffix(s) for s in _SCALES if key.endswith(s)) + ".weight"
        weight = kept.get(target)
        fits = weight is not None and scale.is_floating_point() and scale.numel() in (1, weight.shape[0])
        if not fits or (scale.numel() > 1 and scale.shape[0] != weight.shape[0]):
            raise WeightsError(f"{name}: the scale {key[:80]} does not fit its weight; use the encoder in bf16.")
        kept[target] = weight.float() * scale.float().reshape(-1, *[1] * (weight.ndim - 1))
    return kept


def _is_fp8(note: torch.Tensor) -> bool:
    """Whether ComfyUI's note about a layer says 8-bit floats."""
    try:
        said = json.loads(bytes(note.flatten().to(torch.uint8).tolist()[:2000]))
        return str(said.get("format", "")).startswith("float8_e")
    except (ValueError, AttributeError, RuntimeError, TypeError):
        return False
