"""Who every tracklet is, in the tracklet book and in the gallery alike; and whom the gallery says it may be."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np

from keyreid_stream.association.exemplars import Exemplar
from keyreid_stream.association.gallery import Gallery
from keyreid_stream.association.nodes import Nodes, Settled
from keyreid_stream.association.similarity import Signatures
from keyreid_stream.association.tracklets import Tracklet, TrackletBook

CANDIDATES = 16
"""Settled identities that a tracklet is compared with in full: those most like it."""

_KEPT = 1024
"""Identities whose exemplars are kept ready to be compared; a tick asks for a few dozen, mostly the same."""


class Assignments:
    """The tracklets of a book and the identities of a gallery."""

    def __init__(self, gallery: Gallery, book: TrackletBook, camera: Callable[[str], int]) -> None:
        """Join both; `camera` gives a camera's number."""
        self._gallery = gallery
        self._book = book
        self._camera = camera
        self._settled: dict[int, tuple[tuple[Exemplar, ...], Settled]] = {}

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
        """The settled exemplars of those identities that have any."""
        found = (self._settled_of(identity_id, self._gallery.exemplars(identity_id)) for identity_id in identity_ids)
        return [one for one in found if one is not None]

    def candidates(self, nodes: Nodes) -> list[Settled]:
        """Settled exemplars of the identities most like any of the nodes."""
        identity_ids, _ = self._gallery.nearest(nodes.signatures, CANDIDATES)
        return self.settled(np.unique(identity_ids).tolist())

    def let_go(self, identity_ids: Iterable[int] | None = None) -> None:
        """Keep nothing of identities of whom the gallery has dropped all or something; None for anybody."""
        for identity_id in list(self._settled) if identity_ids is None else identity_ids:
            self._settled.pop(identity_id, None)

    def _settled_of(self, identity_id: int, exemplars: tuple[Exemplar, ...]) -> Settled | None:
        if not exemplars:
            return None
        kept = self._settled.get(identity_id)
        # The gallery gives the same tuple until something changes.
        if kept is None or kept[0] is not exemplars:
            if len(self._settled) >= _KEPT:
                self._settled.clear()
            kept = self._settled[identity_id] = exemplars, self._as_settled(identity_id, exemplars)
        return kept[1]

    def _as_settled(self, identity_id: int, exemplars: tuple[Exemplar, ...]) -> Settled:
        ordered = sorted(exemplars, key=lambda one: (one.first_s, one.camera_id, one.last_s))
        offset_s = self._gallery.offset_s
        return Settled(
            identity_id,
            Signatures.joined([one.signature for one in ordered]),
            np.array([self._camera(one.camera_id) for one in ordered], np.int64),
            np.array([one.clips for one in ordered], np.float32),
            np.array([one.first_s - offset_s for one in ordered], np.float64),
            np.array([one.last_s - offset_s for one in ordered], np.float64),
        )
