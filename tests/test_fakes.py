"""The fakes keep the seams' promises, and together they are a pipeline."""

import inspect
import time
from collections import defaultdict
from typing import Any

import numpy as np
import pytest
import torch

from keyreid_stream import fakes, interfaces
from keyreid_stream.encoders import TorchClipHead
from keyreid_stream.fakes import (
    FakeAssociator,
    FakeClipHead,
    FakeDetector,
    FakeFrameEncoder,
    FakeSource,
    FakeTracker,
    RecordingSink,
    Walker,
)
from keyreid_stream.models.crops import crop_frames
from keyreid_stream.structures import (
    CameraTick,
    Clip,
    ClipEmbedding,
    Detections,
    Event,
    FloatArray,
    Frame,
    Tick,
    TrackEvidence,
    TrackKey,
)
from tests.models.small_models import small_model

RED, BLUE, GREEN = (255, 0, 0), (0, 0, 255), (0, 200, 0)

FAKES = {
    "Source": fakes.FakeSource,
    "LiveSource": fakes.FakeLiveSource,
    "PoseDetector": fakes.FakeDetector,
    "FrameEncoder": fakes.FakeFrameEncoder,
    "ClipHead": fakes.FakeClipHead,
    "Tracker": fakes.FakeTracker,
    "Associator": fakes.FakeAssociator,
    "Sink": fakes.RecordingSink,
}


def members(protocol: type) -> dict[str, Any]:
    hidden = {"__init__", "__subclasshook__"}
    return {
        name: member
        for name, member in vars(protocol).items()
        if (inspect.isfunction(member) or isinstance(member, property))
        and name not in hidden
        and (not name.startswith("_") or name in {"__enter__", "__exit__"})
    }


def test_every_seam_has_a_fake() -> None:
    protocols = {name for name, one in vars(interfaces).items() if getattr(one, "_is_protocol", False)} - {"Protocol"}
    assert protocols == set(FAKES)


@pytest.mark.parametrize("name", FAKES)
def test_a_fake_has_the_members_and_signatures_of_its_seam(name: str) -> None:
    wanted = members(getattr(interfaces, name))
    assert wanted
    for member_name, member in wanted.items():
        fake_member = inspect.getattr_static(FAKES[name], member_name)
        assert isinstance(fake_member, property) == isinstance(member, property)
        if not isinstance(member, property):
            assert inspect.signature(fake_member) == inspect.signature(member)


def boxes(*rows: tuple[float, float, float, float]) -> Detections:
    array = np.array(rows, np.float32).reshape(-1, 4)
    return Detections(array, np.full(len(array), 0.9, np.float32))


def blank(frame_index: int = 0) -> Frame:
    return Frame("a", frame_index, frame_index / 10, np.zeros((120, 160, 3), np.uint8))


def none_of(detections: Detections) -> FloatArray:
    return np.zeros((len(detections), 4), np.float32)


def test_a_source_gives_its_frames_in_time() -> None:
    source = FakeSource("door", [Walker(RED, (10, 20))], frame_count=3, fps=25, size=(64, 48))
    frames = list(source.frames())
    assert [(one.camera_id, one.frame_index, one.timestamp_s) for one in frames] == [
        ("door", 0, 0.0),
        ("door", 1, 0.04),
        ("door", 2, 0.08),
    ]
    assert frames[0].image.shape == (48, 64, 3)
    assert source.fps == 25


def test_a_walker_walks_enters_leaves_and_is_cut_off_at_the_edge() -> None:
    walker = Walker(RED, (-4, 5), step=(6, 1), size=(10, 20), enters=1, leaves=3)
    found = [FakeDetector().detect([frame])[0] for frame in FakeSource("a", [walker], frame_count=4).frames()]
    assert [one.boxes_xyxy.tolist() for one in found] == [[], [[2, 6, 12, 26]], [[8, 7, 18, 27]], []]
    outside = Walker(RED, (-4, 5), size=(10, 20))
    (first,) = FakeDetector().detect([next(FakeSource("a", [outside]).frames())])
    assert first.boxes_xyxy.tolist() == [[0, 5, 6, 25]]


