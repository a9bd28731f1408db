"""Weights of pairs, one kind of evidence at a time."""

import numpy as np
import pytest

from keyreid_stream.association.config import AssociationConfig
from keyreid_stream.association.links import FORBIDDEN, Links
from keyreid_stream.association.nodes import Groups, Nodes
from keyreid_stream.association.thresholds import Thresholds
from keyreid_stream.association.tracklets import TrackletBook
from keyreid_stream.association.travel import TravelTime, TravelTimes
from keyreid_stream.structures import ClipEmbedding, EmbeddingLayout, TrackEvidence, TrackKey

LAYOUT = EmbeddingLayout(global_dim=2, parts=0, part_dim=0)
CAMERAS = ("a", "b")
Sight = tuple[str, int, float, float | None, tuple[float, float] | None]


class Site:
    """A book to see people with, and what links them."""

    def __init__(self, config: AssociationConfig) -> None:
        self.book = TrackletBook(config)
        thresholds, travel = Thresholds(config), TravelTimes(config.travel)
        for camera_id in CAMERAS:
            thresholds.camera(camera_id)
            travel.camera(camera_id)
        self.links = Links(config, self.book, thresholds, travel)

    def see(self, time_s: float, *sights: Sight) -> None:
        """Camera, track, left edge in pixels, direction of the embedding in degrees, place on the floor."""
        evidence = []
        for camera_id, track_id, left, degrees, place in sorted(sights):
            embedding = None
            if degrees is not None:
                angle = np.deg2rad(degrees)
                vector = np.array([np.cos(angle), np.sin(angle)], np.float32)
                embedding = ClipEmbedding(vector, np.zeros(0, np.float32), LAYOUT)
            box = np.array([left, 0, left + 10, 20], np.float32)
            key = TrackKey(camera_id, track_id)
            evidence.append(TrackEvidence(key, time_s, round(10 * time_s), box, 1, embedding, floor_xy=place))
        sightings = self.book.see(evidence, [CAMERAS.index(one.key.camera_id) for one in evidence])
        self.book.note(sightings)
        self.book.add_clips([one for one in sightings if one.evidence.embedding is not None])

    def weights(self) -> np.ndarray:
        nodes = Nodes.of(self.book, list(self.book))
        singles = Groups.singles(nodes, self.book.layout, 0.5)
        return self.links.weights(singles, singles, self.links.pairs(nodes, nodes), 1)


CONFIG = AssociationConfig(threshold=0.8, swap_rate=0.1, floor_tolerance_m=1.0, max_speed_m_s=5.0, max_gap_s=1.0)


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
