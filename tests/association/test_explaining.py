"""Records of decisions: every term, veto and view of cases made by hand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from keyreid_stream.association.decisions import Candidate, Veto
from keyreid_stream.association.explaining import Comparison, Explainer
from keyreid_stream.association.links import IMPOSSIBLE
from keyreid_stream.association.nodes import Groups, Nodes
from keyreid_stream.association.similarity import part_similarities, signatures, similarity
from keyreid_stream.association.tracklets import rows_of
from keyreid_stream.association.travel import TravelTime
from keyreid_stream.structures import ClipEmbedding, EmbeddingLayout, TrackKey
from tests.association.seen_by_hand import CONFIG, Site

GLOBAL_WEIGHT = CONFIG.global_weight
WAY = TravelTime(from_camera="a", to_camera="b", min_s=5, max_s=20)


def compared(site: Site, key: tuple[str, int], known: Mapping[tuple[str, int], int]) -> Comparison:
    """A track's tracklet beside everyone who is known; `known` says who."""
    for one in site.book:
        site.book.assign(one, known.get((one.key.camera_id, one.key.track_id), 0))
    mine = [one for one in site.book if one.key == TrackKey(*key)]
    nodes = Nodes.of(site.book, rows_of(mine))
    others = Nodes.of(site.book, site.book.decided())
    left = Groups.singles(nodes, site.book.layout, GLOBAL_WEIGHT)
    identity_ids, columns = np.unique(others.identities, return_inverse=True)
    right = Groups(others, columns, site.book.layout, GLOBAL_WEIGHT)
    pairs = site.links.pairs(nodes, others)
    return Comparison(left, right, pairs, site.links.terms(left, right, pairs, 7), identity_ids, 7)


def candidates(
    site: Site, key: tuple[str, int], known: Mapping[tuple[str, int], int], **reasons: Any
) -> tuple[Candidate, ...]:
    explainer = Explainer(CONFIG, site.book, site.thresholds)
    return explainer.candidates(compared(site, key, known), 0, **reasons)


def busy_site() -> Site:
    """Everything that can speak for or against someone, at once."""
    site = Site(CONFIG.model_copy(update={"travel": (WAY,)}))
    for tick in range(40):
        site.see(
            tick / 10,
            ("a", 1, 0, 0.0, (0.0, 0.0)),
            ("b", 1, 0, 10.0, (0.5, 0.0)),
            ("b", 2, 50, 60.0, (1.5, 0.0)),
        )
    site.see(9.0, ("b", 3, 0, 20.0, (3.0, 0.0)), ("b", 1, 50, None, None))
    return site


def test_terms_add_up_to_the_weight_that_is_decided_by() -> None:
    site = busy_site()
    known = {("b", 1): 1, ("b", 2): 2, ("b", 3): 3}
    comparison = compared(site, ("a", 1), known)
    weights = site.links.weights(comparison.left, comparison.right, comparison.pairs, comparison.people)[0]
    found = {one.identity_id: one for one in candidates(site, ("a", 1), known)}
    assert set(found) == {1, 2, 3}
    spoken = np.zeros(4, np.bool_)
    for column, identity_id in enumerate(comparison.identity_ids.tolist()):
        one = found[identity_id]
        assert one.log_odds is not None
        assert bool(one.vetoes) == (weights[column] <= IMPOSSIBLE)
        if not one.vetoes:
            assert one.log_odds.total == pytest.approx(weights[column], abs=3e-4)
        spoken |= np.array([one.log_odds.appearance, one.log_odds.places, one.log_odds.travel, 1]) != 0
    assert spoken[:2].all()
    assert not all(one.vetoes for one in found.values())


def test_a_tracks_continuity_is_a_term_of_its_own() -> None:
    site = Site(CONFIG)
    site.see(0.0, ("a", 1, 0, 0.0, None))
    first = next(iter(site.book))
    site.see(5.0, ("a", 1, 0, 0.0, None))
    site.book.assign(first, 4)
    nodes = Nodes.of(site.book, rows_of(one for one in site.book if one is not first))
    others = Nodes.of(site.book, rows_of([first]))
    left, right = (Groups.singles(one, site.book.layout, GLOBAL_WEIGHT) for one in (nodes, others))
    pairs = site.links.pairs(nodes, others)
    comparison = Comparison(left, right, pairs, site.links.terms(left, right, pairs, 1), np.array([4]), 1)
    (one,) = Explainer(CONFIG, site.book, site.thresholds).candidates(comparison, 0)
    assert one.log_odds is not None
    assert one.log_odds.continuity == pytest.approx(np.log(0.9 / 0.1), abs=1e-4)
    assert one.views[0].first_frame == 0


