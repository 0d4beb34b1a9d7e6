"""Wilson's interval and Cohen's kappa."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

Z = 1.959963984540054  # 95 %


def wilson(right: float, of: float) -> tuple[float, float]:
    """Bounds of a share with 95 % confidence (E. B. Wilson, 1927); counts may be effective ones. (0, 1) of nothing."""
    if of <= 0:
        return 0.0, 1.0
    share, z2 = right / of, Z * Z
    middle = (share + z2 / (2 * of)) / (1 + z2 / of)
    half = Z * (share * (1 - share) / of + z2 / (4 * of * of)) ** 0.5 / (1 + z2 / of)
    return max(0.0, middle - half), min(1.0, middle + half)


def weighted(right: Sequence[bool], weights: Sequence[float]) -> tuple[float, float]:
    """(right ones, all) as effective counts of a weighted sample (Kish): equal weights give the plain counts."""
    total = sum(weights)
    if not total:
        return 0.0, 0.0
    effective = total * total / sum(w * w for w in weights)
    return effective * sum(w for r, w in zip(right, weights, strict=True) if r) / total, effective


def kappa(table: Mapping[tuple[bool, bool], int]) -> float | None:
    """Agreement beyond chance (J. Cohen, 1960) from counts of (first says right, second says right).

    None where it is undefined: of nothing, or where both always say the same one thing.
    """
    total = sum(table.values())
    if not total:
        return None
    agreed = (table.get((True, True), 0) + table.get((False, False), 0)) / total
    first = sum(n for (a, _), n in table.items() if a) / total
    second = sum(n for (_, b), n in table.items() if b) / total
    chance = first * second + (1 - first) * (1 - second)
    return (agreed - chance) / (1 - chance) if chance < 1 else None
