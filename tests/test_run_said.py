"""What was said of every box, found again from a run's files: by hand, and against what a run said while it ran."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keyreid_stream.evaluation import ResultBoxes
from keyreid_stream.fakes import RecordingSink
from keyreid_stream.pipeline import Pipeline
from keyreid_stream.run import RecordedRun
from keyreid_stream.run_said import said_in_run, said_of_boxes
from keyreid_stream.sources import open_sources
from keyreid_stream.structures import Event, Tick
from tests.evaluation.scenes import HERE, THERE, Row, columns, track
from tests.ladder.ladders import careless_detector, make_pipeline, yard_address
from tests.ladder.ladders import settings as ladder_settings

FPS = 10.0
LEFT, MIDDLE = (0.0, 0.0, 20.0, 40.0), (5.0, 0.0, 25.0, 40.0)


def sighting(
    kind: str,
    identity_id: int,
    track_id: int,
    frame: int,
    box: tuple[float, float, float, float] = HERE,
    *,
    camera_id: str = "door",
    first_frame: int | None = None,
) -> Event:
    """Frame counts from 1 here, as in the files."""
    return Event(
        kind,  # type: ignore[arg-type]
        identity_id,
        (frame - 1) / FPS,
        camera_id,
        track_id,
        frame - 1,
        box,
        first_frame=first_frame,
    )


def online(events: list[Event], rows: list[Row]) -> list[int]:
    said = said_of_boxes(events, {"door": ResultBoxes(*columns(rows))}, {"door": FPS})
    found: list[int] = said["door"].online.tolist()
    return found


def test_nothing_is_said_before_the_decision() -> None:
    assert online([sighting("new", 4, 1, 3)], track(4, range(1, 6))) == [0, 0, 4, 4, 4]


def test_a_merge_holds_from_its_time_on_and_in_the_end_for_all() -> None:
    events = [sighting("new", 4, 1, 2), Event("merged", 3, 0.35, other_identity_id=4)]
    assert online(events, track(3, range(1, 7))) == [0, 4, 4, 4, 3, 3]


def test_a_split_of_a_tracklet_leaves_what_was_said_before() -> None:
    """From frame 3 on the track is somebody else, which is found out after frame 5."""
    events = [
        sighting("new", 4, 1, 1),
        Event("split", 5, 0.45, "door", 1, other_identity_id=4, first_frame=2),
        sighting("seen", 5, 1, 6),
    ]
    rows = track(4, range(1, 3)) + track(5, range(3, 7))
    assert online(events, rows) == [4, 4, 4, 4, 4, 5]


def test_two_tracks_of_one_identity_change_where_frames_are_missing() -> None:
    """Track 1 is lost after frame 4, track 2 begins in frame 7 and is recognised in frame 9."""
    events = [sighting("new", 4, 1, 1), sighting("seen", 4, 1, 3), sighting("matched", 4, 2, 9)]
    rows = track(4, [1, 2, 3, 4, 7, 8, 9, 10])
    assert online(events, rows) == [4, 4, 4, 4, 0, 0, 4, 4]


def test_without_a_gap_they_change_where_the_box_jumps() -> None:
    events = [sighting("new", 4, 1, 1, LEFT), sighting("matched", 4, 2, 6, THERE)]
    rows = [*track(4, [1, 2], LEFT), *track(4, [3], MIDDLE), *track(4, [4, 5, 6, 7], THERE)]
    assert online(events, rows) == [4, 4, 4, 0, 0, 4, 4]


def test_a_sighting_whose_row_gave_way_to_another_tracks_is_no_mark() -> None:
    """Two tracks end up as one identity; in frame 2 the row of the first was kept, so its box is not the second's."""
    events = [sighting("new", 4, 1, 1), sighting("new", 5, 2, 2, THERE), Event("merged", 4, 0.9, other_identity_id=5)]
    assert online(events, track(4, range(1, 4))) == [4, 4, 4]


def test_a_row_that_no_event_speaks_of_was_never_named() -> None:
    assert online([sighting("new", 4, 1, 1)], track(9, range(1, 3))) == [0, 0]


