import numpy as np
import pytest

from keyreid_stream.association.config import AssociationConfig
from keyreid_stream.association.entries import REMEMBERED_OTHERS, REMEMBERED_TRACKS
from keyreid_stream.association.exemplars import Exemplar
from keyreid_stream.association.gallery import Gallery
from keyreid_stream.association.similarity import Signatures, signatures
from keyreid_stream.errors import InputError
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


def exemplar(degrees: float, camera: str = "a", clips: int = 1, last_s: float = 1.0) -> Exemplar:
    return Exemplar(pointing(degrees), camera, clips, last_s - 1, last_s)


def kept(gallery: Gallery, identity_id: int) -> list[int]:
    vectors = np.concatenate([one.signature.vectors[:, :2] for one in gallery.exemplars(identity_id)])
    return [round(float(angle)) for angle in np.rad2deg(np.arctan2(vectors[:, 1], vectors[:, 0]))]


def test_identities_are_found_by_their_closest_exemplar() -> None:
    gallery = Gallery(AssociationConfig())
    first, second, without_exemplar = gallery.found(0.0), gallery.found(0.0), gallery.found(0.0)
    gallery.add_exemplar(first, exemplar(0))
    gallery.add_exemplar(first, exemplar(80))
    gallery.add_exemplar(second, exemplar(180))
    ids, best = gallery.nearest(pointing(60, 180), 2)
    assert ids.tolist() == [[first, second], [second, first]]
    np.testing.assert_allclose(best, np.cos(np.deg2rad([[20, 120], [0, 100]])), atol=1e-3)  # half precision
    assert without_exemplar in gallery


def test_an_empty_gallery_finds_nobody() -> None:
    assert Gallery(AssociationConfig()).nearest(pointing(0), 3)[1].shape == (1, 0)


def test_whatever_changes_is_found_as_it_is_now() -> None:
    """Every operation that gives, takes or moves exemplars; what is found must follow at once."""
    gallery = Gallery(AssociationConfig(exemplars=2))

    def found(degrees: float) -> list[int]:
        return gallery.nearest(pointing(degrees), 9)[0][0].tolist()

    one, two = gallery.found(0.0), gallery.found(0.0)
    gallery.add_exemplar(one, exemplar(0))
    gallery.add_exemplar(two, exemplar(90, last_s=9.0))
    assert found(80) == [two, one]
    gallery.merge(one, two)
    assert found(80) == [one]
    gallery.unmerge(one)
    assert found(80) == [two, one]
    gallery.add_exemplar(one, exemplar(70))
    assert found(75) == [one, two]
    three = gallery.detach(one, [1])
    assert found(75) == [three, two, one]
    gallery.forget(three)
    assert found(75) == [two, one]
    gallery.touch(two, 9.0)
    gallery.prune(5.0)
    assert found(75) == [two]
    gallery.sketch(two, TrackKey("a", 1), 0, exemplar(180))
    gallery.begin_run(0.0, 0.0)
    assert gallery.nearest(pointing(180), 1)[1][0, 0] == pytest.approx(1, abs=1e-3)


def test_a_full_identity_gives_up_one_of_the_two_most_alike_the_one_of_fewer_clips() -> None:
    gallery = Gallery(AssociationConfig(exemplars=2))
    identity = gallery.found(0.0)
    for one in (exemplar(0, clips=3), exemplar(90), exemplar(10, clips=2)):
        gallery.add_exemplar(identity, one)
    assert kept(gallery, identity) == [0, 90]


def test_a_cameras_only_view_stays_while_another_camera_has_two() -> None:
    gallery = Gallery(AssociationConfig(exemplars=3))
    identity = gallery.found(0.0)
    for one in (exemplar(0, "a"), exemplar(1, "b"), exemplar(60, "c", clips=2), exemplar(90, "c")):
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
    many = [gallery.found(0.0) for _ in range(REMEMBERED_OTHERS + 1)]
    for other in many:
        gallery.set_apart(third, other)
    assert len(dict(gallery.entries())[third].member.others) == REMEMBERED_OTHERS
    assert gallery.are_apart(third, many[-1])


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


