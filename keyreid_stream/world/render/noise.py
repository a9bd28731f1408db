"""Noise that repeats without a seam: the threads of cloth, the grain of floors and walls."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

SIDE = 256
"""Cells along each side of a tile; a power of two."""


def noise_tile(seed: int, blur_cells: tuple[float, float]) -> NDArray[np.float32]:
    """(SIDE, SIDE) smooth noise of mean 0 and standard deviation 1, periodic in both directions.

    Args:
        seed: same seed, same tile.
        blur_cells: standard deviations, down and across, of the Gaussian that smooths it.
    """
    white = np.random.default_rng(seed).standard_normal((SIDE, SIDE))
    frequency = 2 * np.pi * np.fft.fftfreq(SIDE)
    down, across = (np.exp(-0.5 * (blur * frequency) ** 2) for blur in blur_cells)
    smooth = np.fft.ifft2(np.fft.fft2(white) * down[:, None] * across).real
    smooth -= smooth.mean()
    tile: NDArray[np.float32] = (smooth / smooth.std()).astype(np.float32)
    return tile


def sample(tile: NDArray[np.float32], rows: NDArray[np.float32], columns: NDArray[np.float32]) -> NDArray[np.float32]:
    """The tile's values (N,) at cells (N,), (N,), which may lie anywhere: the tile repeats."""
    index = (rows.astype(np.int32) & (SIDE - 1)) * SIDE + (columns.astype(np.int32) & (SIDE - 1))
    values: NDArray[np.float32] = tile.ravel()[index]
    return values
