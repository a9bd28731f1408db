"""A gallery's operations, replayed on an empty gallery, give the same state, byte for byte."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keyreid_stream.association import AssociationConfig, OnlineAssociator
from keyreid_stream.association.gallery import Exemplar, Gallery, Operation
from keyreid_stream.association.journal import decoded, encoded, state
from keyreid_stream.association.similarity import Signatures
from keyreid_stream.errors import InputError
from keyreid_stream.structures import ClipEmbedding, EmbeddingLayout, TrackEvidence, TrackKey

CONFIG = AssociationConfig(
    threshold=0.9, min_observations=1, exemplars=2, retention_s=30, window_s=2, max_identities=6, max_tracklets=16
)


class Log:
    """Keeps operations as they would be stored."""

    def __init__(self) -> None:
        self.entries: list[tuple[str, bytes]] = []

    def note(self, operation: Operation) -> None:
        self.entries.append(encoded(operation))

    def replayed(self) -> Gallery:
        gallery = Gallery(CONFIG)
        for entry in self.entries:
            gallery.apply(decoded(*entry))
        return gallery


def exemplar(seed: int) -> Exemplar:
    rng = np.random.default_rng(seed)
    rows = Signatures(rng.standard_normal((1, 4), np.float32), rng.random((1, 2), np.float32))
    return Exemplar(rows, seed % 3, seed % 5 + 1, seed / 7, seed / 7 + 1)


STEPS = st.tuples(
    st.sampled_from(["found", "touch", "track", "untrack", "exemplar", "apart", "merge", "expire"]),
    st.integers(0, 9),
    st.integers(0, 9),
)


def step(gallery: Gallery, name: str, first: int, second: int, time_s: float) -> None:
    ids = [one.identity_id for one in gallery.identities()]
    if name == "found" or not ids:
        gallery.found(time_s)
        return
    one, other = ids[first % len(ids)], ids[second % len(ids)]
    key = TrackKey("ab"[first % 2], second)
    if name == "touch":
        gallery.touch(one, time_s)
    elif name == "track":
        gallery.add_track(one, key)
    elif name == "untrack":
        gallery.remove_track(one, key)
    elif name == "exemplar":
        gallery.add_exemplar(one, exemplar(second))
    elif name == "expire":
        gallery.expire(time_s, {one})
    elif one != other and name == "apart":
        gallery.set_apart(one, other)
    elif one != other:
        gallery.merge(one, other)


@settings(max_examples=100, deadline=None)
@given(st.lists(STEPS, max_size=60))
def test_replaying_any_operations_gives_the_same_state(steps: list[tuple[str, int, int]]) -> None:
    log = Log()
    gallery = Gallery(CONFIG, log)
    for tick, (name, first, second) in enumerate(steps):
        step(gallery, name, first, second, tick * 1.7)
        assert state(log.replayed()) == state(gallery) or tick % 10  # at any point, looked at now and then
    again = log.replayed()
    assert state(again) == state(gallery)
    assert again.found(0.0) == gallery.found(0.0)  # ids go on


LAYOUT = EmbeddingLayout(global_dim=2, parts=1, part_dim=1)


def seen(camera: int, track: int, degrees: float, time_s: float) -> TrackEvidence:
    angle = np.deg2rad(degrees)
    vector = np.array([np.cos(angle), np.sin(angle), 1], np.float32)
    box = np.array([20 * track, 0, 20 * track + 10, 20], np.float32)
    clip = ClipEmbedding(vector, np.zeros(1, np.float32), LAYOUT)
    return TrackEvidence(TrackKey("abc"[camera], track), time_s, int(time_s * 10), box, 4, clip)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000))
def test_replaying_what_the_engine_did_on_random_evidence_gives_the_same_state(seed: int) -> None:
    rng = np.random.default_rng(seed)
    log = Log()
    associator = OnlineAssociator(CONFIG)
    associator._gallery = gallery = Gallery(CONFIG, log)
    open_tracks: set[tuple[int, int]] = set()
    for tick in range(40):
        ended = {one for one in open_tracks if rng.random() < 0.2}
        fresh = {(int(rng.integers(3)), 10 * tick + int(rng.integers(3))) for _ in range(2)}
        open_tracks = (open_tracks - ended) | fresh
        evidence = [seen(camera, track, float(rng.integers(0, 6) * 30), tick * 0.7) for camera, track in open_tracks]
        associator.update(tick * 0.7, evidence, [TrackKey("abc"[camera], track) for camera, track in ended])
    assert {"found", "add_exemplar"} <= {decoded(*entry).name for entry in log.entries}
    assert state(log.replayed()) == state(gallery)


def test_states_of_different_galleries_differ() -> None:
    first, second = Gallery(CONFIG), Gallery(CONFIG)
    for gallery, seed in ((first, 1), (second, 2)):
        gallery.add_exemplar(gallery.found(0.0), exemplar(seed))
    assert state(first) != state(second)
    assert exemplar(1).signature.vectors.astype("<f2").tobytes() in state(first)


def test_a_touch_within_a_second_is_not_a_change() -> None:
    log = Log()
    gallery = Gallery(CONFIG, log)
    identity = gallery.found(0.0)
    for frame in range(100):
        gallery.touch(identity, frame / 30)
    assert [decoded(*entry).name for entry in log.entries] == ["found", "touch", "touch", "touch"]


@pytest.mark.parametrize(
    "operation",
    [
        Operation("explode", ()),
        Operation("touch", (7, 1.0)),
        Operation("touch", (1,)),
        Operation("add_exemplar", (1,)),
        Operation("remove_track", (1, "a", 3)),
    ],
)
def test_operations_that_do_not_fit_are_named(operation: Operation) -> None:
    gallery = Gallery(CONFIG)
    gallery.found(0.0)
    with pytest.raises(InputError, match=operation.name):
        gallery.apply(operation)


@pytest.mark.parametrize(("text", "numbers"), [("[", b""), ("[]", b""), ('["add_exemplar",[1],[0,1,0,0,4]]', b"ab")])
def test_damaged_entries_are_refused(text: str, numbers: bytes) -> None:
    with pytest.raises(InputError, match="damaged"):
        decoded(text, numbers)


def test_nobody_is_merged_into_themselves() -> None:
    gallery = Gallery(CONFIG)
    identity = gallery.found(0.0)
    with pytest.raises(InputError, match="itself"):
        gallery.merge(identity, identity)
    assert identity in gallery