def test_people_are_kept_for_an_hour_or_in_a_file_for_a_month_or_as_long_as_is_said() -> None:
    assert AssociationConfig().kept_s == 3600
    assert AssociationConfig(gallery="people.gallery").kept_s == 30 * 24 * 3600
    assert AssociationConfig(gallery="people.gallery", retention_s=60).kept_s == 60


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


def test_undoing_a_merge_gives_both_back_as_they_were_and_keeps_what_came_since_where_it_went() -> None:
    gallery = Gallery(AssociationConfig(exemplars=2))
    first, second, beside = (gallery.found(0.0) for _ in range(3))
    for identity, degrees in ((first, (0, 90)), (second, (10, 80))):
        for one in degrees:
            gallery.add_exemplar(identity, exemplar(one))
    gallery.set_apart(second, beside)
    gallery.merge(first, second)
    assert kept(gallery, first) == [10, 80]  # two that differ; of two alike, the older goes
    assert gallery.are_apart(first, beside)
    assert gallery.holder(second) == first
    gallery.add_track(first, TrackKey("a", 7))
    assert gallery.unmerge(first) == second
    assert (kept(gallery, first), kept(gallery, second)) == ([0, 90], [10, 80])
    assert [one.tracks for one in gallery.identities()] == [(TrackKey("a", 7),), (), ()]
    assert not gallery.are_apart(first, beside)
    with pytest.raises(InputError, match="nobody can be taken out"):
        gallery.unmerge(first)


def test_of_many_merges_the_oldest_become_final_and_memory_stays_bounded() -> None:
    gallery = Gallery(AssociationConfig(exemplars=2))
    whole = gallery.found(0.0)
    other = gallery.found(0.0)
    gone = [gallery.found(float(number)) for number in range(30)]
    gallery.set_apart(gone[0], other)
    for identity in gone:
        gallery.add_exemplar(identity, exemplar(identity))
        gallery.merge(whole, identity)
    entry = dict(gallery.entries())[whole]
    assert len(list(entry.member.family())) == 9
    assert len(gallery.exemplars(whole)) == 2
    assert gallery.are_apart(whole, other)
    assert gallery.holder(gone[0]) == whole
    assert [gallery.unmerge(whole) for _ in range(8)] == gone[:-9:-1]
    with pytest.raises(InputError, match="too long ago"):
        gallery.unmerge(whole)


def test_a_chain_of_merges_is_bounded_too() -> None:
    gallery = Gallery(AssociationConfig())
    head = gallery.found(0.0)
    for _ in range(30):
        newer = gallery.found(0.0)
        gallery.merge(newer, head)
        head = newer
    assert len(list(dict(gallery.entries())[head].member.family())) == 9
    assert gallery.holder(1) == head


def test_chosen_exemplars_become_a_new_identity_also_out_of_what_was_merged_in() -> None:
    gallery = Gallery(AssociationConfig())
    first, second = gallery.found(0.0), gallery.found(0.0)
    for identity, degrees, last_s in ((first, 0, 5.0), (first, 45, 6.0), (second, 90, 9.0)):
        gallery.add_exemplar(identity, exemplar(degrees, last_s=last_s))
    gallery.merge(first, second)
    new = gallery.detach(first, [2, 1])
    assert new == second + 1
    assert (kept(gallery, first), kept(gallery, new)) == ([0], [45, 90])
    found = dict(gallery.entries())[new]
    assert (found.first_seen_s, found.last_seen_s) == (5.0, 9.0)
    for numbers in ([0, 1], [2], [-1], []):
        with pytest.raises(InputError, match="split off"):
            gallery.detach(new, numbers)


