"""What the gallery knows of identities, ready to be compared, and let go with them."""

from __future__ import annotations

import weakref

import numpy as np

from keyreid_stream.association.assignments import Assignments
from keyreid_stream.association.config import AssociationConfig
from keyreid_stream.association.exemplars import Exemplar
from keyreid_stream.association.gallery import Gallery
from keyreid_stream.association.similarity import Signatures
from keyreid_stream.association.tracklets import TrackletBook

CAMERAS = {"a": 0, "b": 1}


def exemplar(camera_id: str, first_s: float, look: float) -> Exemplar:
    signature = Signatures(np.array([[look, 1.0]], np.float32), np.zeros((1, 0), np.float32))
    return Exemplar(signature, camera_id, 3, first_s, first_s + 1)


def known(offset_s: float = 0.0) -> tuple[Gallery, Assignments, int]:
    config = AssociationConfig(retention_s=10)
    gallery = Gallery(config)
    gallery.begin_run(0.0, offset_s)
    return gallery, Assignments(gallery, TrackletBook(config), CAMERAS.__getitem__), gallery.found(0.0)


def test_exemplars_are_in_order_of_time_and_on_the_clock_of_the_run() -> None:
    gallery, assignments, identity_id = known(offset_s=100.0)
    assert assignments.settled([identity_id]) == []
    gallery.add_exemplar(identity_id, exemplar("b", 5.0, look=2.0))
    gallery.add_exemplar(identity_id, exemplar("a", 1.0, look=1.0))
    (settled,) = assignments.settled([identity_id])
    assert settled.identity_id == identity_id
    assert settled.first_s.tolist() == [1.0, 5.0]
    assert settled.last_s.tolist() == [2.0, 6.0]
    assert settled.cameras.tolist() == [0, 1]
    assert settled.signatures.vectors[:, 0].tolist() == [1.0, 2.0]


def test_what_has_been_asked_for_before_is_what_the_gallery_holds_now() -> None:
    gallery, assignments, identity_id = known()
    other = gallery.found(0.0)
    for who, look in ((identity_id, 1.0), (other, 2.0)):
        gallery.add_exemplar(who, exemplar("a", 0.0, look))
    assert [len(one) for one in assignments.settled([identity_id, other])] == [1, 1]
    gallery.merge(identity_id, other)
    (settled,) = assignments.settled([identity_id])
    assert sorted(settled.signatures.vectors[:, 0].tolist()) == [1.0, 2.0]
    gallery.unmerge(identity_id)
    assert [one.signatures.vectors[0, 0] for one in assignments.settled([identity_id, other])] == [1.0, 2.0]


def test_nothing_is_kept_of_whom_the_gallery_dropped() -> None:
    gallery, assignments, identity_id = known()
    gallery.add_exemplar(identity_id, exemplar("a", 0.0, look=1.0))
    vectors = weakref.ref(assignments.settled([identity_id])[0].signatures.vectors)
    assert vectors() is not None
    assignments.let_go(gallery.expire(100.0, ()))
    assert vectors() is None
