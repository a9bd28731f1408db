"""Random numbers that depend on the seed and on what they are for, never on who asked first."""

from __future__ import annotations

import zlib

import numpy as np


def stream(seed: int, purpose: str, *numbers: int) -> np.random.Generator:
    """A generator of its own for one purpose, e.g. `stream(seed, "appearance", person_id)`.

    Streams of different purposes or numbers are independent (NumPy's SeedSequence with a spawn key).
    """
    key = (zlib.crc32(purpose.encode()), *numbers)
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=key))