def test_forgetting_takes_everything_of_a_person_and_their_ids_are_not_used_again() -> None:
    gallery = Gallery(AssociationConfig())
    first, second, other = (gallery.found(0.0) for _ in range(3))
    gallery.set_apart(second, other)
    gallery.merge(first, second)
    gallery.sketch(first, TrackKey("a", 1), 0, exemplar(0))
    with pytest.raises(InputError, match=f"merged into {first}"):
        gallery.forget(second)
    assert gallery.forget(first) == (first, second)
    assert not gallery.state.sketches
    assert not dict(gallery.entries())[other].others
    assert gallery.found(0.0) == other + 1
    with pytest.raises(InputError, match="no identity 1 "):
        gallery.forget(first)


def test_names_survive_merges() -> None:
    gallery = Gallery(AssociationConfig())
    first, second = gallery.found(0.0), gallery.found(0.0)
    gallery.name(second, "the baker")
    gallery.merge(first, second)
    assert dict(gallery.entries())[first].name == "the baker"
    gallery.name(first, "the smith")
    assert dict(gallery.entries())[first].name == "the smith"
    gallery.unmerge(first)
    assert dict(gallery.entries())[second].name == "the baker"
    for bad in ("a\nb", "x" * 201):
        with pytest.raises(InputError, match="name"):
            gallery.name(first, bad)


def test_sketches_are_nobody_until_the_next_run_and_the_one_of_a_settled_tracklet_is_gone() -> None:
    gallery = Gallery(AssociationConfig())
    first, second = gallery.found(0.0), gallery.found(0.0)
    open_track, settled = TrackKey("a", 1), TrackKey("a", 2)
    gallery.sketch(first, open_track, 0, exemplar(0))
    gallery.sketch(second, open_track, 0, exemplar(30))  # it was moved
    gallery.sketch(first, settled, 0, exemplar(60))
    gallery.drop_sketch(settled, 0)
    gallery.drop_sketch(settled, 0)  # once is enough
    assert not gallery.exemplars(first)
    assert not gallery.exemplars(second)
    gallery.begin_run(1000.0, 500.0)
    assert not gallery.exemplars(first)
    assert kept(gallery, second) == [30]
    assert not gallery.state.sketches


def test_a_runs_clock_and_its_track_ids_begin_anew() -> None:
    gallery = Gallery(AssociationConfig(retention_s=100))
    early, late = gallery.found(0.0), gallery.found(90.0)
    key = TrackKey("a", 1)
    gallery.add_track(early, key)
    gallery.begin_run(5000.0, 95.0)
    assert [one.tracks for one in gallery.identities()] == [(), ()]
    gallery.add_track(late, key)
    gallery.remove_track(early, key)  # that was another run's
    gallery.touch(late, 2.0)
    gallery.add_exemplar(late, exemplar(0, last_s=2.0))
    entries = dict(gallery.entries())
    assert (entries[late].last_seen_s, entries[late].exemplars[0].last_s) == (97.0, 97.0)
    assert [track.run for track in (*entries[early].tracks, *entries[late].tracks)] == [0, 1]
    assert gallery.expire(4.0, ()) == []
    assert gallery.expire(6.0, ()) == [early]
    assert [(one.first_seen_s, one.last_seen_s) for one in gallery.identities()] == [(-5.0, 2.0)]


def test_pruning_drops_old_exemplars_of_a_camera_or_everybody_not_seen_since() -> None:
    gallery = Gallery(AssociationConfig())
    old, recent = gallery.found(0.0), gallery.found(0.0)
    gallery.touch(recent, 50.0)
    for camera, last_s in (("a", 5.0), ("b", 5.0), ("a", 50.0)):
        gallery.add_exemplar(recent, exemplar(0, camera, last_s=last_s))
    gallery.add_exemplar(old, exemplar(0, "b", last_s=1.0))
    assert gallery.prune(10.0, "a") == 1
    assert [one.camera_id for one in gallery.exemplars(recent)] == ["b", "a"]
    assert gallery.prune(10.0) == 2
    assert old not in gallery
    assert [one.last_s for one in gallery.exemplars(recent)] == [50.0]
    assert gallery.prune(10.0) == 0
