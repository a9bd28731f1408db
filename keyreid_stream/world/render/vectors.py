"""Arithmetic on arrays of vectors, row by row and without a BLAS: its sums may depend on the number of threads."""

from __future__ import annotations

import numpy as np

from keyreid_stream.world.structures import Points


def dot(a: Points, b: Points) -> Points:
    """Products over the last axis, (K, n) and (K, n) to (K,)."""
    product: Points = (a * b).sum(axis=-1)
    return product


def length(vectors: Points) -> Points:
    """(K, n) to (K, 1)."""
    lengths: Points = np.sqrt((vectors**2).sum(axis=-1, keepdims=True))
    return lengths


def unit(vectors: Points) -> Points:
    """(K, n) of length 1; zeros stay zeros."""
    return vectors / np.maximum(length(vectors), 1e-9)
