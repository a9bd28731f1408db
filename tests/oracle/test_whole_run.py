"""Runs over a tiny world in which some stages, or all, are fed the truth."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from keyreid_stream.config import DeploymentConfig, deployment
from keyreid_stream.errors import InputError
from keyreid_stream.fakes import FakeAssociator, FakeClipHead, FakeDetector, FakeFrameEncoder, FakeSource, FakeTracker
from keyreid_stream.interfaces import Source
from keyreid_stream.oracle import ORACLE_NAMES, OracleDetector, OracleName
from keyreid_stream.pipeline import Pipeline
from keyreid_stream.pose import PoseConfig
from keyreid_stream.run import RecordedRun
from keyreid_stream.sinks import final_identities, read_events
from keyreid_stream.structures import Detections, FloatArray, Frame, Tick
from keyreid_stream.world.film import Film
from keyreid_stream.world.scene import with_overrides
from keyreid_stream.world.truth import MIN_VISIBLE_PIXELS, VISIBLE, FrameTruth
from keyreid_stream.world.world import World
from tests.oracle.scripted import ReplayedSource
from tests.world.small_worlds import YARD, yard_toml

SEED, SECONDS = 3, 2.0
WIDTH, HEIGHT = 240, 180
SUBSETS = [names for count in range(1, 5) for names in combinations(ORACLE_NAMES, count)]


@pytest.fixture(scope="module")
def cameras() -> list[ReplayedSource]:
    """The yard's cameras, from films of the tests' own."""
    world = World(with_overrides(YARD, width=WIDTH, height=HEIGHT), SEED, SECONDS)
    return [ReplayedSource(world, Film(world, place)) for place in range(2)]


@pytest.fixture(scope="module")
def truths(cameras: list[ReplayedSource]) -> dict[tuple[str, int], FrameTruth]:
    """The truth by camera and frame."""
    return {(camera.camera_id, index): shot.truth for camera in cameras for index, shot in enumerate(camera.shots)}


@pytest.fixture
def address(tmp_path: Path) -> str:
    path = tmp_path / "yard.toml"
    path.write_text(yard_toml())
    return f"world://{path}?seconds={SECONDS}&seed={SEED}&width={WIDTH}&height={HEIGHT}"


@pytest.fixture
def misser(truths: dict[tuple[str, int], FrameTruth], monkeypatch: pytest.MonkeyPatch) -> None:
    """The configured detector becomes one that misses by a pixel, misses somebody, and sees a ghost."""

    class Misser:
        weights = Path("misser.pt")

        def __init__(self, _: PoseConfig) -> None:
            pass

        def detect(self, frames: Sequence[Frame]) -> list[Detections]:
            return [self._found(truths[frame.camera_id, frame.frame_index]) for frame in frames]

        def _found(self, truth: FrameTruth) -> Detections:
            shown = truth.visible_pixels >= MIN_VISIBLE_PIXELS
            shown[::3] &= truth.time_s % 1 > 0.3
            boxes = np.concatenate([truth.visible_boxes_xyxy[shown] + 1, [[0, 0, 4, 9]]]).astype(np.float32)
            return Detections(
                boxes, np.full(len(boxes), 0.8, np.float32), np.full((len(boxes), 17, 3), 0.25, np.float32)
            )

    monkeypatch.setattr("keyreid_stream.pipeline.UltralyticsPose", Misser)


def settings(address: str, oracle: Sequence[OracleName], **tables: object) -> DeploymentConfig:
    return deployment({"sources": {"cameras": [address]}, "oracle": list(oracle), **tables})


def pipeline(config: DeploymentConfig, sources: Sequence[Source] | None = None) -> Pipeline:
    return Pipeline.from_config(config, sources=sources, encoders=(FakeFrameEncoder(), FakeClipHead()))


def expected_rows(truths: dict[tuple[str, int], FrameTruth], camera_id: str) -> FloatArray:
    """frame, person, x, y, w, h of everyone who can be found in a camera's film."""
    rows = []
    for (camera, index), truth in truths.items():
        for row in np.flatnonzero(truth.visible_pixels >= MIN_VISIBLE_PIXELS) if camera == camera_id else ():
            x1, y1, x2, y2 = truth.visible_boxes_xyxy[row]
            rows.append((index + 1, truth.person_ids[row], x1, y1, x2 - x1, y2 - y1))
    return np.array(sorted(rows), np.float32)