def test_cameras_have_clocks_of_their_own() -> None:
    """The yard's clock is 100 s ahead; a merge at 100.25 s holds there from frame 4 on."""
    events = [
        Event("new", 4, 100.0, "yard", 1, 0, HERE),
        Event("seen", 4, 100.1, "yard", 1, 1, HERE),
        Event("merged", 3, 100.25, other_identity_id=4),
    ]
    said = said_of_boxes(events, {"yard": ResultBoxes(*columns(track(3, range(1, 6))))}, {"yard": FPS})
    assert said["yard"].online.tolist() == [4, 4, 4, 3, 3]


def test_an_event_waits_for_none_that_comes_before_it_in_its_tick() -> None:
    """In one tick, the yard's frame is 40 ms later than the door's; what is decided after it holds in both."""
    events = [
        sighting("new", 4, 1, 1),
        Event("new", 7, 0.14, "yard", 1, 1, THERE),
        sighting("split", 5, 1, 2, first_frame=0),
    ]
    assert online(events, track(5, range(1, 4))) == [4, 5, 5]


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_tracks_are_found_again(seed: int) -> None:
    """Random tracks of few people, each seen now and then, with gaps between them: every row finds its own track."""
    rng = np.random.default_rng(seed)
    events, rows, expected = [], [], []
    for identity_id in range(1, 4):
        frame = int(rng.integers(1, 5))
        for number in range(int(rng.integers(1, 4))):
            track_id, length = 10 * identity_id + number, int(rng.integers(2, 9))
            decided = frame + int(rng.integers(0, length))
            where = (float(rng.uniform(0, 500)), 0.0)
            for at in range(frame, frame + length):
                box = (where[0], where[1], where[0] + 20, where[1] + 50)
                rows.append((at, identity_id, box))
                expected.append(identity_id if at >= decided else 0)
                if at == decided or (at > decided and rng.random() < 0.3):
                    events.append(sighting("matched" if at == decided else "seen", identity_id, track_id, at, box))
            frame += length + int(rng.integers(2, 6))
    events.sort(key=lambda event: event.timestamp_s)
    assert online(events, rows) == expected


class Listener(RecordingSink):
    """Notes of every shown track who it was said to show, by camera and frame from 1."""

    def __init__(self) -> None:
        super().__init__()
        self.heard: dict[tuple[str, int], list[tuple[np.ndarray, int]]] = {}

    def write(self, tick: Tick, /) -> None:
        for one in tick.cameras:
            self.heard[one.frame.camera_id, one.frame.frame_index + 1] = list(
                zip(one.tracks.boxes_xyxy, one.identity_ids.tolist(), strict=True)
            )


@pytest.fixture
def pipeline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Pipeline:
    """A real tracker and a real associator behind a careless detector: tracks break, and decisions are revised."""
    address = yard_address(tmp_path)
    monkeypatch.setattr("keyreid_stream.pipeline.UltralyticsPose", careless_detector(address))
    association = {"min_quality": 0.0, "min_observations": 2, "revise_every_s": 0.2}
    config = ladder_settings(address, association=association)
    return make_pipeline(config, open_sources(config.sources.cameras))


def test_a_run_is_heard_again_word_for_word(pipeline: Pipeline, tmp_path: Path) -> None:
    listener = Listener()
    run = RecordedRun(pipeline, tmp_path / "run")
    run.record([listener])
    said = said_in_run(tmp_path / "run", run.cameras)
    rows = undecided = 0
    for camera_id, boxes in said.items():
        for frame, box, identity_id in zip(
            boxes.revised.frames.tolist(), boxes.revised.boxes_xyxy, boxes.online.tolist(), strict=True
        ):
            candidates = listener.heard[camera_id, frame]
            near, heard = min(candidates, key=lambda one: float(np.abs(one[0] - box).max()))
            assert np.abs(near - box).max() < 0.03
            assert heard == identity_id, (camera_id, frame)
            rows += 1
            undecided += identity_id == 0
    assert rows > 30
    assert 0 < undecided < rows
