"""What the engine takes back: swaps, early mistakes, look-alikes; on embeddings with noise, tick by tick."""

from collections.abc import Sequence
from random import Random

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from keyreid_stream.association import AssociationConfig, OnlineAssociator
from keyreid_stream.sinks.identity_replay import IdentityReplay
from keyreid_stream.structures import ClipEmbedding, EmbeddingLayout, Event, TrackEvidence, TrackKey

LAYOUT = EmbeddingLayout(global_dim=32, parts=2, part_dim=8)
CONFIG = AssociationConfig(threshold=0.6, min_observations=4)


class Scene:
    """People with looks of their own, and an engine that sees them ten times a second."""

    def __init__(self, people: int, *, noise: float = 0.3, seed: int = 0) -> None:
        self.rng = np.random.default_rng(seed)
        self.looks = self.rng.normal(size=(people, LAYOUT.size)).astype(np.float32)
        self.noise = noise
        self.engine = OnlineAssociator(CONFIG)
        self.replay = IdentityReplay()
        self.frame = 0
        self.shuffler: Random | None = None
        self._seen: dict[TrackKey, int] = {}

    def see(self, shown: dict[tuple[str, int], tuple[int, float]], ended: Sequence[TrackKey] = ()) -> list[Event]:
        """One tick: by camera and track, which person, and how many pixels from the left."""
        evidence = []
        for (camera_id, track_id), (person, left) in shown.items():
            key = TrackKey(camera_id, track_id)
            self._seen[key] = self._seen.get(key, 0) + 1
            embedding = None
            if self._seen[key] % 4 == 0:
                noise = self.rng.normal(size=LAYOUT.size).astype(np.float32)
                embedding = ClipEmbedding(self.looks[person] + self.noise * noise, np.ones(2, np.float32), LAYOUT)
            box = np.array([left, 0, left + 40, 100], np.float32)
            evidence.append(TrackEvidence(key, self.frame / 10, self.frame, box, self._seen[key], embedding))
        if self.shuffler is not None:
            self.shuffler.shuffle(evidence)
        events = self.engine.update(self.frame / 10, evidence, ended)
        for event in events:
            self.replay.apply(event)
        self.frame += 1
        return events

    def identity(self, camera_id: str, track_id: int, frame: int) -> int | None:
        return self.replay.identity_at(TrackKey(camera_id, track_id), frame)


def cross(scene: Scene, *, swap: bool) -> None:
    """Two people of one camera walk through each other; their tracker may take one for the other."""
    for frame in range(80):
        first, second = (0, 4.0 * frame), (1, 316 - 4.0 * frame)
        if swap and frame >= 40:
            first, second = second, first
        scene.see({("a", 1): first, ("a", 2): second})


def test_people_whom_the_tracker_swapped_get_their_identities_back() -> None:
    scene = Scene(2)
    cross(scene, swap=True)
    before = scene.identity("a", 1, 10), scene.identity("a", 2, 10)
    after = scene.identity("a", 1, 75), scene.identity("a", 2, 75)
    assert None not in before
    assert before[0] != before[1]
    assert after == before[::-1]
    assert len(scene.engine.identities()) == 2


def test_people_who_cross_and_are_not_swapped_stay_who_they_are() -> None:
    scene = Scene(2)
    cross(scene, swap=False)
    assert scene.identity("a", 1, 10) == scene.identity("a", 1, 75)
    assert scene.identity("a", 2, 10) == scene.identity("a", 2, 75)
    assert len(scene.engine.identities()) == 2


def test_a_first_impression_that_was_wrong_is_mended_by_a_merge() -> None:
    scene = Scene(6)
    stranger = scene.looks[0].copy()
    for frame in range(60):
        if frame == 8:  # at first, camera b saw somebody through a dirty pane
            scene.looks[5] = scene.looks[0]
        shown = {("a", 1): (0, 0.0), ("b", 1): (5, 0.0)}
        shown |= {("a", 10 + person): (person, 100.0 * person) for person in range(1, 5)}
        scene.see(shown)
    assert (scene.looks[5] == stranger).all()
    assert scene.identity("a", 1, 55) == scene.identity("b", 1, 55)
    assert len(scene.engine.identities()) == 5


def test_a_crowd_seen_by_three_cameras_ends_up_as_the_people_it_is() -> None:
    scene = Scene(12, noise=1.0)
    for _ in range(100):
        scene.see(
            {(camera, person + 1): (person, 60.0 * person) for camera in "abc" for person in range(12)},
        )
    assert len(scene.engine.identities()) == 12
    for person in range(12):
        assert len({scene.identity(camera, person + 1, 99) for camera in "abc"}) == 1


def test_look_alikes_raise_the_threshold_until_they_are_told_apart() -> None:
    scene = Scene(8, noise=0.2)
    uniform = scene.rng.normal(size=LAYOUT.size).astype(np.float32)
    scene.looks = 0.5 * scene.looks + uniform  # cosines of 0.8 between different people
    for _ in range(100):
        shown = {("a", person + 1): (person, 60.0 * person) for person in range(8)}
        shown |= {("b", person + 1): (person, 60.0 * person) for person in range(4)}
        scene.see(shown)
    assert len(scene.engine.identities()) == 8
    for person in range(4):
        assert scene.identity("a", person + 1, 99) == scene.identity("b", person + 1, 99)


@settings(deadline=None, max_examples=15)
@given(st.randoms(use_true_random=False), st.integers(0, 1000))
def test_the_order_of_cameras_and_tracks_within_a_tick_does_not_matter(shuffler: Random, seed: int) -> None:
    def events(*, shuffled: bool) -> list[Event]:
        scene = Scene(5, noise=0.8, seed=seed)
        if shuffled:
            scene.shuffler = shuffler
        said = []
        for frame in range(40):
            shown = {
                (c, p + 1): (p, 50.0 * p + frame * (p - 2)) for c in "ab" for p in range(5) if (p + frame // 9) % 4
            }
            said += scene.see(shown)
        return said

    assert events(shuffled=True) == events(shuffled=False)