def test_the_best_candidate_comes_first_and_impossible_ones_last() -> None:
    site = Site(CONFIG)
    for tick in range(20):
        site.see(
            tick / 10, ("a", 1, 0, 0.0, None), ("a", 2, 50, 0.0, None), ("b", 1, 0, 30.0, None), ("b", 2, 50, 5.0, None)
        )
    found = candidates(site, ("a", 1), {("a", 2): 1, ("b", 1): 2, ("b", 2): 3})
    assert [one.identity_id for one in found] == [3, 2, 1]
    assert [one.vetoes for one in found] == [(), (), ("in view",)]
    totals = [one.log_odds.total for one in found if one.log_odds]
    assert totals[0] > totals[1]


def veto_in_view() -> tuple[Site, tuple[str, int], dict[tuple[str, int], int], dict[str, Any]]:
    site = Site(CONFIG)
    site.see(0.0, ("a", 1, 0, 0.0, None), ("a", 2, 50, 0.0, None))
    return site, ("a", 1), {("a", 2): 1}, {}


def veto_seen_at_once() -> tuple[Site, tuple[str, int], dict[tuple[str, int], int], dict[str, Any]]:
    site = Site(CONFIG)
    site.see(0.0, ("a", 1, 0, 0.0, None), ("a", 2, 50, 0.0, None))
    site.see(0.5, ("a", 1, 0, 0.0, None))
    return site, ("a", 1), {("a", 2): 1}, {}


def veto_known_apart() -> tuple[Site, tuple[str, int], dict[tuple[str, int], int], dict[str, Any]]:
    site = Site(CONFIG)
    site.see(0.0, ("a", 1, 0, 0.0, None), ("b", 2, 0, 0.0, None))
    return site, ("a", 1), {("b", 2): 1}, {"apart": {1}}


def veto_taken() -> tuple[Site, tuple[str, int], dict[tuple[str, int], int], dict[str, Any]]:
    site, key, known, _ = veto_known_apart()
    return site, key, known, {"taken": {1}}


def veto_travel_time() -> tuple[Site, tuple[str, int], dict[tuple[str, int], int], dict[str, Any]]:
    site = Site(CONFIG.model_copy(update={"travel": (WAY,)}))
    site.see(0.0, ("a", 1, 0, 0.0, None))
    site.see(2.0, ("b", 2, 0, 0.0, None))
    return site, ("b", 2), {("a", 1): 1}, {}


def veto_walking_speed() -> tuple[Site, tuple[str, int], dict[tuple[str, int], int], dict[str, Any]]:
    site = Site(CONFIG)
    site.see(0.0, ("a", 1, 0, 0.0, (0.0, 0.0)))
    site.see(2.0, ("b", 2, 0, 0.0, (30.0, 0.0)))
    return site, ("b", 2), {("a", 1): 1}, {}


def veto_places_apart() -> tuple[Site, tuple[str, int], dict[tuple[str, int], int], dict[str, Any]]:
    site = Site(CONFIG)
    for tick in range(6):
        site.see(tick / 10, ("a", 1, 0, 0.0, (0.0, 0.0)), ("b", 2, 0, 0.0, (9.0, 0.0)))
    return site, ("a", 1), {("b", 2): 1}, {}


@pytest.mark.parametrize(
    ("case", "veto"),
    [
        (veto_in_view, "in view"),
        (veto_seen_at_once, "seen at once"),
        (veto_known_apart, "known apart"),
        (veto_taken, "taken"),
        (veto_travel_time, "travel time"),
        (veto_walking_speed, "walking speed"),
        (veto_places_apart, "places apart"),
    ],
)
def test_every_veto_is_named(case: Any, veto: Veto) -> None:
    site, key, known, reasons = case()
    (one,) = candidates(site, key, known, **reasons)
    assert one.vetoes == (veto,)


def test_places_are_told_in_metres_and_over_how_many_sightings() -> None:
    site, key, known, _ = veto_places_apart()
    (one,) = candidates(site, key, known)
    assert (one.metres_apart, one.common_sightings) == (9.0, 6)
    site, key, known, _ = veto_seen_at_once()
    (one,) = candidates(site, key, known)
    assert (one.metres_apart, one.common_sightings) == (None, 0)


