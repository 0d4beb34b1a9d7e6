"""A conditioning's tensor that knows which DEIG text it stands for, through whatever a node does to it.

A node that changes a CONDITIONING changes its tensor: it zeroes it, averages two, appends one to another. DEIG's texts
and regions are no part of those numbers, so the tensor carries them and follows the arithmetic (torch's
`__torch_function__`). What was made of a text is known when the sampler starts; what has no meaning for regions is
refused there instead of being lost.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch

from ...deig_core.errors import DeigError
from ...deig_core.text.grounded import GroundedText

WITHOUT_APPLY = (
    "This conditioning of DEIG Encode was made for a model with Apply DEIG, and no CLIP conditioning is connected to "
    "DEIG Encode: put Apply DEIG (not bypassed) between this model and whatever samples it; where another node reads "
    "the conditioning itself (NAG, Attention Couple), or for a model without Apply DEIG, connect CLIP conditionings to "
    "DEIG Encode."
)


class Meaning:
    """What a tensor stands for."""


@dataclass(frozen=True, eq=False)
class Text(Meaning):
    """One side of DEIG Encode. has_clip: its numbers are a CLIP conditioning; else they mean nothing. nothing: what
    it says when it is zeroed.
    """

    grounded: GroundedText
    has_clip: bool
    nothing: GroundedText | None


@dataclass(frozen=True)
class Other(Meaning):
    """Numbers that came from elsewhere, such as a CLIP conditioning."""


@dataclass(frozen=True, eq=False)
class Zero(Meaning):
    """Numbers that were made zero. has_clip and nothing: as those before had them."""

    has_clip: bool = True
    nothing: GroundedText | None = None


@dataclass(frozen=True, eq=False)
class Scaled(Meaning):
    of: Meaning
    by: float


@dataclass(frozen=True, eq=False)
class Mixed(Meaning):
    """A sum."""

    of: tuple[Meaning, ...]


@dataclass(frozen=True, eq=False)
class Joined(Meaning):
    """One after another along the token axis."""

    of: tuple[Meaning, ...]


@dataclass(frozen=True, eq=False)
class Changed(Meaning):
    """Something was done that says nothing about texts; by: torch's name for it."""

    of: tuple[Meaning, ...]
    by: str


def leaves(meaning: Meaning) -> Iterator[Meaning]:
    """The texts, zeros and others that `meaning` was made of."""
    inner = getattr(meaning, "of", None)
    if inner is None:
        yield meaning
    for part in inner if isinstance(inner, tuple) else () if inner is None else (inner,):
        yield from leaves(part)


def has_clip(meaning: Meaning) -> bool:
    """Whether all of the numbers can be read by a model without DEIG."""
    return all(getattr(leaf, "has_clip", True) for leaf in leaves(meaning))


def zeroed(meaning: Meaning) -> Zero:
    nothing = (getattr(leaf, "nothing", None) for leaf in leaves(meaning))
    return Zero(has_clip(meaning), next(filter(None, nothing), None))


def scaled(meaning: Meaning, by: float) -> Meaning:
    """`meaning` times a number, in its simplest form."""
    if isinstance(meaning, Scaled):
        return scaled(meaning.of, meaning.by * by)
    if by == 0:
        return zeroed(meaning)
    return meaning if isinstance(meaning, Zero) or math.isclose(by, 1) else Scaled(meaning, by)


def mixed(a: Meaning, b: Meaning) -> Meaning:
    """The sum, in its simplest form: what is zero has no part in it, and a thing mixed with itself stays that thing."""
    if isinstance(a, Zero) or isinstance(b, Zero):
        return b if isinstance(a, Zero) else a
    (of_a, by_a), (of_b, by_b) = ((m.of, m.by) if isinstance(m, Scaled) else (m, 1.0) for m in (a, b))
    return scaled(of_a, by_a + by_b) if of_a is of_b or of_a == of_b == Other() else Mixed((a, b))


