"""How a lens bends rays: OpenCV's polynomial of five coefficients k1, k2, p1, p2, k3.

Rays are given as image coordinates in units of depth: (x / z, y / z) of a point in camera coordinates.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

FARTHEST_RADIUS = 100.0
"""Where the search for a fold ends: 89.4 degrees off the axis."""


def fold_radius(distortion: Sequence[float] | NDArray[np.float64]) -> float:
    """Distance from the axis where the radial polynomial stops growing; at most `FARTHEST_RADIUS`."""
    k1, k2, _, _, k3 = distortion
    # d/dr of r + k1 r^3 + k2 r^5 + k3 r^7, as a polynomial of r^2.
    roots = np.roots(np.trim_zeros(np.array([7 * k3, 5 * k2, 3 * k1, 1.0]), "f"))
    turns = [root.real for root in roots if abs(root.imag) < 1e-9 and root.real > 0]
    return min(math.sqrt(min(turns)), FARTHEST_RADIUS) if turns else FARTHEST_RADIUS


def bent_radius(radius: float, distortion: Sequence[float] | NDArray[np.float64]) -> float:
    """Where the lens moves a ray at this distance from the axis, tangential terms left out."""
    k1, k2, _, _, k3 = distortion
    r2 = radius * radius
    return radius * (1 + r2 * (k1 + r2 * (k2 + r2 * k3)))


def bent(
    rays: NDArray[np.float64], distortion: Sequence[float] | NDArray[np.float64], fold: float
) -> NDArray[np.float64]:
    """Rays (N, 2) as the lens bends them.

    Farther from the axis than `fold`, where the polynomial would fold points back into the picture, the magnification
    stays what it is at that radius.
    """
    k1, k2, p1, p2, k3 = distortion
    radius = np.sqrt((rays**2).sum(axis=1))
    beyond = np.maximum(radius / fold, 1.0)
    x, y = (rays / beyond[:, None]).T
    r2 = x * x + y * y
    radial = 1 + r2 * (k1 + r2 * (k2 + r2 * k3))
    bent_x = x * radial + 2 * p1 * x * y + p2 * (r2 + 2 * x * x)
    bent_y = y * radial + p1 * (r2 + 2 * y * y) + 2 * p2 * x * y
    result: NDArray[np.float64] = np.stack([bent_x, bent_y], axis=1) * beyond[:, None]
    return result
