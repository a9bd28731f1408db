"""What a run that is cut off leaves of the tracklets that had not settled: a sketch of each in the gallery."""

from __future__ import annotations

from keyreid_stream.association.exemplars import Exemplar
from keyreid_stream.association.gallery import Gallery
from keyreid_stream.association.similarity import Signatures
from keyreid_stream.association.tracklets import Tracklet, TrackletBook


def as_exemplar(book: TrackletBook, tracklet: Tracklet) -> Exemplar:
    """What a tracklet of at least one clip looks like."""
    rows = slice(tracklet.row, tracklet.row + 1)
    own = book.signatures
    signature = Signatures(own.vectors[rows].copy(), own.visibility[rows].copy())
    return Exemplar(signature, tracklet.key.camera_id, tracklet.clips, tracklet.first_s, tracklet.last_s)


class Sketcher:
    """Keeps a gallery's sketches up to date, if somebody keeps the gallery: else nobody would ever need them.

    A tracklet is sketched when it is decided on, when it is decided otherwise, and whenever its clips have doubled.
    """

    def __init__(self, gallery: Gallery, book: TrackletBook) -> None:
        """Sketch the tracklets of a book into a gallery."""
        self._gallery = gallery
        self._book = book
        self._drawn: dict[int, tuple[int, int]] = {}

    def draw(self) -> None:
        """Sketch all that have changed enough."""
        if not self._gallery.is_journaled:
            return
        for one in self._book:
            if not one.identity_id or not one.clips:
                continue
            identity_id, clips = self._drawn.get(one.row, (0, 0))
            if identity_id != one.identity_id or one.clips >= 2 * clips:
                self._gallery.sketch(one.identity_id, one.key, one.first_frame, as_exemplar(self._book, one))
                self._drawn[one.row] = one.identity_id, one.clips

    def drop(self, tracklet: Tracklet) -> None:
        """A tracklet has settled."""
        if self._drawn.pop(tracklet.row, None) is not None:
            self._gallery.drop_sketch(tracklet.key, tracklet.first_frame)
