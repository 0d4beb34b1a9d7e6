"""DEIG-Bench's vocabulary and grammar, by which the builder writes and the reader's levels go."""

from __future__ import annotations

COLOURS = ("red", "blue", "green", "yellow", "black", "white", "gray", "brown", "orange", "purple", "pink", "gold")
MATERIALS = ("rubber", "fluffy", "metallic", "wooden", "plastic", "fabric", "leather", "glass")
TEXTURES = ("striped", "plaid", "floral", "polka-dotted")
GARMENTS = (("hat",), ("jacket", "shirt", "sweater"), ("jeans", "pants", "shorts"))  # one of each part at most
PLURAL = {"jeans", "pants", "shorts"}  # without an article
PERSON_LEVELS = ("C1", "C2", "C3")  # by the number of garments, a colour each
# (material, texture) -> level of an object, and its share among the objects.
OBJECT_LEVELS = {(False, False): "L1", (True, False): "L2", (False, True): "L3", (True, True): "L4"}
OBJECT_SHARES = {"L1": 0.30, "L2": 0.25, "L3": 0.25, "L4": 0.20}


def person(garments: list[tuple[str, str]]) -> str:
    """garments: (colour, garment). "a person wearing a red hat, blue jeans and a orange shirt": never "an"."""
    parts = [f"{colour} {name}" if name in PLURAL else f"a {colour} {name}" for colour, name in garments]
    if len(parts) < 3:
        return "a person wearing " + " and ".join(parts)
    return "a person wearing " + ", ".join(parts[:-1]) + " and " + parts[-1]


def thing(noun: str, colour: str, texture: str | None, material: str | None) -> str:
    """ "a red striped fabric pillow": texture before material."""
    return " ".join(["a", *filter(None, (colour, texture, material)), noun])
