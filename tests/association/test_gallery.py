import numpy as np
import pytest

from keyreid_stream.association.config import AssociationConfig
from keyreid_stream.association.gallery import REMEMBERED_TRACKS, Gallery
from keyreid_stream.structures import ClipEmbedding, EmbeddingLayout, TrackKey

LAYOUT = EmbeddingLayout(global_dim=2, parts=1, part_dim=1)


def pointing(degrees: float) -> ClipEmbedding:
    """An embedding whose similarity to another is the cosine of the angle between them."""
    angle = np.deg2rad(degrees)
    return ClipEmbedding(np.array([np.cos(angle), np.sin(angle), 1], np.float32), np.zeros(1, np.float32), LAYOUT)


def test_search_returns_the_closest_exemplar_of_each_identity() -> None:
    gallery = Gallery(AssociationConfig())
    first, second, without_exemplar = gallery.found(0.0), gallery.found(0.0), gallery.found(0.0)
    gallery.add_exemplar(first, pointing(0))
    gallery.add_exemplar(first, pointing(80))
    gallery.add_exemplar(second, pointing(180))
    ids, best = gallery.search([pointing(60), pointing(180)])
    assert ids.tolist() == [first, second]
    np.testing.assert_allclose(best, np.cos(np.deg2rad([[20, 120], [100, 0]])), atol=1e-6)
    assert without_exemplar in gallery


def test_searching_nothing_or_in_an_empty_gallery_gives_empty_results() -> None:
    gallery = Gallery(AssociationConfig())
    assert gallery.search([pointing(0)])[1].shape == (1, 0)
    gallery.add_exemplar(gallery.found(0.0), pointing(0))
    assert gallery.search([])[1].shape == (0, 1)


def test_a_full_identity_replaces_the_exemplar_most_like_the_new_one() -> None:
    gallery = Gallery(AssociationConfig(exemplars=2))
    identity = gallery.found(0.0)
    for degrees in (0, 90, 10):
        gallery.add_exemplar(identity, pointing(degrees))
    _, best = gallery.search([pointing(0), pointing(90), pointing(10)])
    np.testing.assert_allclose(best[:, 0], np.cos(np.deg2rad([10, 0, 0])), atol=1e-6)


def test_retention_and_cap_forget_the_least_recently_seen_but_never_who_is_in_view() -> None:
    gallery = Gallery(AssociationConfig(retention_s=10, max_identities=2))
    old, older_but_in_view, recent, newest = (gallery.found(0.0) for _ in range(4))
    gallery.touch(recent, 15.0)
    gallery.touch(newest, 16.0)
    assert gallery.expire(20.0, {older_but_in_view}) == [old, recent]
    assert [one.identity_id for one in gallery.identities()] == [older_but_in_view, newest]


def test_ids_are_never_used_twice() -> None:
    gallery = Gallery(AssociationConfig(retention_s=1))
    first = gallery.found(0.0)
    gallery.expire(100.0, set())
    assert first not in gallery
    assert gallery.found(100.0) == first + 1


def test_time_never_runs_backwards_and_cameras_are_listed_once() -> None:
    gallery = Gallery(AssociationConfig())
    identity = gallery.found(5.0)
    gallery.touch(identity, 9.0)
    gallery.touch(identity, 7.0)
    for key in (TrackKey("b", 1), TrackKey("a", 1), TrackKey("b", 2)):
        gallery.add_track(identity, key)
    (known,) = gallery.identities()
    assert (known.first_seen_s, known.last_seen_s, known.camera_ids) == (5.0, 9.0, ("a", "b"))


@pytest.mark.parametrize("tracks", [REMEMBERED_TRACKS, REMEMBERED_TRACKS + 50])
def test_the_list_of_tracks_is_bounded(tracks: int) -> None:
    gallery = Gallery(AssociationConfig())
    identity = gallery.found(0.0)
    for track_id in range(tracks):
        gallery.add_track(identity, TrackKey("a", track_id))
    gallery.remove_track(identity, TrackKey("a", -1))
    assert len(gallery.identities()[0].tracks) == REMEMBERED_TRACKS