class Carrier(torch.Tensor):
    """An ordinary tensor [B, N, C] with a `meaning`."""

    meaning: Meaning

    @staticmethod
    def of(tensor: torch.Tensor, meaning: Meaning) -> Carrier:
        """`tensor`'s numbers (shared), meaning `meaning`."""
        carrier = plain(tensor).detach().as_subclass(Carrier)
        carrier.meaning = meaning
        return carrier

    def __deepcopy__(self, memo: dict) -> Carrier:
        return Carrier.of(plain(self).clone(), self.meaning)

    def __reduce_ex__(self, protocol: int):
        return Carrier.of, (plain(self), self.meaning)

    @classmethod
    def __torch_function__(cls, func: Callable, types: Any, args: tuple = (), kwargs: dict | None = None):
        kwargs = kwargs or {}
        name = func.__name__
        if name in READS or (name in ROWS and kwargs.get("dim", args[1] if len(args) > 1 else 0) == 0):
            operands = [a for a in _flat((args, kwargs)) if isinstance(a, torch.Tensor)]
            if not all(has_clip(meaning_of(o)) for o in operands):
                raise DeigError(WITHOUT_APPLY)
            return _undisturbed(func, args, kwargs)
        result = _undisturbed(func, args, kwargs)
        if name == "__setitem__" or (name.endswith("_") and not name.endswith("__")):
            if isinstance(args[0], Carrier):
                args[0].meaning = _after(name.removesuffix("_"), args, kwargs, args[0])
            return result
        # Sums, comparisons, attributes and the like are no conditionings any more.
        if not isinstance(result, torch.Tensor) or result.ndim != 3 or not result.is_floating_point():
            return result
        return Carrier.of(result, _after(name, args, kwargs, result))


READS = {
    "linear",
    "matmul",
    "__matmul__",
    "__rmatmul__",
    "bmm",
    "baddbmm",
    "einsum",
    "layer_norm",
    "scaled_dot_product_attention",
}
"""What a network does first with its context, and a node never."""

CAT = {"cat", "concat", "concatenate"}
ROWS = CAT | {"stack", "vstack"}
"""What puts the rows of a model's batch together."""

KEEPS = {
    "__get__",
    "alias",
    "bfloat16",
    "clone",
    "contiguous",
    "cpu",
    "cuda",
    "detach",
    "double",
    "float",
    "half",
    "pin_memory",
    "requires_grad",
    "to",
    "type",
    "type_as",
}
SAME_TOKENS = {"__getitem__", "expand", "expand_as", "narrow", "repeat", "reshape", "view"}
"""What keeps a text as it is if it leaves the tokens in their places."""


def meaning_of(tensor: torch.Tensor) -> Meaning:
    return tensor.meaning if isinstance(tensor, Carrier) else Other()


def plain(tensor: torch.Tensor) -> torch.Tensor:
    """The numbers alone."""
    with torch._C.DisableTorchFunctionSubclass():
        return tensor.as_subclass(torch.Tensor)


def _undisturbed(func: Callable, args: tuple, kwargs: dict) -> Any:
    with torch._C.DisableTorchFunctionSubclass():
        result = func(*args, **kwargs)
    return result


def _after(name: str, args: tuple, kwargs: dict, result: torch.Tensor) -> Meaning:
    """What `result` means, that the function of this name made of `args`."""
    operands = [a for a in _flat((args, kwargs)) if isinstance(a, torch.Tensor)]
    meanings = tuple(meaning_of(o) for o in operands)
    first = args[0] if args else None
    if name in KEEPS and result.shape == first.shape:
        return meanings[0]
    if (
        name in SAME_TOKENS
        and result.shape[1:] == first.shape[1:]
        and not any(isinstance(a, torch.Tensor) for a in _flat(args[1:]))
    ):
        return meanings[0]
    if name in {"zeros_like", "zero"}:
        return zeroed(meanings[0])
    if name in CAT and kwargs.get("dim", args[1] if len(args) > 1 else 0) in (1, -2):
        return Joined(meanings)
    if (
        name in {"mul", "multiply", "__mul__", "__rmul__", "div", "divide", "true_divide", "__truediv__"}
        and len(args) == 2
        and not kwargs
    ):
        a, b = args
        factor, of = (a, b) if not isinstance(a, Carrier) else (b, a)
        divides = "div" in name
        if _is_number(factor) and isinstance(of, Carrier) and not (divides and (factor is a or factor == 0)):
            return scaled(of.meaning, 1 / float(factor) if divides else float(factor))
    if name in {"add", "__add__", "__radd__", "sub", "subtract", "__sub__"} and len(args) == 2 and not kwargs:
        a, b = args
        if all(isinstance(o, torch.Tensor) and o.shape == result.shape for o in args):
            a, b = (Zero() if not isinstance(o, Carrier) and not o.any() else meaning_of(o) for o in args)
            return mixed(a, scaled(b, -1.0) if "sub" in name else b)
        if any(isinstance(o, (int, float)) and o == 0 for o in args) and "sub" not in name:
            return meanings[0]
    if name == "lerp" and len(args) == 3 and _is_number(args[2]):
        weight = float(args[2])
        return mixed(scaled(meaning_of(args[0]), 1 - weight), scaled(meaning_of(args[1]), weight))
    return Changed(meanings, name)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) or (
        isinstance(value, torch.Tensor) and value.numel() == 1 and not isinstance(value, Carrier)
    )


def _flat(values: Any) -> Iterator[Any]:
    for value in values.values() if isinstance(values, dict) else values:
        if isinstance(value, (tuple, list, dict)):
            yield from _flat(value)
        else:
            yield value
