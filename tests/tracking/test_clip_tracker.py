from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch
from boxmot import BotSort, ByteTrack
from boxmot.datasets import DatasetSample
from boxmot.engine.eval.replay import iter_cached_tracks
from boxmot.pipelines import TrackingPipeline
from boxmot.trackers.protocols import Tracker, TrackerRequirements

from keyreid_stream.structures import Clip, ClipEmbeddings, Crops
from keyreid_stream.tracking import ClipConfig, ClipTracker, KeyReIDAppearance
from keyreid_stream.tracking.options import build_tracker
from tests.tracking.boxmot_scenes import (
    BLUE,
    GREEN,
    PLACES,
    RED,
    ColourfulDetector,
    bgr,
    detections,
    frame,
    packed,
    picture,
)
from tests.tracking.scenes import APPEARANCE_TRACKERS, SPEC, ColourEncoder, MeanHead

SCENE = picture(*zip(PLACES, (RED, GREEN, BLUE), strict=True))
EMPTY = picture()


def clip_tracker(tracker: Any | None = None, **settings: Any) -> ClipTracker:
    appearance = KeyReIDAppearance(ColourEncoder())
    return ClipTracker(tracker or BotSort(use_cmc=False), appearance, MeanHead(), **settings)


def test_it_is_a_tracker_by_boxmots_own_check() -> None:
    tracker = clip_tracker()
    assert isinstance(tracker, Tracker)
    assert tracker.name == "BotSort"
    assert tracker.capabilities == BotSort.capabilities
    assert tracker.requirements == TrackerRequirements(embeddings=False, frame=True)
    assert (tracker.generates_embeddings, tracker.supports_obb) == (True, False)
    assert (tracker.supports_variable_dt, tracker.variable_dt) == (True, False)
    assert tracker.validate_timing() is None


def test_it_shows_the_newest_clip_of_every_track() -> None:
    tracker = clip_tracker()
    for _ in range(4):
        rows = tracker.update(packed(PLACES), bgr(SCENE))
    for track_id, row in zip(rows[:, 4], rows[:, 7], strict=True):
        shown = tracker.embeddings[int(track_id)].global_part
        np.testing.assert_allclose(shown, np.array((RED, GREEN, BLUE)[int(row)]) / 255, atol=0.01)
    with pytest.raises(TypeError):
        tracker.embeddings[0] = None  # type: ignore[index]


def test_every_crop_is_encoded_once_and_clips_are_embedded_when_due() -> None:
    encoder, head = ColourEncoder(), MeanHead()
    tracker = ClipTracker(BotSort(use_cmc=False), KeyReIDAppearance(encoder), head, clips=ClipConfig(min_crops=2))
    encoder.batches.clear()
    lengths = []
    for _ in range(8):
        tracker.update(packed(PLACES[:1]), bgr(SCENE))
        lengths.append([len(clip) for clip in head.clips])
    assert encoder.batches == [1] * 8
    assert lengths == [[], [2], [2], [2, 4], [2, 4], [2, 4], [2, 4], [2, 4, 4]]


@pytest.mark.parametrize("as_rows", [True, False])
def test_both_forms_of_input_come_back_in_their_form(as_rows: bool) -> None:
    bare = ByteTrack()
    tracker = clip_tracker(ByteTrack())
    for i in range(3):
        boxes = [(x1 + i, y1, x2 + i, y2) for x1, y1, x2, y2 in PLACES]
        if as_rows:
            expected = bare.update(packed(boxes))
            shown = tracker.update(packed(boxes), bgr(SCENE))
            assert type(shown) is np.ndarray
            assert shown.dtype == expected.dtype
            np.testing.assert_allclose(shown, expected, atol=1e-6)
        else:
            expected = bare.update(detections(boxes))
            shown = tracker.update(detections(boxes), frame(SCENE))
            torch.testing.assert_close(shown.to_aabb_rows(), expected.to_aabb_rows())


def test_forms_may_be_mixed() -> None:
    assert len(clip_tracker().update(packed(PLACES), frame(SCENE, "frame-7"))) == 3
    assert len(clip_tracker().update(detections(PLACES, "frame-7"), bgr(SCENE))) == 3


def test_a_frame_is_needed() -> None:
    with pytest.raises(ValueError, match=r"give update\(\) the frame"):
        clip_tracker().update(packed(PLACES))
    with pytest.raises(ValueError, match=r"must have shape \(N, 6\), got \(1, 5\)"):
        clip_tracker().update(np.zeros((1, 5)), bgr(SCENE))


