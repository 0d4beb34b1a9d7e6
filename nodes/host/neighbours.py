"""What other packs do to the cross-attention while DEIG has it read its own tokens: works, or is said in a sentence.

No list of packs: what counts is what a patch does to the tokens. Only shapes are looked at, so that no GPU is waited
for.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from types import TracebackType
from typing import Any

import torch

from ...deig_core.errors import DeigError
from .conditioning import DeigCond

HOST_ATTENTION = "comfy.ldm.modules.attention"
REMEDY = ": choose context {} with CLIP conditionings connected to DEIG Encode, or remove that node."
CLIP = '"clip"'
CLIP_ONLY = (
    "{} patches the cross-attention in a way that counts on CLIP's tokens ({}), while Apply DEIG's context "
    '"{}" has the model read DEIG\'s' + REMEDY.format(CLIP)
)
TAKEN = "it leaves {} of {} tokens"
REPLACED = (
    "Another node gave the model {} tokens to read where the conditionings had {} (as ELLA does), and Apply DEIG's "
    'context "t5" reads neither' + REMEDY.format(f'{CLIP} or "concat"')
)
ROWS = (
    "Another node gave the model {} texts to read for {} images (as NAG's samplers do), and Apply DEIG's context "
    '"{}" reads DEIG\'s instead' + REMEDY.format(CLIP)
)


def check_context(mode: str, context: torch.Tensor, x: torch.Tensor, deig: Sequence[DeigCond]) -> None:
    """Raise DeigError if what DEIG is about to replace, context [rows, tokens, C], is not what the conditionings gave
    for x [rows, ...].
    """
    if context.shape[0] != x.shape[0]:
        raise DeigError(ROWS.format(context.shape[0], x.shape[0], mode))
    given = [cond.given for cond in deig]
    # The host repeats contexts of several lengths to their least common multiple.
    if mode == "t5" and all(given) and context.shape[1] != math.lcm(*given):
        raise DeigError(REPLACED.format(context.shape[1], math.lcm(*given)))


def watched(mode: str, patches: Mapping[str, list]) -> Mapping[str, list]:
    """A call's `patches`, in which one that takes away tokens of what the cross-attention reads is refused.

    Whoever picks keys and values by position, as NegPip does, would pair tokens of DEIG's that have nothing to do with
    each other.
    """
    theirs = patches.get("attn2_patch")
    return {**patches, "attn2_patch": [partial(_whole, mode, patch) for patch in theirs]} if theirs else patches


def _whole(mode: str, patch: Callable, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, extra_options: dict):
    """attn2_patch: what `patch` makes of queries, keys and values [rows, tokens, C]."""
    before = k.shape[1]
    q, k, v = patch(q, k, v, extra_options)
    left = min(k.shape[1], v.shape[1])
    if left < before:
        raise DeigError(CLIP_ONLY.format(_packs([patch]), TAKEN.format(left, before), mode))
    return q, k, v


def explained(error: Exception, mode: str, options: Mapping[str, Any]) -> DeigError | None:
    """What to say of an error of a UNet call if it comes from a cross-attention patch of another node; else None."""
    if isinstance(error, (DeigError, torch.cuda.OutOfMemoryError)):
        return None
    patches = options.get("patches", {})
    theirs = [
        *patches.get("attn2_patch", ()),
        *patches.get("attn2_output_patch", ()),
        *options.get("patches_replace", {}).get("attn2", {}).values(),
    ]
    below = list(_below(error.__traceback__))
    modules = {module for module, _ in below}
    guilty = [patch for patch in theirs if _module(patch) in modules]
    # What a patch has made may fail only where the host uses it.
    last = next((module for module, _ in reversed(below) if module.split(".")[0] != "torch"), "")
    if not guilty and (HOST_ATTENTION, "forward") in below and last.startswith("comfy."):
        guilty = theirs
    if not guilty:
        return None
    said = (str(error) or type(error).__name__).splitlines()[0].rstrip(".")
    return DeigError(CLIP_ONLY.format(_packs(guilty), said, mode))


def _below(traceback: TracebackType | None) -> Iterator[tuple[str, str]]:
    """(module, function) of the frames that are deeper than the last one of this pack."""
    frames = []
    while traceback is not None:
        module = traceback.tb_frame.f_globals.get("__name__", "")
        frames = [] if module.startswith(_OURS) else [*frames, (module, traceback.tb_frame.f_code.co_name)]
        traceback = traceback.tb_next
    yield from frames


_OURS = __name__.removesuffix("nodes.host.neighbours")


def _module(patch: Callable) -> str:
    while isinstance(patch, partial):
        patch = patch.func
    return getattr(patch, "__module__", None) or type(patch).__module__


def _packs(patches: Sequence[Callable]) -> str:
    """The folders of the packs, which the host makes the first part of their modules' names."""
    return " and ".join(dict.fromkeys(re.split(r"[\\/]", _module(patch))[-1].split(".")[0] for patch in patches))