def test_with_all_truth_the_tracks_are_the_truth(
    address: str, truths: dict[tuple[str, int], FrameTruth], tmp_path: Path
) -> None:
    config = settings(address, ORACLE_NAMES, pose={"weights": "nowhere.pt"})
    RecordedRun(pipeline(config), tmp_path / "run", config).record()
    people: dict[str, set[int]] = {}
    for camera_id in ("east", "west"):
        rows = np.loadtxt(tmp_path / "run" / "tracks" / f"{camera_id}.txt", delimiter=",", dtype=np.float32)
        expected = expected_rows(truths, camera_id)
        assert len(expected) > 10
        np.testing.assert_array_equal(rows[np.lexsort((rows[:, 1], rows[:, 0]))][:, :6], expected)
        assert set(rows[:, 6]) == {1}
        people[camera_id] = set(rows[:, 1].astype(int))
    assert people["east"] & people["west"]
    identities = final_identities(read_events(tmp_path / "run" / "events.jsonl"))
    for camera_id, ids in people.items():
        said = [tracklets for key, tracklets in identities.items() if key.camera_id == camera_id]
        assert {tracklet.identity_id for tracklets in said for tracklet in tracklets} == ids


def test_the_report_says_what_was_the_truth(cameras: list[ReplayedSource], tmp_path: Path) -> None:
    config = deployment({"oracle": ["tracks", "detections", "keypoints"], "output": {"video": False}})
    run = RecordedRun(pipeline(config, cameras), tmp_path / "run", config)
    (notice,) = run.notices
    run.record()
    report = json.loads((tmp_path / "run" / "run.json").read_text(encoding="utf-8"))
    assert report["oracle"] == report["settings"]["oracle"] == ["detections", "keypoints", "tracks"]
    assert report["notice"] == notice
    assert notice.startswith("detections, keypoints and tracks are the truth, not measured")
    assert report["pose_weights"] is None
    assert run.short_notices == ["the truth, not measured: detections, keypoints, tracks"]


@pytest.mark.usefixtures("misser")
@pytest.mark.parametrize("names", SUBSETS, ids=",".join)
def test_any_of_them_alone_or_together(
    names: Sequence[OracleName], cameras: list[ReplayedSource], truths: dict[tuple[str, int], FrameTruth]
) -> None:
    ran = pipeline(deployment({"oracle": names}), cameras)
    ticks = list(ran)
    assert ran.oracles == tuple(names)
    boxes_are_true, keypoints_are_true = (shares(ticks, truths, kind) == 1 for kind in ("boxes", "keypoints"))
    assert boxes_are_true == ("detections" in names)
    assert keypoints_are_true == ("keypoints" in names)
    whom = people_of_tracks(ticks, truths)
    assert whom
    if "tracks" in names:
        assert all(len(people) == 1 for people in whom.values())
    if "identities" in names:
        shown = identities_of_tracks(ticks)
        assert all(shown[key] - {0} <= people for key, people in whom.items())
        assert any(ids - {0} for ids in shown.values())
    if {"tracks", "identities"} <= set(names):
        assert all(shown[key] == people for key, people in whom.items())


def shares(ticks: list[Tick], truths: dict[tuple[str, int], FrameTruth], kind: str) -> float:
    """How many of the people who are there were found exactly, by boxes or by keypoints."""
    there = exact = 0
    for camera in (camera for tick in ticks for camera in tick.cameras):
        truth = truths[camera.frame.camera_id, camera.frame.frame_index]
        for row in np.flatnonzero(truth.visible_pixels >= MIN_VISIBLE_PIXELS):
            there += 1
            box, keypoints = truth.visible_boxes_xyxy[row], truth.keypoints[row].copy()
            close = np.flatnonzero(np.abs(camera.detections.boxes_xyxy - box).max(axis=1, initial=0) <= 1)
            assert len(close) <= 1
            if len(close) == 0:
                # Somebody whom the detector missed has no keypoints that could be wrong.
                exact += kind == "keypoints"
                continue
            assert camera.detections.keypoints is not None
            keypoints[:, 2] = keypoints[:, 2] == VISIBLE
            keypoints[:, :2] += 0.5
            found = camera.detections.boxes_xyxy if kind == "boxes" else camera.detections.keypoints
            exact += np.array_equal(found[close[0]], box if kind == "boxes" else keypoints)
    assert there > 20
    return exact / there