def test_frames_without_people_are_frames_too() -> None:
    tracker = clip_tracker()
    assert tracker.update(packed([]), bgr(EMPTY)).shape == (0, 8)
    assert len(tracker.update(detections([]), frame(EMPTY))) == 0


def test_precomputed_embeddings_are_what_is_matched_by() -> None:
    inner = BotSort(use_cmc=False)
    tracker = clip_tracker(inner, clips=ClipConfig(min_crops=4))
    tracker.update(detections(PLACES).with_embeddings(torch.eye(3)), frame(SCENE))
    np.testing.assert_array_equal(np.stack([track.smooth_feat for track in inner.active_tracks]), np.eye(3))


@pytest.mark.parametrize("name", APPEARANCE_TRACKERS)
def test_clips_of_another_width_than_the_given_embeddings_are_not_written(
    name: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Nine frames: long enough for clips, and for what was written to be matched by in the next frame."""
    given = torch.eye(5)[:3]
    steps = [[(x1 + i, y1, x2 + i, y2) for x1, y1, x2, y2 in PLACES] for i in range(9)]
    bare = build_tracker(name, {}, compensating=False, fps=30)
    expected = [bare.update(detections(boxes).with_embeddings(given), frame(SCENE)) for boxes in steps]
    with caplog.at_level(logging.INFO, logger="keyreid_stream.tracking"):
        tracker = clip_tracker(build_tracker(name, {}, compensating=False, fps=30))
        for sequence in range(2):
            shown = [tracker.update(detections(boxes).with_embeddings(given), frame(SCENE)) for boxes in steps]
            assert len(tracker.embeddings) == 3
            if sequence == 0:
                for ours, theirs in zip(shown, expected, strict=True):
                    torch.testing.assert_close(ours.to_aabb_rows(), theirs.to_aabb_rows())
            tracker.reset()
    assert caplog.messages == [f"{bare.name} matches by 5 numbers, clips of 3 are not written back"]


def test_nothing_piles_up_in_the_wrapped_tracker() -> None:
    """As behind our own seam; with clips that are never written, so that writing does not clear it either."""
    inner = build_tracker("deepocsort", {}, compensating=False, fps=30)
    tracker = clip_tracker(inner)
    for _ in range(60):
        tracker.update(packed(PLACES[:1]), bgr(SCENE))
    (track,) = inner.active_tracks
    assert len(track.observations) <= track.delta_t + 1
    botsort = BotSort(use_cmc=False)
    unwritten = clip_tracker(botsort)
    for _ in range(5):
        unwritten.update(detections(PLACES).with_embeddings(torch.eye(5)[:3]), frame(SCENE))
    assert [len(track.features) for track in botsort.active_tracks] == [0, 0, 0]


def test_ended_tracks_are_forgotten() -> None:
    tracker = clip_tracker(BotSort(use_cmc=False, track_buffer=3))
    for _ in range(4):
        tracker.update(packed(PLACES), bgr(SCENE))
    assert len(tracker.embeddings) == len(tracker._buffer) == 3
    for _ in range(8):
        tracker.update(packed(PLACES[:1]), bgr(SCENE))
    assert len(tracker.embeddings) == len(tracker._buffer) == len(tracker._unseen) == 1


def test_reset_starts_a_new_sequence() -> None:
    tracker = clip_tracker()
    first = [tracker.update(packed(PLACES), bgr(SCENE)) for _ in range(4)]
    tracker.reset()
    assert tracker.embeddings == {}
    again = [tracker.update(packed(PLACES), bgr(SCENE)) for _ in range(4)]
    for before, after in zip(first, again, strict=True):
        np.testing.assert_array_equal(before, after)


class ForeignTracker:
    """A tracker that we know nothing about: BoxMOT's update contract, and no lists to look into."""

    name, max_age = "Foreign", 3

    def __init__(self) -> None:
        self._inner = ByteTrack()

    def update(self, *inputs: Any, **timing: Any) -> Any:
        return self._inner.update(*inputs, **timing)


def test_a_foreign_tracker_is_only_read_and_its_tracks_end_by_age(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="keyreid_stream.tracking"):
        tracker = clip_tracker(ForeignTracker())
        for _ in range(4):
            tracker.update(packed(PLACES), bgr(SCENE))
        assert len(tracker.embeddings) == 3
        kept = [
            tracker.update(packed(PLACES[:1]), bgr(SCENE)) is not None and len(tracker.embeddings) for _ in range(5)
        ]
    assert kept == [3, 3, 3, 1, 1]
    assert caplog.messages == ["Foreign keeps no appearance that can be replaced, clips are not written back"]


class FlatCrops:
    """Crops of one colour each, set from outside: overlapping people that a picture cannot show."""

    def __init__(self) -> None:
        self.colours: Sequence[tuple[int, int, int]] = ()

    def __call__(self, _image: Any, boxes: Any, _keypoints: Any, _spec: Any) -> Crops:
        images = np.zeros((len(boxes), SPEC.height, SPEC.width, 3), np.uint8)
        images[:] = np.array(self.colours, np.uint8).reshape(-1, 1, 1, 3)[: len(boxes)]
        return Crops(images, np.ones((len(boxes), SPEC.parts, SPEC.patches), np.float32))


class KnowingHead(MeanHead):
    """Knows that who looks a little more green in single crops is red, and the other way round."""

    def embed(self, clips: Sequence[Clip]) -> ClipEmbeddings:
        misled = super().embed(clips)
        for vector in misled.vectors:
            red, green = vector[:2]
            vector[:3] = (1, 0, 0) if green > red else (0, 1, 0)
        return misled


@pytest.mark.parametrize("name", APPEARANCE_TRACKERS)
@pytest.mark.parametrize("head", [MeanHead(), KnowingHead()], ids=["misled", "knowing"])
def test_a_clip_embedding_flips_an_association(name: str, head: MeanHead) -> None:
    """Two people stand close, their crops each showing more of the other; then both move a step and are seen well."""
    crops = FlatCrops()
    appearance = KeyReIDAppearance(ColourEncoder(), make_crops=crops)
    inner = build_tracker(name, {}, compensating=False, fps=30)
    tracker = ClipTracker(inner, appearance, head, clips=ClipConfig(min_crops=4))
    crops.colours = ((150, 200, 0), (200, 150, 0))
    blank = bgr(EMPTY)
    rows = np.zeros((0, 8))
    for _ in range(10):
        rows = tracker.update(packed([(100, 40, 160, 200), (116, 40, 176, 200)]), blank)
        if tracker.embeddings:
            break
    left, right = rows[np.argsort(rows[:, 7]), 4]
    crops.colours = ((0, 250, 0), (250, 0, 0))
    rows = tracker.update(packed([(102, 40, 162, 200), (114, 40, 174, 200)]), blank)
    expected = [right, left] if isinstance(head, KnowingHead) else [left, right]
    assert rows[np.argsort(rows[:, 7]), 4].tolist() == expected


def test_clips_are_written_after_every_frame() -> None:
    """Not only when a clip is new: a frame later the tracker would have mixed its own crop in."""
    inner = BotSort(use_cmc=False)
    crops = FlatCrops()
    appearance = KeyReIDAppearance(ColourEncoder(), make_crops=crops)
    tracker = ClipTracker(inner, appearance, MeanHead(), clips=ClipConfig(min_crops=2, embed_every=1000))
    crops.colours = ((0, 250, 0),)
    for _ in range(4):
        tracker.update(packed(PLACES[:1]), bgr(EMPTY))
    crops.colours = ((150, 200, 0),)
    for _ in range(5):
        tracker.update(packed(PLACES[:1]), bgr(EMPTY))
        (track,) = inner.active_tracks
        np.testing.assert_allclose(track.smooth_feat, [0, 1, 0], atol=1e-6)


def test_a_tracking_pipeline_runs_on_it() -> None:
    tracker = clip_tracker()
    pipeline = TrackingPipeline(ColourfulDetector(), tracker)
    shown = [pipeline.step(frame(SCENE, str(i), i)).tracks for i in range(4)]
    assert [len(tracks) for tracks in shown] == [3, 3, 3, 3]
    assert len(tracker.embeddings) == 3


def test_boxmots_replay_of_a_cached_data_set_runs_on_it() -> None:
    """Two sequences, the tracker reset between them, as `replay_build(..., tracker=...)` does."""
    samples = [
        DatasetSample(
            sample_id=f"{sequence}-{i}",
            split="val",
            sequence_id=sequence,
            frame_index=i,
            timestamp_s=None,
            image_size=(240, 320),
            image_ref=None,
            frame=frame_of(sequence, i),
            detections=detections(PLACES, f"{sequence}-{i}"),
        )
        for sequence in ("a", "b")
        for i in range(4)
    ]
    tracker = clip_tracker()
    shown = [replayed.result.tracks.track_ids.tolist() for replayed in iter_cached_tracks(samples, tracker)]
    assert shown == [[0, 1, 2]] * 8
    assert len(tracker.embeddings) == 3


def frame_of(sequence: str, index: int) -> Any:
    from boxmot.structures import Frame

    pixels = torch.from_numpy(SCENE.transpose(2, 0, 1).copy())
    return Frame(pixels, sample_id=f"{sequence}-{index}", sequence_id=sequence, frame_index=index)
