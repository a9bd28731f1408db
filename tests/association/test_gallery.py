import numpy as np
import pytest

from keyreid_stream.association.config import AssociationConfig
from keyreid_stream.association.gallery import REMEMBERED_OTHERS, REMEMBERED_TRACKS, Exemplar, Gallery
from keyreid_stream.association.similarity import Signatures, signatures
from keyreid_stream.structures import ClipEmbedding, EmbeddingLayout, TrackKey

LAYOUT = EmbeddingLayout(global_dim=2, parts=1, part_dim=1)


def pointing(*degrees: float) -> Signatures:
    """Embeddings whose similarity to one another is the cosine of the angle between them."""
    angles = np.deg2rad(degrees)
    return signatures(
        [
            ClipEmbedding(np.array([np.cos(angle), np.sin(angle), 1], np.float32), np.zeros(1, np.float32), LAYOUT)
            for angle in angles
        ],
        0.5,
    )


def exemplar(degrees: float, camera: int = 0, clips: int = 1) -> Exemplar:
    return Exemplar(pointing(degrees), camera, clips, 0.0, 1.0)


def kept(gallery: Gallery, identity_id: int) -> list[int]:
    vectors = np.concatenate([one.signature.vectors[:, :2] for one in gallery.exemplars(identity_id)])
    return [round(float(angle)) for angle in np.rad2deg(np.arctan2(vectors[:, 1], vectors[:, 0]))]


def test_search_returns_the_closest_exemplar_of_each_identity() -> None:
    gallery = Gallery(AssociationConfig())
    first, second, without_exemplar = gallery.found(0.0), gallery.found(0.0), gallery.found(0.0)
    gallery.add_exemplar(first, exemplar(0))
    gallery.add_exemplar(first, exemplar(80))
    gallery.add_exemplar(second, exemplar(180))
    ids, best = gallery.search(pointing(60, 180))
    assert ids.tolist() == [first, second]
    np.testing.assert_allclose(best, np.cos(np.deg2rad([[20, 120], [100, 0]])), atol=1e-3)  # half precision
    assert without_exemplar in gallery


def test_searching_in_an_empty_gallery_gives_empty_results() -> None:
    assert Gallery(AssociationConfig()).search(pointing(0))[1].shape == (1, 0)


def test_a_full_identity_gives_up_one_of_the_two_most_alike_the_one_of_fewer_clips() -> None:
    gallery = Gallery(AssociationConfig(exemplars=2))
    identity = gallery.found(0.0)
    for one in (exemplar(0, clips=3), exemplar(90), exemplar(10, clips=2)):
        gallery.add_exemplar(identity, one)
    assert kept(gallery, identity) == [0, 90]


def test_a_cameras_only_view_stays_while_another_camera_has_two() -> None:
    gallery = Gallery(AssociationConfig(exemplars=3))
    identity = gallery.found(0.0)
    for one in (exemplar(0, camera=0), exemplar(1, camera=1), exemplar(60, camera=2, clips=2), exemplar(90, camera=2)):
        gallery.add_exemplar(identity, one)
    assert kept(gallery, identity) == [0, 1, 60]


def test_who_was_seen_beside_whom_is_known_to_be_somebody_else_also_after_a_merge() -> None:
    gallery = Gallery(AssociationConfig())
    first, second, third = (gallery.found(0.0) for _ in range(3))
    gallery.set_apart(first, second)
    assert gallery.are_apart(second, first)
    assert not gallery.are_apart(first, third)
    gallery.merge(third, first)
    assert gallery.are_apart(third, second)
    assert gallery.are_apart(second, third)
    for other in range(100, 100 + REMEMBERED_OTHERS + 1):
        gallery._entries[other] = gallery._entries[second]  # a great many others
        gallery.set_apart(third, other)
    assert len(gallery._entries[third].others) == REMEMBERED_OTHERS


def test_a_merge_keeps_times_tracks_and_exemplars_of_both() -> None:
    gallery = Gallery(AssociationConfig())
    first, second = gallery.found(5.0), gallery.found(3.0)
    gallery.touch(second, 9.0)
    for identity, track_id, degrees in ((first, 1, 0.0), (second, 2, 30.0)):
        gallery.add_track(identity, TrackKey("a", track_id))
        gallery.add_exemplar(identity, exemplar(degrees))
    gallery.merge(first, second)
    (known,) = gallery.identities()
    assert (known.identity_id, known.first_seen_s, known.last_seen_s) == (first, 3.0, 9.0)
    assert known.tracks == (TrackKey("a", 1), TrackKey("a", 2))
    assert kept(gallery, first) == [0, 30]


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