def people_of_tracks(ticks: list[Tick], truths: dict[tuple[str, int], FrameTruth]) -> dict[tuple[str, int], set[int]]:
    """The people whose boxes each track's detections were."""
    whom: dict[tuple[str, int], set[int]] = {}
    for camera in (camera for tick in ticks for camera in tick.cameras):
        truth = truths[camera.frame.camera_id, camera.frame.frame_index]
        for track_id, row in zip(camera.tracks.track_ids, camera.tracks.detection_indices, strict=True):
            away = np.abs(truth.visible_boxes_xyxy - camera.detections.boxes_xyxy[row]).max(axis=1)
            if row >= 0 and away.min() <= 1:
                whom.setdefault((camera.frame.camera_id, int(track_id)), set()).add(
                    int(truth.person_ids[int(np.argmin(away))])
                )
    return whom


def identities_of_tracks(ticks: list[Tick]) -> dict[tuple[str, int], set[int]]:
    shown: dict[tuple[str, int], set[int]] = {}
    for camera in (camera for tick in ticks for camera in tick.cameras):
        for track_id, identity_id in zip(camera.tracks.track_ids, camera.identity_ids, strict=True):
            shown.setdefault((camera.frame.camera_id, int(track_id)), set()).add(int(identity_id))
    return shown


def test_the_same_input_gives_the_same_files(address: str, tmp_path: Path) -> None:
    for name in ("first", "second"):
        config = settings(address, ORACLE_NAMES)
        RecordedRun(pipeline(config), tmp_path / name, config).record()
    files = sorted(path.relative_to(tmp_path / "first") for path in (tmp_path / "first").rglob("*.*"))
    assert len(files) == 7
    for file in files:
        if file.name != "run.json":
            assert (tmp_path / "first" / file).read_bytes() == (tmp_path / "second" / file).read_bytes(), file


def test_a_rate_limit_thins_out_the_world_and_its_truth(address: str) -> None:
    config = deployment({"sources": {"cameras": [address], "max_fps": 4}, "oracle": list(ORACLE_NAMES)})
    ticks = list(pipeline(config))
    assert sum(len(tick.cameras) for tick in ticks) == 16
    assert sum(len(camera.detections) for tick in ticks for camera in tick.cameras) > 0


def test_stages_that_are_given_take_precedence_over_the_truth(cameras: list[ReplayedSource]) -> None:
    ran = Pipeline.from_config(
        deployment({"oracle": ["detections", "tracks", "identities"]}),
        sources=cameras,
        detector=FakeDetector(),
        encoders=(FakeFrameEncoder(), FakeClipHead()),
        make_tracker=lambda _: FakeTracker(),
        associator=FakeAssociator(),
    )
    assert isinstance(ran.stages.detector, FakeDetector)
    assert isinstance(ran.stages.associator, FakeAssociator)
    assert ran.oracles == ()
    some = Pipeline.from_config(
        deployment({"oracle": ["detections", "keypoints", "tracks"]}),
        sources=cameras,
        encoders=(FakeFrameEncoder(), FakeClipHead()),
        make_tracker=lambda _: FakeTracker(),
    )
    assert isinstance(some.stages.detector, OracleDetector)
    assert some.oracles == ("detections", "keypoints")


def test_cameras_without_truth_are_refused() -> None:
    with pytest.raises(InputError, match="'lobby' has no ground truth"):
        pipeline(deployment({"oracle": ["tracks"]}), [FakeSource("lobby", [])])
