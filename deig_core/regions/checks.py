"""Checks of single values of a document: each gives the value, or a RegionError that names where it stands."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from ..errors import RegionError


def checked_number(value: Any, name: str, key: str) -> float:
    """`value` as a float. Raises RegionError, naming `name` and `key`, for what is no finite number."""
    try:
        number = float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else math.nan
    except OverflowError:  # an integer beyond 1e308
        number = math.inf
    if not math.isfinite(number):
        raise RegionError(f'{name}: "{key}" must be a finite number; got {shown(value)}.')
    return number


def checked_text(value: Any, name: str, key: str) -> str:
    """`value` if it is text that UTF-8 can hold. Raises RegionError, naming `name` and `key`, for anything else."""
    if not isinstance(value, str):
        raise RegionError(f'{name}: "{key}" must be text; got {shown(value)}.')
    try:
        value.encode()
    except UnicodeEncodeError:  # an emoji cut in two
        raise RegionError(f'{name}: "{key}" holds half a character; write {shown(value)} again without it.') from None
    return value


def checked_strength(value: Any, name: str) -> float:
    """`value` as a region's strength. Raises RegionError naming `name`."""
    strength = checked_number(value, name, "strength")
    if strength < 0:
        raise RegionError(f'{name}: "strength" is {strength:g}; it must be 0 or more.')
    return strength


def checked_share(value: Any, name: str, key: str) -> float:
    """`value` as a share of the noise schedule, 0 to 1. Raises RegionError naming `name` and `key`."""
    number = checked_number(value, name, key)
    if not 0 <= number <= 1:
        raise RegionError(f'{name}: "{key}" is {shown(value)}; a share of the schedule from 0 to 1 is expected.')
    return number


def checked_flag(value: Any, name: str, key: str) -> bool:
    """`value` if it is true or false. Raises RegionError, naming `name` and `key`, for anything else."""
    if not isinstance(value, bool):
        raise RegionError(f'{name}: "{key}" must be true or false; got {shown(value)}.')
    return value


def check_unknown(values: Mapping[str, Any], name: str) -> None:
    """Raise RegionError, naming `name` and the key, for an unknown key whose value no JSON document can hold."""
    for key, value in values.items():
        if not isinstance(key, str):  # JSON would make text of it, and of two of them one
            raise RegionError(f"{name}: the key {shown(key)} is no text; remove it.")
        key_named = f"{name}: {json.dumps(str(key)[:40])}"
        try:
            json.dumps({key: value}, ensure_ascii=False, allow_nan=False).encode()
        except RecursionError:
            raise RegionError(f"{key_named} is nested too deeply; remove it.") from None
        except (ValueError, TypeError):
            raise RegionError(
                f"{key_named} holds what JSON cannot (NaN, an infinite number, half a character); remove it."
            ) from None


def kind_of(value: Any) -> str:
    """What `value` is, in a word for a message."""
    names = {dict: "an object", list: "a list", str: "text", type(None): "nothing"}
    return names.get(type(value), type(value).__name__)


def shown(value: Any) -> str:
    """A short form of `value` for a message."""
    try:
        text = repr(value) if value is not None else "nothing"
    except (RecursionError, ValueError):  # nested too deeply, or an integer of thousands of digits
        text = kind_of(value)
    return text if len(text) <= 60 else text[:57] + "..."
