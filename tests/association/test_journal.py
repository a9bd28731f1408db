"""A gallery's operations, replayed on an empty gallery, give the same state, byte for byte."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from keyreid_stream.association import AssociationConfig, OnlineAssociator
from keyreid_stream.association.entries import SEPARABLE
from keyreid_stream.association.exemplars import Exemplar
from keyreid_stream.association.gallery import Gallery, TrackSpan
from keyreid_stream.association.journal import (
    decode_head,
    decoded,
    decoded_member,
    encoded,
    encoded_head,
    encoded_member,
    state,
)
from keyreid_stream.association.operations import GalleryState, Operation
from keyreid_stream.association.similarity import Signatures, signatures
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
    return Exemplar(rows, "abc"[seed % 3], seed % 5 + 1, seed / 7, seed / 7 + 1)


KINDS = (
    *("found", "touch", "track", "untrack", "exemplar", "apart", "merge", "expire", "unmerge", "detach", "name"),
    *("forget", "prune", "sketch", "drop", "run", "settle", "part", "back"),
)
STEPS = st.tuples(st.sampled_from(KINDS), st.integers(0, 9), st.integers(0, 9))


def step(gallery: Gallery, name: str, first: int, second: int, time_s: float) -> None:
    ids = [one.identity_id for one in gallery.identities()]
    if name == "found" or not ids:
        gallery.found(time_s)
        return
    one, other = ids[first % len(ids)], ids[second % len(ids)]
    key = TrackKey("ab"[first % 2], second)
    entry = dict(gallery.entries())[one]
    simple = {
        "touch": lambda: gallery.touch(one, time_s),
        "track": lambda: gallery.add_track(one, key),
        "untrack": lambda: gallery.remove_track(one, key),
        "exemplar": lambda: gallery.add_exemplar(one, exemplar(second)),
        "expire": lambda: gallery.expire(time_s, {one}),
        "name": lambda: gallery.name(one, "xyz"[: second % 3]),
        "forget": lambda: gallery.forget(one),
        "prune": lambda: gallery.prune(time_s - 60, ("", "a")[second % 2] or None),
        "sketch": lambda: gallery.sketch(one, key, 0, exemplar(first)),
        "drop": lambda: gallery.drop_sketch(key, 0),
        "run": lambda: gallery.begin_run(time_s, float(second)),
        "settle": lambda: gallery.settle(),
        "back": lambda: gallery.put_back([one], [entry.member.copied()]),
    }
    if name in simple:
        simple[name]()
    elif name == "unmerge" and entry.member.merged:
        gallery.unmerge(one)
    elif name == "detach" and len(entry.exemplars) > 1:
        gallery.detach(one, [second % len(entry.exemplars)])
    elif name == "part" and len(entry.tracks) > 1 and entry.tracks[0].run == gallery.state.run:
        gallery.part(one, [TrackSpan(entry.tracks[0].key, time_s - 5, time_s)])
    elif one != other and name == "apart":
        gallery.set_apart(one, other)
    elif one != other and name == "merge":
        gallery.merge(one, other)


def through_bytes(gallery: Gallery) -> Gallery:
    """The gallery, from a snapshot of it."""
    held = GalleryState(CONFIG.exemplars, CONFIG.global_weight)
    decode_head(held, *encoded_head(gallery.state))
    for _, entry in gallery.entries():
        held.add(decoded_member(*encoded_member(entry.member)))
    return Gallery(CONFIG, state=held)


@settings(max_examples=100, deadline=None)
@given(st.lists(STEPS, max_size=60))
def test_replaying_any_operations_gives_the_same_state(steps: list[tuple[str, int, int]]) -> None:
    log = Log()
    gallery = Gallery(CONFIG, log)
    for tick, (name, first, second) in enumerate(steps):
        step(gallery, name, first, second, tick * 1.7)
        assert state(log.replayed()) == state(gallery) or tick % 10  # at any point, looked at now and then
    again = log.replayed()
    assert state(again) == state(gallery) == state(through_bytes(gallery))
    assert again.found(0.0) == gallery.found(0.0)  # ids go on


@settings(max_examples=100, deadline=None)
@given(st.lists(STEPS, max_size=60), st.integers(0, 9), st.integers(0, 9))
def test_undoing_a_merge_gives_the_state_from_before(
    steps: list[tuple[str, int, int]], first: int, second: int
) -> None:
    gallery = Gallery(CONFIG)
    for tick, (name, *who) in enumerate([("found", 0, 0), ("found", 0, 0), *steps, ("found", 0, 0), ("found", 0, 0)]):
        step(gallery, name, *who, tick * 1.7)
    ids = [one.identity_id for one in gallery.identities()]
    one, other = ids[first % len(ids)], ids[second % len(ids)]
    members = sum(len(list(dict(gallery.entries())[i].member.family())) for i in {one, other})
    assume(one != other and members - 1 <= SEPARABLE)  # beyond, the oldest merges become final
    before = state(gallery)
    gallery.merge(one, other)
    assert state(gallery) != before
    assert gallery.unmerge(one) == other
    assert state(gallery) == before


LAYOUT = EmbeddingLayout(global_dim=2, parts=1, part_dim=1)


def seen(camera: int, track: int, degrees: float, time_s: float) -> TrackEvidence:
    angle = np.deg2rad(degrees)
    vector = np.array([np.cos(angle), np.sin(angle), 1], np.float32)
    box = np.array([20 * track, 0, 20 * track + 10, 20], np.float32)
    clip = ClipEmbedding(vector, np.zeros(1, np.float32), LAYOUT)
    return TrackEvidence(TrackKey("abc"[camera], track), time_s, int(time_s * 10), box, 4, clip)


def earlier(degrees: float, camera_id: str) -> Exemplar:
    embedding = seen(0, 1, degrees, 0.0).embedding
    assert embedding is not None
    return Exemplar(signatures([embedding], CONFIG.global_weight), camera_id, 3, 0.0, 1.0)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000))
def test_replaying_what_the_engine_did_on_random_evidence_gives_the_same_state(seed: int) -> None:
    rng = np.random.default_rng(seed)
    log = Log()
    gallery = Gallery(CONFIG, log)
    for one in range(int(rng.integers(4))):  # of an earlier run, with cameras of its own
        gallery.add_exemplar(gallery.found(float(one)), earlier(30.0 * one, f"old {one}"))
    gallery.begin_run(1000.0, 100.0)
    associator = OnlineAssociator(CONFIG, gallery=gallery)
    open_tracks: set[tuple[int, int]] = set()
    for tick in range(40):
        ended = {one for one in open_tracks if rng.random() < 0.2}
        fresh = {(int(rng.integers(3)), 10 * tick + int(rng.integers(3))) for _ in range(2)}
        open_tracks = (open_tracks - ended) | fresh
        evidence = [seen(camera, track, float(rng.integers(0, 6) * 30), tick * 0.7) for camera, track in open_tracks]
        associator.update(tick * 0.7, evidence, [TrackKey("abc"[camera], track) for camera, track in ended])
    assert {"found", "add_exemplar", "sketch", "drop_sketch"} <= {decoded(*entry).name for entry in log.entries}
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
        Operation("unmerge", (1, 2)),
        Operation("detach", (1, 2, 5)),
        Operation("sketch", (1, "a", 1, 0)),
        Operation("drop_sketch", ("a", 1, 0)),
        Operation("remove_track", (1, "a", 3)),
    ],
)
def test_operations_that_do_not_fit_are_named(operation: Operation) -> None:
    gallery = Gallery(CONFIG)
    gallery.found(0.0)
    with pytest.raises(InputError, match=operation.name):
        gallery.apply(operation)


@pytest.mark.parametrize(
    ("text", "numbers"), [("[", b""), ("[]", b""), ('["add_exemplar",[1],["a",1,0,0,4,2]]', b"ab")]
)
def test_damaged_entries_are_refused(text: str, numbers: bytes) -> None:
    with pytest.raises(InputError, match="damaged"):
        decoded(text, numbers)


def test_nobody_is_merged_into_themselves() -> None:
    gallery = Gallery(CONFIG)
    identity = gallery.found(0.0)
    with pytest.raises(InputError, match="itself"):
        gallery.merge(identity, identity)
    assert identity in gallery


def test_a_damaged_snapshot_is_refused() -> None:
    gallery = Gallery(CONFIG)
    gallery.add_exemplar(gallery.found(0.0), exemplar(1))
    gallery.sketch(1, TrackKey("a", 1), 0, exemplar(2))
    text, numbers = encoded_member(dict(gallery.entries())[1].member)
    for damaged in ((text[:-1], numbers), (text, numbers[:-2]), (text, numbers + b"ab"), ("{}", b"")):
        with pytest.raises(InputError, match="snapshot is damaged"):
            decoded_member(*damaged)
    text, numbers = encoded_head(gallery.state)
    for damaged in ((text[:-1], numbers), (text, numbers[:-2]), (text, numbers + b"ab")):
        with pytest.raises(InputError, match="snapshot is damaged"):
            decode_head(GalleryState(2, 0.5), *damaged)
