"""Which precision `auto` takes: a backend's own order, less what is known to cost the weights at hand too much."""

from __future__ import annotations

from collections.abc import Mapping

from keyreid_engines.backend import Backend
from keyreid_engines.graphs import Precision
from keyreid_stream.errors import ConfigError

MOST_LOST = 0.5
"""Points of rank-1 that a precision taken by itself may cost."""

LOST: Mapping[tuple[str, str, Precision], float] = {
    # keyreid-tiny, whole people without keypoints, by visible parts: 67.5 to 66.5 (docs/decisions/0030).
    ("a8a850d7f5ec6bdab8b3f9f84a82c3c9edd15c83a9e0a4ec88fb8da2cf66a58d", "openvino", "bfloat16"): 1.0,
}
"""Points of rank-1 on CUHK03's validation people, by hash of the weights, backend and precision: those measured that
lose more than `MOST_LOST`. Other weights are held by the check against float32 alone."""


def precisions_to_try(backend: Backend, wanted: str, weights_sha256: str) -> list[Precision]:
    """What to try, best first: for `auto` what the backend offers and the weights bear, else what was asked for.

    Raises:
        ConfigError: the backend does not run in it here.
    """
    fitting = [precision for precision in backend.precisions if wanted in ("auto", precision)]
    if not fitting:
        raise ConfigError(
            f"precision {wanted} does not run on {backend.name} on this machine; choose auto or one of: "
            f"{', '.join(backend.precisions)}"
        )
    if wanted != "auto":
        return fitting
    borne = [precision for precision in fitting if (weights_sha256, backend.name, precision) not in LOST]
    return borne or fitting


def passed_over(backend: Backend, wanted: str, weights_sha256: str) -> str | None:
    """In words: a precision that `auto` leaves out for these weights' sake; None where it leaves out none."""
    costs = {
        precision: LOST[weights_sha256, backend.name, precision]
        for precision in backend.precisions
        if wanted == "auto" and (weights_sha256, backend.name, precision) in LOST
    }
    if not costs:
        return None
    told = ", ".join(
        f"{precision} costs these weights {points:.1f} points of rank-1" for precision, points in costs.items()
    )
    return f"{told}; it is taken where it is asked for"