def test_the_threshold_tells_how_many_different_people_it_was_learned_from() -> None:
    site = Site(CONFIG)
    site.see(0.0, ("a", 1, 0, 0.0, None), ("b", 2, 0, 10.0, None))
    a, b = np.array([0]), np.array([1])
    for first, second, times in ((a, a, 5), (a, b, 3), (b, a, 4), (b, b, 11)):
        site.thresholds.different(np.repeat(first, times), np.repeat(second, times), np.full(times, 0.3, np.float32))
    (one,) = candidates(site, ("a", 1), {("b", 2): 1})
    assert one.threshold is not None
    assert (one.threshold.negatives, one.threshold.site_negatives, one.threshold.people) == (7, 23, 7)
    by_camera, spreads = site.thresholds.matrices(7)
    assert one.threshold.similarity == pytest.approx(by_camera[0, 1], abs=1e-4)
    assert one.threshold.spread == pytest.approx(spreads[0, 1], abs=1e-4)


def test_views_are_what_was_compared_the_most_similar_first_and_few() -> None:
    site = Site(CONFIG)
    for track_id in range(2, 9):
        site.see(float(track_id), ("b", track_id, 0, 10.0 * track_id, None))
    site.see(20.0, ("a", 1, 0, 0.0, None))
    (one,) = candidates(site, ("a", 1), {("b", track_id): 1 for track_id in range(2, 9)})
    assert one.views_compared == 7
    assert [view.track_id for view in one.views] == [2, 3, 4, 5]
    assert [(view.camera_id, view.first_frame, view.first_s) for view in one.views][:2] == [
        ("b", 20, 2.0),
        ("b", 30, 3.0),
    ]
    assert one.views[0].similarity == pytest.approx(np.cos(np.deg2rad(20)), abs=1e-4)


def test_whom_the_decision_fell_on_is_listed_even_behind_ten_others() -> None:
    site = Site(CONFIG)
    sights = [("b", number, 50.0 * number, 2.0 * number, None) for number in range(1, 15)]
    site.see(0.0, ("a", 1, 0, 0.0, None), *sights)
    known = {("b", number): number for number in range(1, 15)}
    assert [one.identity_id for one in candidates(site, ("a", 1), known)] == list(range(1, 11))
    found = candidates(site, ("a", 1), known, decided={13})
    assert [one.identity_id for one in found] == [*range(1, 10), 13]
    assert 5 not in [one.identity_id for one in candidates(site, ("a", 1), known, without={5})]


LAYOUT = EmbeddingLayout(global_dim=3, parts=2, part_dim=2)


def clip(vector: list[float], visibility: list[float]) -> ClipEmbedding:
    return ClipEmbedding(np.array(vector, np.float32), np.array(visibility, np.float32), LAYOUT)


def test_parts_are_compared_by_their_own_cosine_and_hidden_ones_are_left_out() -> None:
    left = signatures([clip([1, 0, 0, 2, 0, 0, 3], [1, 0.5])], GLOBAL_WEIGHT)
    right = signatures(
        [clip([1, 1, 0, 1, 1, 0, 7], [0.4, 0.5]), clip([0, 5, 0, 0, 1, 9, 9], [1, 0])],
        GLOBAL_WEIGHT,
    )
    whole, parts = part_similarities(left, right, LAYOUT, GLOBAL_WEIGHT)
    np.testing.assert_allclose(whole, [np.sqrt(0.5), 0], atol=1e-6)
    np.testing.assert_allclose(parts, [[np.sqrt(0.5), 1], [0, 0]], atol=1e-6)
    # By hand: shares 0.5 for the whole, 0.25 a part times what both show of it.
    shares = np.array([[0.5, 0.25 * 0.4, 0.25 * 0.25], [0.5, 0.25, 0]])
    mean = (shares * np.column_stack([whole, parts])).sum(axis=1) / shares.sum(axis=1)
    np.testing.assert_allclose(similarity(left, right, GLOBAL_WEIGHT)[0], mean, atol=1e-6)


def test_a_candidates_parts_tell_which_both_sides_show() -> None:
    site = Site(CONFIG, {"a": clip([1, 0, 0, 2, 0, 0, 3], [1, 0.5]), "b": clip([1, 1, 0, 1, 1, 0, 7], [0.4, 0])})
    site.see(0.0, ("a", 1, 0, 0.0, None), ("b", 2, 0, 0.0, None))
    (one,) = candidates(site, ("a", 1), {("b", 2): 1})
    told = [(part.name, part.similarity, part.visibility, part.candidate_visibility) for part in one.parts]
    assert told == [
        ("whole body", pytest.approx(np.sqrt(0.5), abs=1e-4), 1, 1),
        ("head", pytest.approx(np.sqrt(0.5), abs=1e-4), 1, 0.4),
        ("torso", None, 0.5, 0),
    ]
