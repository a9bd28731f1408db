"""How two embeddings are compared, block by block, on a GPU where there is one.

Letters: Q queries, G gallery entries, E numbers of an embedding, P parts.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
import torch

from keyreid_stream.errors import ConfigError, InputError
from keyreid_stream.evaluation.reid.entries import Entries
from keyreid_stream.structures import FloatArray

SimilarityKind: TypeAlias = Literal["cosine", "euclidean", "global", "visible"]

KINDS: tuple[SimilarityKind, ...] = ("cosine", "euclidean", "global", "visible")

BLOCK_ROWS = 1024
"""Rows of either side that are on the device at once.

Beside the embeddings themselves, 4 (Q + G) E bytes, a search holds of each side a block and what normalising it needs,
at most 3 * 4 * BLOCK_ROWS * E bytes, and one block of similarities, 4 * BLOCK_ROWS * G bytes: with 12,000 queries, as
many gallery entries and E = 19,200, 1.84 GB + 2 * 0.24 GB + 0.05 GB.
"""

_TINY = 1e-12


@dataclass(frozen=True, slots=True)
class Similarity:
    """A way of comparing; larger is closer.

    Attributes:
        kind: `cosine` of whole embeddings; `euclidean`, minus the squared distance, as published; `global`, cosine of
            the global part alone; `visible`, the mean of the cosines of global part and parts, each part weighted by
            how far both sides show it.
        global_weight: of `visible`: the global part's share when all parts are visible.
    """

    kind: SimilarityKind = "cosine"
    global_weight: float = 0.5

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ConfigError(f"unknown similarity {self.kind!r}; choose from: {', '.join(KINDS)}")
        if not 0 < self.global_weight <= 1:
            raise ConfigError(f"the global part's share is {self.global_weight}; give more than 0, at most 1")

    @property
    def name(self) -> str:
        """In tables and files, such as `cosine` or `visible-0.5`."""
        return f"visible-{self.global_weight:g}" if self.kind == "visible" else self.kind

    def needs_parts(self) -> bool:
        """Whether embeddings must tell where their parts are."""
        return self.kind in ("global", "visible")


def similarity_blocks(
    queries: Entries, gallery: Entries, how: Similarity, *, device: torch.device | str = "cpu", rows: int = BLOCK_ROWS
) -> Iterator[tuple[slice, FloatArray]]:
    """Similarities of some queries, (at most `rows`, G), after each other.

    Args:
        queries: what is looked for.
        gallery: where.
        how: the way.
        device: where products are computed.
        rows: of either side at once.

    Raises:
        InputError: the embeddings have different lengths, or no parts where the way needs them.
    """
    _check(queries, gallery, how)
    for first in range(0, len(queries), rows):
        asked = _Block(queries, slice(first, min(first + rows, len(queries))), how, device)
        found = np.empty((len(asked.rows), len(gallery)), np.float32)
        for start in range(0, len(gallery), rows):
            place = slice(start, min(start + rows, len(gallery)))
            found[:, place] = asked.compared(_Block(gallery, place, how, device)).cpu().numpy()
        yield asked.place, found


class _Block:
    """Some rows of one side, scaled so that one product of two rows is what is wanted."""

    def __init__(self, entries: Entries, place: slice, how: Similarity, device: torch.device | str) -> None:
        rows = entries.rows[place]
        vectors = torch.from_numpy(entries.vectors[rows]).to(device)
        self.place, self._how = place, how
        self.shown: torch.Tensor | None = None
        if how.kind == "cosine":
            vectors /= vectors.norm(dim=1, keepdim=True).clamp_min(_TINY)
        elif how.needs_parts():
            assert entries.layout is not None  # noqa: S101 -- checked before; for the type checker
            vectors = self._weighted(vectors, entries, device)
        self.rows = vectors

    def _weighted(self, vectors: torch.Tensor, entries: Entries, device: torch.device | str) -> torch.Tensor:
        layout = entries.layout
        assert layout is not None  # noqa: S101 -- checked before; for the type checker
        whole = vectors[:, : layout.global_dim]
        whole /= whole.norm(dim=1, keepdim=True).clamp_min(_TINY)
        if self._how.kind == "global" or not layout.parts:
            return whole
        assert entries.visibility is not None  # noqa: S101 -- checked before; for the type checker
        self.shown = torch.from_numpy(entries.visibility[entries.rows[self.place]]).to(device)
        parts = vectors[:, layout.global_dim :].view(len(vectors), layout.parts, layout.part_dim)
        share = (1 - self._how.global_weight) / layout.parts
        parts *= self.shown[:, :, None] * share**0.5 / parts.norm(dim=2, keepdim=True).clamp_min(_TINY)
        whole *= self._how.global_weight**0.5
        return vectors

    def compared(self, other: _Block) -> torch.Tensor:
        products = self.rows @ other.rows.T
        if self._how.kind == "euclidean":
            left, right = self.rows.square().sum(dim=1), other.rows.square().sum(dim=1)
            return 2 * products - left[:, None] - right[None]
        if self.shown is None or other.shown is None:
            return products
        share = (1 - self._how.global_weight) / self.shown.shape[1]
        return products / (self._how.global_weight + share * (self.shown @ other.shown.T))


def _check(queries: Entries, gallery: Entries, how: Similarity) -> None:
    if queries.vectors.shape[1] != gallery.vectors.shape[1] or queries.layout != gallery.layout:
        raise InputError(
            f"queries have {queries.vectors.shape[1]} numbers and the gallery {gallery.vectors.shape[1]}, or their "
            "parts differ; embed both with the same network"
        )
    for side in (queries, gallery):
        if how.needs_parts() and (side.layout is None or side.visibility is None):
            raise InputError(f"similarity {how.kind!r} needs parts, and this network has none; choose cosine")
