"""What BoxMOT promises to and expects of a live appearance encoder, with ours in the encoder's place.

`test_appearance.py` asks our encoder alone; here it sits in every BoxMOT tracker that looks at people, and in BoxMOT's
pipeline: called once a frame with the right rows, never where embeddings are there already, and each row ends in the
track of its own detection.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
import torch
from boxmot import BoostTrack, BotSort, DeepOcSort, HybridSort, OccluBoost, StrongSort
from boxmot.detectors.protocols import DetectorCapabilities
from boxmot.pipelines import TrackingPipeline
from boxmot.reid.protocols import AppearanceEncoder
from boxmot.structures import Boxes, Detections

from keyreid_stream.errors import InputError
from keyreid_stream.structures import Crops, Encodings, FloatArray
from keyreid_stream.tracking import KeyReIDAppearance
from keyreid_stream.tracking.trackers import traits_of
from tests.tracking.boxmot_scenes import BLUE, GREEN, PLACES, RED, bgr, frame, packed, picture
from tests.tracking.scenes import ColourEncoder

COLOURS = (RED, GREEN, BLUE)
SCENE = picture(*zip(PLACES, COLOURS, strict=True))
UNIT = np.array(COLOURS, np.float32) / np.linalg.norm(COLOURS, axis=1, keepdims=True)

Model = KeyReIDAppearance | None
TRACKERS: dict[str, Callable[[Model], Any]] = {
    "BotSort": lambda model: BotSort(reid_model=model, use_cmc=False),
    "StrongSort": lambda model: _uncompensated(StrongSort(reid_model=model, n_init=1)),
    "DeepOcSort": lambda model: DeepOcSort(reid_model=model, cmc_off=True),
    "HybridSort": lambda model: HybridSort(reid_model=model, cmc_method=None),
    "BoostTrack": lambda model: BoostTrack(reid_model=model, use_embeddings=True, use_cmc=False),
    "OccluBoost": lambda model: OccluBoost(reid_model=model, use_cmc=False),
}
every_tracker = pytest.mark.parametrize("name", TRACKERS)


def _uncompensated(tracker: Any) -> Any:
    tracker.cmc = None
    return tracker


class WatchedEncoder(ColourEncoder):
    """Remembers the mean colours it was shown; may answer with one row broken."""

    def __init__(self) -> None:
        super().__init__()
        self.shown: list[FloatArray] = []
        self.broken: float | None = None

    def encode(self, crops: Crops) -> Encodings:
        encodings = super().encode(crops)
        self.shown.append(encodings.appearance.copy())
        if self.broken is not None and len(crops):
            encodings.appearance[-1] = self.broken
        return encodings

    def forget(self) -> None:
        self.batches.clear()
        self.shown.clear()


@pytest.fixture
def encoder() -> WatchedEncoder:
    return WatchedEncoder()


@pytest.fixture
def appearance(encoder: WatchedEncoder) -> KeyReIDAppearance:
    built = KeyReIDAppearance(encoder)
    encoder.forget()
    return built


class FixedDetector:
    """Says the same of every frame."""

    def __init__(self, rows: Sequence[int], scores: Sequence[float], embeddings: FloatArray | None = None) -> None:
        self.capabilities = DetectorCapabilities(provides_embeddings=embeddings is not None)
        self._rows, self._scores, self._embeddings = rows, scores, embeddings

    def predict(self, frames: Sequence[Any]) -> list[Any]:
        return [self._found(one) for one in frames]

    def _found(self, one: Any) -> Any:
        boxes = torch.tensor([PLACES[row] for row in self._rows], dtype=torch.float32).reshape(-1, 4)
        found = Detections(
            geometry=Boxes(boxes),
            scores=torch.tensor(self._scores, dtype=torch.float32),
            class_ids=torch.zeros(len(boxes), dtype=torch.int64),
            sample_id=one.sample_id,
        )
        return found if self._embeddings is None else found.with_embeddings(torch.from_numpy(self._embeddings))


def steps(pipeline: TrackingPipeline, frames: int) -> list[Any]:
    return [pipeline.step(frame(SCENE, str(index), index)) for index in range(frames)]


def learnt(tracker: Any) -> dict[int, FloatArray]:
    """The appearance that each live track has learnt, of length 1."""
    traits = traits_of(tracker)
    assert traits is not None
    return {id_: _unit(_feature(tracker, track)) for id_, track in traits.live_tracks(tracker).items()}


def _feature(tracker: Any, track: Any) -> FloatArray:
    if isinstance(tracker, StrongSort):
        return np.asarray(track.features[-1] if track.features else tracker.metric.samples[track.id][-1], np.float32)
    if isinstance(tracker, BotSort | HybridSort):
        return np.asarray(track.smooth_feat, np.float32)
    return np.asarray(track.emb, np.float32)


def _unit(vector: FloatArray) -> FloatArray:
    flat = vector.reshape(-1)
    return np.asarray(flat / np.linalg.norm(flat), np.float32)


@every_tracker
def test_pipeline_calls_it_once_a_frame_with_every_detection_in_order(
    name: str, appearance: KeyReIDAppearance, encoder: WatchedEncoder
) -> None:
    order = [1, 2, 0]
    pipeline = TrackingPipeline(FixedDetector(order, [0.9, 0.9, 0.9]), TRACKERS[name](None), reid=appearance)
    results = steps(pipeline, 4)
    assert encoder.batches == [3, 3, 3, 3]
    for shown, result in zip(encoder.shown, results, strict=True):
        np.testing.assert_allclose(shown / 3, np.array(COLOURS)[order] / 255, atol=0.02)
        rows = result.detections.embeddings
        np.testing.assert_allclose(rows.numpy(), UNIT[order], atol=0.01)
        assert (rows.dtype, rows.device.type, rows.is_contiguous()) == (torch.float32, "cpu", True)


@every_tracker
@pytest.mark.parametrize("scores", [(0.9, 0.3, 0.9), (0.3, 0.9, 0.9), (0.9, 0.9, 0.01)])
@pytest.mark.parametrize("live", [True, False], ids=["own model", "pipeline"])
def test_rows_stay_with_their_detections_through_filters_by_confidence(
    name: str, scores: tuple[float, ...], live: bool, appearance: KeyReIDAppearance
) -> None:
    order = [2, 0, 1]
    tracker = TRACKERS[name](appearance if live else None)
    if live:
        detections = np.array([[*PLACES[row], score, 0] for row, score in zip(order, scores, strict=True)])
        for _ in range(4):
            shown = tracker.update(detections, bgr(SCENE))
        pairs = [(int(row[4]), int(row[7])) for row in shown]
    else:
        pipeline = TrackingPipeline(FixedDetector(order, scores), tracker, reid=appearance)
        tracks = steps(pipeline, 4)[-1].tracks
        pairs = list(zip(tracks.track_ids.tolist(), tracks.detection_indices.tolist(), strict=True))
    confident = {row for row, score in enumerate(scores) if score > 0.8}
    assert {row for _, row in pairs} >= confident
    known = learnt(tracker)
    for track_id, row in pairs:
        np.testing.assert_allclose(known[track_id], UNIT[order[row]], atol=0.02)


@every_tracker
def test_embeddings_that_are_there_are_used_and_the_model_is_never_called(
    name: str, appearance: KeyReIDAppearance, encoder: WatchedEncoder
) -> None:
    given = np.ascontiguousarray(np.eye(3, 5, k=1, dtype=np.float32))
    tracker = TRACKERS[name](appearance)
    pipeline = TrackingPipeline(FixedDetector([0, 1, 2], [0.9] * 3, given), tracker, reid=appearance)
    tracks = steps(pipeline, 4)[-1].tracks
    assert encoder.batches == []
    known = learnt(tracker)
    assert len(tracks) == 3
    for track_id, row in zip(tracks.track_ids.tolist(), tracks.detection_indices.tolist(), strict=True):
        np.testing.assert_allclose(known[track_id], given[row], atol=1e-5)


@every_tracker
def test_frames_without_people_between_frames_with_people(
    name: str, appearance: KeyReIDAppearance, encoder: WatchedEncoder
) -> None:
    tracker = TRACKERS[name](appearance)
    for people in ([], PLACES, [], *[PLACES] * 4):
        shown = tracker.update(packed(people), bgr(SCENE))
    assert encoder.batches == [3] * 5
    assert len(shown) == 3
    pipeline = TrackingPipeline(FixedDetector([], []), TRACKERS[name](None), reid=appearance)
    assert [len(result.tracks) for result in steps(pipeline, 3)] == [0, 0, 0]
    assert encoder.batches[5:] in ([], [0, 0, 0]), "no crops, whether it is asked or not"


@every_tracker
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 0.0])
def test_a_row_without_direction_stops_at_once_and_leaves_no_track(
    name: str, value: float, appearance: KeyReIDAppearance, encoder: WatchedEncoder
) -> None:
    encoder.broken = value
    tracker = TRACKERS[name](appearance)
    with pytest.raises(InputError, match="detection 2 an appearance that is zero or not finite"):
        tracker.update(packed(PLACES), bgr(SCENE))
    assert learnt(tracker) == {}
    pipeline = TrackingPipeline(FixedDetector([0, 1, 2], [0.9] * 3), TRACKERS[name](None), reid=appearance)
    with pytest.raises(InputError, match="detection 2"):
        pipeline.step(frame(SCENE, "0", 0))


@every_tracker
def test_a_tracker_after_reset_begins_again(name: str, appearance: KeyReIDAppearance, encoder: WatchedEncoder) -> None:
    pipeline = TrackingPipeline(FixedDetector([0, 1, 2], [0.9] * 3), TRACKERS[name](None), reid=appearance)
    first = [result.tracks for result in steps(pipeline, 3)]
    pipeline.reset()
    assert learnt(pipeline.tracker) == {}
    again = [result.tracks for result in steps(pipeline, 3)]
    assert [len(tracks) for tracks in again] == [len(tracks) for tracks in first]
    assert encoder.batches == [3] * 6


def test_inputs_are_left_as_they_are(appearance: KeyReIDAppearance) -> None:
    one = frame(SCENE)
    (found,) = FixedDetector([0, 1, 2], [0.9] * 3).predict([one])
    pixels, boxes = one.image.clone(), found.geometry.values.clone()
    appearance.encode([one], [found])
    assert torch.equal(one.image, pixels)
    assert torch.equal(found.geometry.values, boxes)
    image = bgr(SCENE)
    appearance.get_features(np.array(PLACES, np.float32), image)
    np.testing.assert_array_equal(image, bgr(SCENE))


def test_rows_are_the_callers_own(appearance: KeyReIDAppearance) -> None:
    one = frame(SCENE)
    found = FixedDetector([0, 1, 2], [0.9] * 3).predict([one])
    (first,) = appearance.encode([one], found)
    first.zero_()
    (second,) = appearance.encode([one], found)
    np.testing.assert_allclose(second.numpy(), UNIT, atol=0.01)


def test_a_subclass_of_the_protocol_is_not_needed(appearance: KeyReIDAppearance) -> None:
    assert isinstance(appearance, AppearanceEncoder)
    assert type(appearance).__mro__ == (KeyReIDAppearance, object)
    assert isinstance(appearance.embedding_dim, int)
    assert dataclasses.is_dataclass(appearance.requirements)
