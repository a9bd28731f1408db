"""Weights of pairs, one kind of evidence at a time."""

import numpy as np
import pytest

from keyreid_stream.association.links import FORBIDDEN
from keyreid_stream.association.nodes import Groups, Nodes
from keyreid_stream.association.travel import TravelTime
from keyreid_stream.structures import TrackKey
from tests.association.seen_by_hand import CONFIG, Site


def test_appearance_speaks_by_how_far_it_lies_above_the_threshold() -> None:
    site = Site(CONFIG)
    for tick in range(40):
        site.see(tick / 10, ("a", 1, 0, 0.0, None), ("b", 1, 0, 10.0, None), ("b", 2, 50, 36.87, None))
    weights = site.weights()
    assert weights[0, 1] > 4
    assert abs(weights[0, 2]) < 0.01  # cos 36.87° = 0.8, the threshold itself
    assert weights[0, 1] == pytest.approx(weights[1, 0], abs=1e-5)


def test_one_clip_says_less_than_many() -> None:
    few, many = Site(CONFIG), Site(CONFIG)
    few.see(0.0, ("a", 1, 0, 0.0, None), ("b", 1, 0, 10.0, None))
    for tick in range(20):
        many.see(tick / 10, ("a", 1, 0, 0.0, None), ("b", 1, 0, 10.0, None))
    assert 0 < few.weights()[0, 1] < 0.6 * many.weights()[0, 1]


def test_who_one_camera_sees_at_once_is_never_one_person() -> None:
    site = Site(CONFIG)
    site.see(0.0, ("a", 1, 0, 0.0, None), ("a", 2, 50, 0.0, None), ("b", 1, 0, 0.0, None))
    weights = site.weights()
    assert weights[0, 1] <= FORBIDDEN / 2
    assert weights[0, 2] > 0  # two cameras may


def test_a_track_goes_on_as_the_same_person_less_surely_with_every_cut() -> None:
    site = Site(CONFIG)
    for time_s in (0.0, 2.0, 4.0):
        site.see(time_s, ("a", 1, 0, None, None))
    weights = site.weights()
    np.testing.assert_allclose(weights[0, 1], np.log(0.9 / 0.1), atol=1e-5)
    np.testing.assert_allclose(weights[0, 2], np.log(0.81 / 0.19), atol=1e-5)


def test_calibrated_cameras_speak_by_places() -> None:
    site = Site(CONFIG)
    for tick in range(6):
        site.see(
            tick / 10,
            ("a", 1, 0, None, (0.0, 0.0)),
            ("b", 1, 0, None, (0.3, 0.0)),
            ("b", 2, 50, None, (2.0, 0.0)),
            ("b", 3, 99, None, (9.0, 0.0)),
        )
    weights = site.weights()
    np.testing.assert_allclose(weights[0, 1], 5 * (1 - 0.09), atol=1e-4)
    assert weights[0, 2] == -10
    assert weights[0, 3] <= FORBIDDEN / 2


def test_a_glimpse_of_a_place_says_nothing() -> None:
    site = Site(CONFIG)
    site.see(0.0, ("a", 1, 0, None, (0.0, 0.0)), ("b", 1, 0, None, (0.1, 0.0)))
    assert site.weights()[0, 1] == 0


def test_nobody_walks_faster_than_people_can() -> None:
    site = Site(CONFIG)
    site.see(0.0, ("a", 1, 0, None, (0.0, 0.0)), ("b", 9, 0, None, (0.0, 0.0)))
    site.see(2.0, ("a", 2, 0, None, (30.0, 0.0)), ("b", 3, 0, None, (8.0, 0.0)))
    weights = site.weights()
    keys = [one.key for one in site.book]
    start, far, near = (keys.index(TrackKey(*key)) for key in (("a", 1), ("a", 2), ("b", 3)))
    assert weights[start, far] <= FORBIDDEN / 2
    assert weights[far, start] <= FORBIDDEN / 2
    assert weights[start, near] > FORBIDDEN / 2


def test_a_pinned_way_rules_out_other_times() -> None:
    way = TravelTime(from_camera="a", to_camera="b", min_s=5, max_s=20)
    site = Site(CONFIG.model_copy(update={"travel": (way,)}))
    site.see(0.0, ("a", 1, 0, None, None))
    site.see(2.0, ("b", 1, 0, None, None))
    site.see(9.0, ("b", 2, 0, None, None))
    weights = site.weights()
    assert weights[0, 1] <= FORBIDDEN / 2
    assert weights[1, 0] <= FORBIDDEN / 2
    assert weights[0, 2] == weights[2, 0] == 0


def test_pairs_that_are_known_to_be_apart_are_forbidden_besides_the_others() -> None:
    site = Site(CONFIG)
    site.see(0.0, ("a", 1, 0, 0.0, None), ("a", 2, 50, 0.0, None), ("b", 1, 0, 0.0, None))
    nodes = Nodes.of(site.book, site.book.rows())
    before = site.links.pairs(nodes, nodes)
    apart = np.zeros((3, 3), np.bool_)
    apart[0, 2] = True
    after = before.with_apart(apart)
    np.testing.assert_array_equal(np.argwhere(before.forbidden), [[0, 1], [1, 0]])
    np.testing.assert_array_equal(np.argwhere(after.forbidden), [[0, 1], [0, 2], [1, 0]])
    assert set(after.vetoes) - set(before.vetoes) == {"known apart"}


def test_terms_say_what_speaks_also_for_what_is_forbidden() -> None:
    site = Site(CONFIG)
    site.see(0.0, ("a", 1, 0, 0.0, None), ("a", 2, 50, 0.0, None), ("b", 1, 0, 0.0, None))
    nodes = Nodes.of(site.book, site.book.rows())
    singles = Groups.singles(nodes, site.book.layout, 0.5)
    terms = site.links.terms(singles, singles, site.links.pairs(nodes, nodes), 1)
    assert terms.log_odds()[0, 1] > 0
    assert terms.weights()[0, 1] <= FORBIDDEN / 2
    assert terms.weights()[0, 2] == terms.log_odds()[0, 2] == terms.appearance[0, 2]
