"""Seeds: every purpose has its own, derived from the profile's."""

from __future__ import annotations

import hashlib


def seed_of(*parts: object) -> int:
    """A seed for one purpose, so that adding a purpose changes no other's random numbers.

    >>> seed_of(1, "order") == seed_of(1, "order") != seed_of(1, "noise")
    True
    """
    text = "/".join(str(part) for part in parts)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:7])


def seed_of_draw(seed: int, draw: int) -> int:
    """The profile's seed for the first draw of patients and seeds, another one for each later draw.

    >>> seed_of_draw(7, 1)
    7
    >>> seed_of_draw(7, 2) != seed_of_draw(7, 3)
    True
    """
    return seed if draw == 1 else seed_of(seed, "draw", draw)
