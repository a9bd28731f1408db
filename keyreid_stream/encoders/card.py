"""What computes embeddings in a run, for its report."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class BackendCard:
    """What runs the network.

    Attributes:
        name: torch, onnxruntime, openvino, tensorrt, tensorrt-rtx, torch-tensorrt.
        version: of that library.
        precision: of the network's arithmetic.
        device: where it runs, in words.
        engine: the compiled engine in the cache; None where nothing was compiled.
        minimum_cosine: the least cosine of an embedding part to float32 on PyTorch when it was built; None likewise.
        reason: why this one; None where it was asked for.
    """

    name: str
    version: str
    precision: str
    device: str
    engine: str | None = None
    minimum_cosine: float | None = None
    reason: str | None = None
