"""Similarity of embeddings that compares only the body parts both sides show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from keyreid_stream.structures import ClipEmbedding, EmbeddingLayout, FloatArray, IntArray


@dataclass(frozen=True, slots=True, eq=False)
class Signatures:
    """Embeddings prepared for comparison.

    Attributes:
        vectors: (n, E) float32: unit global parts, then unit body parts times their visibility, each times the square
            root of its weight, so that one product of two rows sums the weighted cosines.
        visibility: (n, P) float32.
    """

    vectors: FloatArray
    visibility: FloatArray

    def __len__(self) -> int:
        return len(self.vectors)

    def of(self, rows: IntArray) -> Signatures:
        """Some rows, copied."""
        return Signatures(self.vectors[rows], self.visibility[rows])

    @classmethod
    def joined(cls, parts: Sequence[Signatures]) -> Signatures:
        """All rows of at least one part, one after the other."""
        return cls(np.concatenate([one.vectors for one in parts]), np.concatenate([one.visibility for one in parts]))


def signatures(embeddings: Sequence[ClipEmbedding], global_weight: float) -> Signatures:
    """Prepare at least one embedding; `global_weight` is the global part's share when all parts are visible."""
    vectors = np.stack([embedding.vector for embedding in embeddings])
    visibility = np.stack([embedding.visibility for embedding in embeddings])
    return prepared(vectors, visibility, embeddings[0].layout, global_weight)


def prepared(vectors: FloatArray, visibility: FloatArray, layout: EmbeddingLayout, global_weight: float) -> Signatures:
    """Prepare vectors (n, E) of any length that show parts as `visibility` (n, P) says."""
    global_parts = _unit(vectors[:, : layout.global_dim])
    part_rows = _unit(vectors[:, layout.global_dim :].reshape(len(vectors), layout.parts, layout.part_dim))
    part_weight = _part_weight(global_weight, layout.parts)
    weighted = part_rows * visibility[:, :, None] * np.float32(np.sqrt(part_weight))
    flat = weighted.reshape(len(vectors), -1)
    return Signatures(np.concatenate([global_parts * np.float32(np.sqrt(global_weight)), flat], axis=1), visibility)


def similarity(left: Signatures, right: Signatures, global_weight: float) -> FloatArray:
    """Visibility-weighted mean cosine of every pair, (len(left), len(right)), -1 to 1, larger is closer.

    A part counts with the product of both sides' visibility, so a part that one side hides is left out.
    """
    part_weight = _part_weight(global_weight, left.visibility.shape[1])
    shared = np.float32(global_weight) + np.float32(part_weight) * (left.visibility @ right.visibility.T)
    result: FloatArray = (left.vectors @ right.vectors.T) / shared
    return result


def part_similarities(
    left: Signatures, right: Signatures, layout: EmbeddingLayout, global_weight: float
) -> tuple[FloatArray, FloatArray]:
    """Cosines of pairs of rows, of which there are equally many on both sides, or one on one of them.

    Returns:
        of the global part (n,), and of each body part (n, P), 0 where a side hides it; weighted by what both sides
        show, their mean is `similarity`.
    """
    products = left.vectors * right.vectors
    whole: FloatArray = products[:, : layout.global_dim].sum(axis=1) / np.float32(global_weight)
    sums = products[:, layout.global_dim :].reshape(len(products), layout.parts, layout.part_dim).sum(axis=2)
    shared = np.float32(_part_weight(global_weight, layout.parts)) * left.visibility * right.visibility
    parts: FloatArray = np.divide(sums, shared, out=np.zeros_like(sums), where=shared > 0)
    return whole, parts


def _part_weight(global_weight: float, parts: int) -> float:
    return (1.0 - global_weight) / parts if parts else 0.0


def _unit(rows: FloatArray) -> FloatArray:
    norms = np.linalg.norm(rows, axis=-1, keepdims=True)
    scaled: FloatArray = rows / np.maximum(norms, np.float32(1e-12))
    return scaled
