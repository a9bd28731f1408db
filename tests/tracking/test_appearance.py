"""Our encoder inside BoxMOT, and what BoxMOT expects of any encoder."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
import torch
from boxmot import BoostTrack, BotSort, DeepOcSort, HybridSort, OccluBoost, StrongSort
from boxmot.pipelines import TrackingPipeline
from boxmot.reid.protocols import AppearanceEncoder, EncoderRequirements

from keyreid_stream.errors import InputError
from keyreid_stream.structures import Crops, Encodings
from keyreid_stream.tracking import KeypointStore, KeyReIDAppearance
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
from tests.tracking.scenes import ColourEncoder

COLOURS = (RED, GREEN, BLUE)
SCENE = picture(*zip(PLACES, COLOURS, strict=True))
UNIT_COLOURS = np.array(COLOURS, np.float32) / np.linalg.norm(COLOURS, axis=1, keepdims=True)


class BrokenEncoder(ColourEncoder):
    """Its second row of appearance is `value` throughout."""

    def __init__(self, value: float) -> None:
        super().__init__()
        self.value = value

    def encode(self, crops: Crops) -> Encodings:
        good = super().encode(crops)
        appearance = good.appearance.copy()
        appearance[1:2] = self.value
        return dataclasses.replace(good, appearance=appearance)


@pytest.fixture
def encoder() -> ColourEncoder:
    return ColourEncoder()


@pytest.fixture
def appearance(encoder: ColourEncoder) -> KeyReIDAppearance:
    built = KeyReIDAppearance(encoder)
    encoder.batches.clear()
    encoder.part_weights.clear()
    return built


def test_it_is_an_appearance_encoder_by_boxmots_own_check(appearance: KeyReIDAppearance) -> None:
    assert isinstance(appearance, AppearanceEncoder)
    assert appearance.requirements == EncoderRequirements(masks=False)
    assert appearance.embedding_dim == 3


def test_rows_are_aligned_with_detections(appearance: KeyReIDAppearance) -> None:
    order = [2, 0, 1]
    (rows,) = appearance.encode([frame(SCENE)], [detections([PLACES[i] for i in order])])
    np.testing.assert_allclose(rows.numpy(), UNIT_COLOURS[order], atol=0.01)


def test_frames_share_one_call_of_the_model_and_keep_their_rows(
    appearance: KeyReIDAppearance, encoder: ColourEncoder
) -> None:
    frames = [frame(SCENE, "a"), frame(SCENE, "b"), frame(SCENE, "c")]
    found = [detections(PLACES[:2], "a"), detections([], "b"), detections(PLACES[2:], "c")]
    rows = appearance.encode(frames, found)
    assert encoder.batches == [3]
    assert [tuple(part.shape) for part in rows] == [(2, 3), (0, 3), (1, 3)]
    np.testing.assert_allclose(torch.cat(rows).numpy(), UNIT_COLOURS, atol=0.01)
    for part in rows:
        assert (part.dtype, part.device.type, part.is_contiguous()) == (torch.float32, "cpu", True)


def test_no_frames_are_no_rows(appearance: KeyReIDAppearance) -> None:
    assert appearance.encode([], []) == []


def test_images_come_in_bgr(appearance: KeyReIDAppearance) -> None:
    rows = appearance.get_features(np.array(PLACES, np.float32), bgr(SCENE))
    assert rows.dtype == np.float32
    np.testing.assert_allclose(rows, UNIT_COLOURS, atol=0.01)
    assert appearance.get_features(np.zeros((0, 4), np.float32), bgr(SCENE)).shape == (0, 3)


def test_both_interfaces_see_the_same(appearance: KeyReIDAppearance) -> None:
    (rows,) = appearance.encode([frame(SCENE)], [detections(PLACES)])
    np.testing.assert_array_equal(appearance.get_features(np.array(PLACES, np.float32), bgr(SCENE)), rows.numpy())


def test_without_keypoints_the_whole_body_counts(appearance: KeyReIDAppearance, encoder: ColourEncoder) -> None:
    appearance.encode([frame(SCENE)], [detections(PLACES)])
    assert (encoder.part_weights[0] == 1).all()


def test_keypoints_reach_the_crops_by_person(encoder: ColourEncoder) -> None:
    given: list[Any] = []

    def make_crops(image: Any, boxes: Any, keypoints: Any, spec: Any) -> Crops:
        given.append(keypoints)
        size = len(boxes)
        return Crops(np.ones((size, 32, 16, 3), np.uint8), np.ones((size, 2, 2), np.float32))

    store = KeypointStore()
    poses = np.random.default_rng(0).random((2, 17, 3)).astype(np.float32)
    store.put("a", ("left", "right"), poses)
    appearance = KeyReIDAppearance(encoder, keypoints=store, make_crops=make_crops)
    turned = detections(PLACES[:2], "a", names=("left", "right")).select(torch.tensor([1, 0]))
    appearance.encode(
        [frame(SCENE, "a"), frame(SCENE, "b"), frame(SCENE, "a")],
        [turned, detections(PLACES[:1], "b", names=("left",)), detections(PLACES[:1], "a")],
    )
    np.testing.assert_array_equal(given[0], poses[::-1])
    assert given[1] is None, "another frame's person of the same name"
    assert given[2] is None, "people without names"


@pytest.mark.parametrize("value", [0.0, np.nan, np.inf])
def test_appearance_without_direction_is_refused(value: float) -> None:
    broken = KeyReIDAppearance(BrokenEncoder(value))
    with pytest.raises(InputError, match="detection 1 an appearance that is zero or not finite"):
        broken.encode([frame(SCENE)], [detections(PLACES)])
    with pytest.raises(InputError, match="detection 1"):
        broken.get_features(np.array(PLACES, np.float32), bgr(SCENE))


def test_a_box_outside_the_picture_is_a_black_crop_not_a_crash(encoder: ColourEncoder) -> None:
    seen: list[Crops] = []
    appearance = KeyReIDAppearance(encoder)
    encode = encoder.encode
    encoder.encode = lambda crops: seen.append(crops) or encode(Crops(crops.images + 1, crops.part_weights))  # type: ignore[method-assign]
    (rows,) = appearance.encode([frame(SCENE)], [detections([PLACES[0], (900, 900, 950, 990)])])
    assert not seen[0].images[1].any()
    assert rows.shape == (2, 3)


def test_frames_and_detections_must_belong_together(appearance: KeyReIDAppearance) -> None:
    with pytest.raises(ValueError, match="frame 'a' got the detections of 'b'"):
        appearance.encode([frame(SCENE, "a")], [detections(PLACES, "b")])
    with pytest.raises(ValueError, match="2 frames need as many detections, got 1"):
        appearance.encode([frame(SCENE), frame(SCENE)], [detections(PLACES)])


LIVE_TRACKERS = {
    "BotSort": lambda model: BotSort(reid_model=model, use_cmc=False),
    "StrongSort": lambda model: StrongSort(reid_model=model, n_init=1),
    "DeepOcSort": lambda model: DeepOcSort(reid_model=model, cmc_off=True),
    "HybridSort": lambda model: HybridSort(reid_model=model, cmc_method=None),
    "BoostTrack": lambda model: BoostTrack(reid_model=model, use_embeddings=True, use_cmc=False),
    "OccluBoost": lambda model: OccluBoost(reid_model=model, use_cmc=False),
}
live_trackers = pytest.mark.parametrize("name", LIVE_TRACKERS)


@live_trackers
def test_a_tracker_calls_it_once_a_frame_with_all_detections(
    name: str, appearance: KeyReIDAppearance, encoder: ColourEncoder
) -> None:
    tracker = LIVE_TRACKERS[name](appearance)
    for _ in range(4):
        rows = tracker.update(packed(PLACES), bgr(SCENE))
    assert encoder.batches == [3, 3, 3, 3]
    assert tracker.last_emb_size == 3
    assert len(rows) == 3
    np.testing.assert_allclose(rows[np.argsort(rows[:, 7]), :4], PLACES, atol=3)


@live_trackers
def test_a_tracker_does_not_call_it_for_nobody(
    name: str, appearance: KeyReIDAppearance, encoder: ColourEncoder
) -> None:
    tracker = LIVE_TRACKERS[name](appearance)
    assert len(tracker.update(packed([]), bgr(SCENE))) == 0
    assert encoder.batches == []
    tracker.update(packed(PLACES), bgr(SCENE))
    assert encoder.batches == [3]


@live_trackers
def test_a_tracker_prefers_precomputed_embeddings(
    name: str, appearance: KeyReIDAppearance, encoder: ColourEncoder
) -> None:
    tracker = LIVE_TRACKERS[name](appearance)
    precomputed = detections(PLACES).with_embeddings(torch.eye(3))
    for _ in range(3):
        shown = tracker.update(precomputed, frame(SCENE))
    assert encoder.batches == []
    assert len(shown) == 3


@live_trackers
def test_a_tracker_refuses_another_width_in_the_same_sequence(name: str, appearance: KeyReIDAppearance) -> None:
    tracker = LIVE_TRACKERS[name](appearance)
    tracker.update(packed(PLACES), bgr(SCENE))
    with pytest.raises(ValueError, match="width changed from 3 to 5"):
        tracker.update(detections(PLACES).with_embeddings(torch.eye(3, 5)), frame(SCENE))


@live_trackers
def test_a_broken_model_stops_the_tracker(name: str) -> None:
    tracker = LIVE_TRACKERS[name](KeyReIDAppearance(BrokenEncoder(np.nan)))
    with pytest.raises(InputError, match="check its weights"):
        tracker.update(packed(PLACES), bgr(SCENE))


def test_a_tracking_pipeline_runs_on_it(appearance: KeyReIDAppearance, encoder: ColourEncoder) -> None:
    pipeline = TrackingPipeline(ColourfulDetector(), BotSort(use_cmc=False), reid=appearance)
    for i in range(4):
        result = pipeline.step(frame(SCENE, str(i), i))
    assert result.tracks.track_ids.tolist() == [0, 1, 2]
    assert encoder.batches == [3, 3, 3, 3]
    np.testing.assert_allclose(result.detections.embeddings.numpy(), UNIT_COLOURS, atol=0.01)


def test_a_pipeline_takes_a_picture_without_people(appearance: KeyReIDAppearance) -> None:
    pipeline = TrackingPipeline(ColourfulDetector(), BotSort(use_cmc=False), reid=appearance)
    assert len(pipeline.step(frame(picture(), "0", 0)).tracks) == 0
    assert len(pipeline.step(frame(SCENE, "1", 1)).detections) == 3
