"""Embedded tracklets of people with names, searched camera to camera."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from keyreid_stream.evaluation import reid
from keyreid_stream.evaluation.reid import RetrievalScore, SearchOptions, Similarity
from keyreid_stream.structures import ClipEmbedding


@dataclass(frozen=True, slots=True, eq=False)
class EmbeddedTracklets:
    """Tracklets and their embeddings, which are means over clips or single images.

    Attributes:
        embeddings: one per entry.
        person_ids: who each shows.
        camera_ids: where.
    """

    embeddings: Sequence[ClipEmbedding]
    person_ids: tuple[str, ...]
    camera_ids: tuple[str, ...]

    def entries(self) -> reid.Entries:
        """The same for a search: people and cameras are numbers, people from 1, in the order of their names."""
        return reid.Entries.of(
            np.stack([one.vector for one in self.embeddings]),
            np.unique(np.array(self.person_ids), return_inverse=True)[1] + 1,
            np.unique(np.array(self.camera_ids), return_inverse=True)[1],
            np.stack([one.visibility for one in self.embeddings]),
            self.embeddings[0].layout,
        )


def camera_to_camera(
    tracklets: EmbeddedTracklets, *, queries: EmbeddedTracklets | None = None, global_weight: float | None = None
) -> RetrievalScore:
    """Every camera's entries searched in every other camera, all directions averaged with equal weight.

    Args:
        tracklets: all entries of all cameras.
        queries: the same entries as they are when they are searched; None for `tracklets` themselves.
        global_weight: compare visible parts only, with this share for the global part (as association does); None for
            the cosine of whole embeddings.

    Raises:
        InputError: no person is seen by two cameras.
    """
    how = Similarity() if global_weight is None else Similarity("visible", global_weight)
    asked = None if queries is None else queries.entries()
    return reid.camera_to_camera(tracklets.entries(), SearchOptions(how), queries=asked).score