def test_a_walker_that_left_the_picture_is_not_painted_on_the_other_side() -> None:
    gone = [Walker(RED, (-40, 5)), Walker(BLUE, (5, -40)), Walker(GREEN, (500, 500))]
    (found,) = FakeDetector().detect([next(FakeSource("a", gone).frames())])
    assert len(found) == 0


def test_the_detector_finds_everyone_from_left_to_right_with_keypoints_in_their_boxes() -> None:
    source = FakeSource("a", [Walker(BLUE, (100, 30)), Walker(RED, (20, 40))])
    (people,) = FakeDetector(confidence=0.8).detect([next(source.frames())])
    assert people.boxes_xyxy.tolist() == [[20, 40, 36, 72], [100, 30, 116, 62]]
    assert people.keypoints is not None
    x, y, confidence = np.moveaxis(people.keypoints, 2, 0)
    x1, y1, x2, y2 = (side[:, None] for side in people.boxes_xyxy.T)
    assert ((x > x1) & (x < x2) & (y > y1) & (y < y2)).all()
    assert (confidence == np.float32(0.8)).all()
    assert (x[:, 5] > x[:, 6]).all(), "the left shoulder of someone facing the camera is on the right"
    assert FakeDetector(keypoints=False).detect([next(source.frames())])[0].keypoints is None


def encodings_of(*colours: tuple[int, int, int]) -> Any:
    source = FakeSource("a", [Walker(colour, (5 + 30 * i, 20)) for i, colour in enumerate(colours)])
    frames = [next(source.frames())]
    encoder = FakeFrameEncoder()
    return encoder.encode(crop_frames(frames, FakeDetector().detect(frames), encoder.crop_spec))


def test_appearance_is_the_colour() -> None:
    encodings = encodings_of(RED, BLUE, (250, 5, 5))
    similarity = encodings.appearance @ encodings.appearance.T
    assert np.diag(similarity) == pytest.approx([1, 1, 1])
    assert similarity[0, 2] > 0.99
    assert similarity[0, 1] < 0.1
    assert encodings.tokens.shape == (3, 9, 4)


def test_nobody_and_black_people_are_encoded_too() -> None:
    encoder = FakeFrameEncoder()
    assert len(encoder.encode(crop_frames([], [], encoder.crop_spec))) == 0
    black = encoder.encode(crop_frames([blank()], [boxes((0, 0, 10, 20))], encoder.crop_spec))
    assert np.linalg.norm(black.appearance, axis=1) == pytest.approx([1])


def test_a_clip_is_its_mean_colour_and_hidden_parts_are_zero_and_invisible() -> None:
    head = FakeClipHead()
    tokens = torch.tensor([1.0, 0, 0, 0]).repeat(2, 9, 1)
    weights = torch.zeros(2, 6, 8)
    weights[0, 1] = 1.0  # the torso is seen in one of two frames
    embedding = head.embed([Clip(tokens, tokens[:, 0], weights)])[0]
    assert embedding.visibility.tolist() == [0, 0.5, 0, 0, 0, 0]
    assert embedding.global_part.tolist() == [1, 0, 0, 0]
    assert embedding.part_rows[1].tolist() == [1, 0, 0, 0]
    assert not embedding.part_rows[[0, 2, 3, 4, 5]].any()


def test_a_short_clip_is_filled_as_the_model_fills_it() -> None:
    """Three crops in four slots: the first counts twice, in the embedding and in what is visible."""
    model = small_model(frames=4)
    weights = torch.zeros(3, 3, 8)
    weights[0, 0] = weights[1, 1] = weights[:, 2] = 1.0
    tokens = torch.eye(4)[:3, None].repeat(1, 9, 1)
    fake = FakeClipHead(frames_per_clip=4, parts=3).embed([Clip(tokens, tokens[:, 0], weights)])[0]
    real = TorchClipHead(model).embed([Clip(torch.zeros(3, 9, 64), torch.zeros(3, 64), weights)])[0]
    assert fake.visibility.tolist() == real.visibility.tolist() == [0.5, 0.25, 1.0]
    assert fake.global_part.tolist() == [0.5, 0.25, 0.25, 0]


