"""Appearance as trackers need it: finite and of length one."""

from __future__ import annotations

import numpy as np

from keyreid_stream.structures import FloatArray

_SHORTEST = 1e-12


def unit_vector(vector: FloatArray) -> FloatArray | None:
    """A copy of (D,) `vector` of length 1; None where it has no direction: zero, or a number that is not finite."""
    exact = np.asarray(vector, np.float64)
    length = float(np.linalg.norm(exact))
    if not np.isfinite(length) or length <= _SHORTEST:
        return None
    return (exact / length).astype(np.float32)


def unit_rows(rows: FloatArray) -> FloatArray:
    """A copy of (N, D) `rows` with each row of length 1; a row without direction becomes `neutral_vector`.

    Some trackers compare rows by plain dot products, and all of them turn one bad row into NaN costs that upset every
    track, so nothing else may reach them.
    """
    exact = np.asarray(rows, np.float64)
    lengths = np.linalg.norm(exact, axis=1, keepdims=True)
    good = np.isfinite(lengths) & (lengths > _SHORTEST)
    scaled = np.divide(exact, lengths, out=np.zeros_like(exact), where=good)
    return np.where(good, scaled, neutral_vector(exact.shape[1])).astype(np.float32)


def neutral_vector(size: int) -> FloatArray:
    """A unit vector (size,) that speaks for nobody.

    Its signs alternate, so it stands at about a right angle to real embeddings, whether their numbers scatter around
    zero or are all positive.
    """
    signs = np.where(np.arange(size) % 2 == 0, 1.0, -1.0)
    return np.asarray(signs / np.sqrt(max(size, 1)), np.float32)
