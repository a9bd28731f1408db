"""Who every tracklet is, in the tracklet book and in the gallery alike; and whom the gallery says it may be."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np

from keyreid_stream.association.gallery import Gallery
from keyreid_stream.association.nodes import Nodes, Settled
from keyreid_stream.association.tracklets import Tracklet, TrackletBook

CANDIDATES = 16
"""Settled identities that a tracklet is compared with in full: those most like it."""


class Assignments:
    """The tracklets of a book and the identities of a gallery."""

    def __init__(self, gallery: Gallery, book: TrackletBook, camera: Callable[[str], int]) -> None:
        """Join both; `camera` gives a camera's number."""
        self._gallery = gallery
        self._book = book
        self._camera = camera

    def assign(self, tracklet: Tracklet, identity_id: int) -> None:
        """Say who a tracklet shows that nobody was said to be."""
        self._book.assign(tracklet, identity_id)
        self._gallery.touch(identity_id, tracklet.last_s)
        self._gallery.add_track(identity_id, tracklet.key)

    def move(self, tracklet: Tracklet, identity_id: int) -> None:
        """Say that a tracklet shows somebody else."""
        before = tracklet.identity_id
        self._book.assign(tracklet, identity_id)
        if before in self._gallery and not any(
            one.key == tracklet.key and one.identity_id == before for one in self._book
        ):
            self._gallery.remove_track(before, tracklet.key)
        self.assign(tracklet, identity_id)

    def settled(self, identity_ids: Iterable[int]) -> list[Settled]:
        """The settled exemplars of identities."""
        offset_s = self._gallery.offset_s
        return [
            Settled(i, one, self._camera(one.camera_id), one.first_s - offset_s, one.last_s - offset_s)
            for i in identity_ids
            for one in self._gallery.exemplars(i)
        ]

    def candidates(self, nodes: Nodes) -> list[Settled]:
        """Settled exemplars of the identities most like any of the nodes."""
        identity_ids, _ = self._gallery.nearest(nodes.signatures, CANDIDATES)
        return self.settled(np.unique(identity_ids).tolist())