def test_a_clip_that_is_too_long_is_refused_and_none_is_fine() -> None:
    head = FakeClipHead(frames_per_clip=2)
    tokens = torch.zeros(3, 9, 4)
    with pytest.raises(ValueError, match="1 to 2 frames, got 3"):
        head.embed([Clip(tokens, tokens[:, 0], torch.zeros(3, 6, 8))])
    assert len(head.embed([])) == 0


def test_tracks_follow_overlap_and_end_after_max_age() -> None:
    tracker = FakeTracker(max_age=1)
    steps = [
        boxes((0, 0, 10, 20), (50, 0, 60, 20)),
        boxes((51, 0, 61, 20), (2, 0, 12, 20)),
        boxes((4, 0, 14, 20), (90, 0, 99, 20)),
        boxes((6, 0, 16, 20)),
    ]
    tracks = [tracker.update(blank(i), one, none_of(one)) for i, one in enumerate(steps)]
    assert [one.track_ids.tolist() for one in tracks] == [[1, 2], [2, 1], [1, 3], [1]]
    assert [one.ended for one in tracks] == [(), (), (), (2,)]
    assert tracks[1].detection_indices.tolist() == [0, 1]


def test_the_best_overlap_wins_and_no_track_is_given_twice() -> None:
    tracker = FakeTracker()
    tracker.update(blank(), boxes((0, 0, 10, 20)), np.zeros((1, 4), np.float32))
    both = boxes((6, 0, 16, 20), (1, 0, 11, 20))
    assert tracker.update(blank(1), both, none_of(both)).track_ids.tolist() == [2, 1]


def test_write_back_is_remembered_for_live_tracks() -> None:
    tracker = FakeTracker(max_age=0)
    one = boxes((0, 0, 10, 20))
    tracker.update(blank(), one, none_of(one))
    tracker.write_back({1: np.ones(4, np.float32), 7: np.ones(4, np.float32)})
    assert set(tracker.written) == {1}
    tracker.update(blank(1), boxes(), np.zeros((0, 4), np.float32))
    assert tracker.written == {}


def test_every_track_is_its_own_identity() -> None:
    associator = FakeAssociator()
    box = np.array([0, 0, 10, 20], np.float32)
    first, second = TrackKey("a", 1), TrackKey("b", 1)
    assert associator.identity_of(first) is None
    events = associator.update(0.0, [TrackEvidence(first, 0.0, 0, box, 1), TrackEvidence(second, 0.0, 0, box, 1)], [])
    assert [(one.kind, one.identity_id) for one in events] == [("new", 1), ("new", 2)]
    events = associator.update(0.1, [TrackEvidence(second, 0.1, 1, box, 2)], [first])
    assert [(one.kind, one.identity_id, one.camera_id) for one in events] == [("seen", 2, "b"), ("left", 1, "a")]
    assert associator.identity_of(second) == 2
    assert [(one.identity_id, one.first_seen_s, one.last_seen_s) for one in associator.identities()] == [
        (1, 0.0, 0.0),
        (2, 0.0, 0.1),
    ]


def test_the_sink_records_and_remembers_how_the_run_ended() -> None:
    event = Event("new", 1, 0.0)
    sink = RecordingSink()
    with pytest.raises(RuntimeError, match="outside its `with` block"):
        sink.write(Tick(0, 0.0, (), ()))
    interruption = KeyboardInterrupt()
    with sink:
        sink.write(Tick(0, 0.0, (), (event,)))
    assert sink.error is None
    sink.__exit__(KeyboardInterrupt, interruption, None)
    assert not sink.is_open
    assert sink.error is interruption
    assert sink.events == [event]


def run_two_cameras(sink: RecordingSink) -> dict[TrackKey, ClipEmbedding]:
    """The whole pipeline by hand, on two cameras that see the same three people; the last embedding of each track."""
    sources = [
        FakeSource("door", [Walker(RED, (5, 10), (3, 0)), Walker(BLUE, (140, 50), (-3, 0)), Walker(GREEN, (60, 80))]),
        FakeSource("yard", [Walker(GREEN, (5, 10), (3, 1)), Walker(RED, (100, 60)), Walker(BLUE, (50, 80), enters=4)]),
    ]
    detector, encoder, head, associator = FakeDetector(), FakeFrameEncoder(), FakeClipHead(), FakeAssociator()
    trackers = {source.camera_id: FakeTracker() for source in sources}
    buffers: dict[TrackKey, list[tuple[torch.Tensor, ...]]] = defaultdict(list)
    newest: dict[TrackKey, ClipEmbedding] = {}
    with sink:
        for index, frames in enumerate(zip(*(source.frames() for source in sources), strict=True)):
            detections = detector.detect(frames)
            encodings = encoder.encode(crop_frames(frames, detections, encoder.crop_spec))
            evidence, cameras, first = [], [], 0
            for frame, found in zip(frames, detections, strict=True):
                rows = slice(first, first + len(found))
                first += len(found)
                tracks = trackers[frame.camera_id].update(frame, found, encodings.appearance[rows])
                keys = [TrackKey(frame.camera_id, int(track_id)) for track_id in tracks.track_ids]
                for key, row in zip(keys, range(rows.start, rows.stop), strict=True):
                    crop = (encodings.tokens[row], encodings.class_rows[row], encodings.part_weights[row])
                    buffers[key] = [*buffers[key], crop][-head.frames_per_clip :]
                clips = [Clip(*(torch.stack(column) for column in zip(*buffers[key], strict=True))) for key in keys]
                embeddings = head.embed(clips)
                newest |= {key: embeddings[row] for row, key in enumerate(keys)}
                evidence += [
                    TrackEvidence(key, frame.timestamp_s, frame.frame_index, box, len(buffers[key]), newest[key])
                    for key, box in zip(keys, tracks.boxes_xyxy, strict=True)
                ]
                by_id = {key.track_id: newest[key] for key in keys}
                cameras.append(CameraTick(frame, found, tracks, np.zeros(len(tracks), np.int64), by_id))
            events = associator.update(frames[0].timestamp_s, evidence, [])
            sink.write(Tick(index, frames[0].timestamp_s, tuple(cameras), tuple(events)))
    return newest


def test_together_the_fakes_are_a_pipeline_in_which_both_cameras_know_the_same_people() -> None:
    sink = RecordingSink()
    newest = run_two_cameras(sink)
    assert sorted(newest) == [TrackKey(camera, number) for camera in ("door", "yard") for number in (1, 2, 3)]
    directions = {key: one.global_part / np.linalg.norm(one.global_part) for key, one in newest.items()}
    # Found from left to right: at the door red, green, blue; in the yard green, red, and blue who comes later.
    same = {("door", 1): ("yard", 2), ("door", 2): ("yard", 1), ("door", 3): ("yard", 3)}
    for at_door, in_yard in same.items():
        likeness = {key: float(directions[TrackKey(*at_door)] @ directions[key]) for key in newest if key[0] == "yard"}
        assert max(likeness, key=likeness.__getitem__) == in_yard
        assert likeness[TrackKey(*in_yard)] > 0.99
        assert sorted(likeness.values())[1] < 0.5
    assert [event.kind for event in sink.events].count("new") == 6
    assert len(sink.ticks) == 10


def test_the_whole_run_repeats_exactly_and_takes_milliseconds() -> None:
    runs = []
    start = time.perf_counter()
    for _ in range(2):
        sink = RecordingSink()
        runs.append((run_two_cameras(sink), sink.events))
    assert time.perf_counter() - start < 2
    assert runs[0][1] == runs[1][1]
    for key, embedding in runs[0][0].items():
        np.testing.assert_array_equal(embedding.vector, runs[1][0][key].vector)
