from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

import av
import numpy as np
import pytest

from keyreid_stream.errors import InputError
from keyreid_stream.evaluation.mot_files import read_results, result_files
from keyreid_stream.fakes import RecordingSink
from keyreid_stream.sinks import MotSink, VideoSink, final_identities, read_events
from keyreid_stream.sinks.pieces import MotPieces, PieceRule, PiecesSink, event_log_pieces, pieces_in
from keyreid_stream.structures import CameraTick, Event, Tick, TrackKey

CameraTickMaker = Callable[..., CameraTick]
TickMaker = Callable[..., Tick]

MINUTE = PieceRule(1.0)


def names(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def at(seconds: float, *events: Event) -> Tick:
    return Tick(int(seconds), seconds, (), tuple(replace(event, timestamp_s=seconds) for event in events))


NEW = Event("new", 1, 0.0, "gate", 1, 0)
SEEN = Event("seen", 1, 0.0, "gate", 1, 9)


def test_a_log_in_pieces_is_read_as_one(tmp_path: Path) -> None:
    whole = [at(0, NEW), at(30, SEEN), at(59.9, SEEN), at(60, SEEN), at(200, SEEN), at(230, SEEN)]
    with event_log_pieces(tmp_path, MINUTE) as log:
        for tick in whole:
            log.write(tick)
    assert names(tmp_path) == ["events-000001.jsonl", "events-000002.jsonl", "events-000003.jsonl"]
    lengths = [len((tmp_path / name).read_text().splitlines()) for name in names(tmp_path)]
    assert lengths == [3, 1, 2]
    assert list(read_events(tmp_path / "events.jsonl")) == [event for tick in whole for event in tick.events]
    assert [event.timestamp_s for event in read_events(tmp_path / "events-000003.jsonl")] == [200, 230]


def test_old_pieces_are_deleted_and_readers_told_so(tmp_path: Path) -> None:
    with event_log_pieces(tmp_path, PieceRule(1.0, keep=2)) as log:
        for minute in range(5):
            log.write(at(60 * minute, SEEN))
    assert names(tmp_path) == ["events-000004.jsonl", "events-000005.jsonl"]
    with pytest.raises(InputError, match=r"begins with events-000004\.jsonl: what came before was deleted"):
        next(read_events(tmp_path / "events.jsonl"))
    assert len(list(read_events(tmp_path / "events.jsonl", partial=True))) == 2


def test_a_whole_log_beside_other_files_is_the_log(tmp_path: Path) -> None:
    (tmp_path / "events.jsonl").touch()
    (tmp_path / "events-000002.jsonl").write_text("not read\n")
    assert list(read_events(tmp_path / "events.jsonl")) == []


def test_without_a_limit_there_is_one_piece(tmp_path: Path) -> None:
    with event_log_pieces(tmp_path, PieceRule()) as log:
        for hour in range(5):
            log.write(at(3600 * hour, SEEN))
    assert names(tmp_path) == ["events-000001.jsonl"]


def test_tracks_go_on_from_piece_to_piece_under_their_identity(
    tmp_path: Path, tick: TickMaker, camera_tick: CameraTickMaker
) -> None:
    def seen(frame: int, *track_ids: int) -> CameraTick:
        rows = [(track_id, 0, (0, 0, 10, 10), 0.9) for track_id in track_ids]
        return camera_tick("gate", frame, rows, timestamp_s=20.0 * frame)

    with MotPieces(tmp_path, {"gate": 10.0, "yard": 10.0}, MINUTE) as tracks:
        tracks.write(tick(seen(0, 7, 8), events=[replace(NEW, identity_id=5, track_id=7)]))
        tracks.write(tick(seen(1, 7, 8)))
        tracks.write(tick(seen(2, 7)))
        # A new piece; 8 is decided too late for the first.
        tracks.write(tick(seen(3, 7, 8), events=[replace(NEW, identity_id=6, track_id=8, first_frame=0)]))
        tracks.write(tick(seen(4, 7), events=[Event("merged", 2, 80.0, other_identity_id=5)]))
    assert names(tmp_path) == ["000001/gate.txt", "000001/yard.txt", "000002/gate.txt", "000002/yard.txt"]
    first, second = (
        np.loadtxt(tmp_path / piece / "gate.txt", delimiter=",", ndmin=2) for piece in ("000001", "000002")
    )
    assert first[:, :2].tolist() == [[1, 5], [2, 5], [3, 5]]
    assert second[:, :2].tolist() == [[4, 2], [4, 6], [5, 2]]
    assert (tracks.undecided_rows, tracks.duplicate_rows) == (2, 0)
    assert [path.name for path in pieces_in(tmp_path)] == ["000001", "000002"]


def test_pieces_and_the_whole_agree_where_nothing_is_revised(
    tmp_path: Path, tick: TickMaker, camera_tick: CameraTickMaker
) -> None:
    random = np.random.default_rng(3)
    with MotPieces(tmp_path / "pieces", {}, MINUTE) as pieces, MotSink(tmp_path / "whole") as whole:
        known: set[int] = set()
        for frame in range(200):
            shown = sorted({frame // 20 + int(n) for n in random.integers(0, 4, 3)})
            new = [Event("new", t, 0.0, "gate", t, frame, first_frame=frame) for t in shown if t not in known]
            known |= set(shown)
            rows = [(t, t, (t, 0, t + 5, 9), 0.5) for t in shown]
            one = tick(camera_tick("gate", frame, rows, timestamp_s=float(frame)), events=new)
            pieces.write(one)
            whole.write(one)
    found = [path / "gate.txt" for path in pieces_in(tmp_path / "pieces")]
    assert len(found) == 4
    assert "".join(path.read_text() for path in found) == (tmp_path / "whole/gate.txt").read_text()


def test_tracks_in_pieces_are_refused_where_they_would_be_taken_for_one(tmp_path: Path) -> None:
    with MotPieces(tmp_path, {"gate": 10.0}, MINUTE) as tracks:
        for minute in range(3):
            tracks.write(at(60.0 * minute))
    with pytest.raises(InputError, match=r"are in pieces .* give one of them, .*000001 to 000003, or make") as caught:
        result_files(tmp_path)
    assert "\n" not in str(caught.value)
    assert len(read_results(result_files(tmp_path / "000002")["gate"])) == 0


def test_videos_in_pieces_know_cameras_that_joined(
    tmp_path: Path, tick: TickMaker, camera_tick: CameraTickMaker
) -> None:
    def place(number: int) -> Path:
        return tmp_path / str(number)

    def make(number: int, cameras: Mapping[str, float]) -> VideoSink:
        return VideoSink(place(number), cameras)

    with PiecesSink(MINUTE, make, place, {"gate": 10.0}) as videos:
        for second in range(0, 120, 10):
            seen = [camera_tick("gate", second, timestamp_s=float(second))]
            joined = {}
            if second >= 30:
                joined = {"yard": 5.0} if second == 30 else {}
                seen.append(camera_tick("yard", second, timestamp_s=float(second)))
            videos.write(replace(tick(*seen), joined=joined))
    assert names(tmp_path) == [f"{n}/{name}.mp4" for n in (1, 2) for name in ("gate", "mosaic", "yard")]
    for name, frames in {"1/gate": 6, "1/yard": 3, "2/gate": 6, "2/yard": 6, "2/mosaic": 6}.items():
        with av.open(str(tmp_path / f"{name}.mp4")) as video:
            assert sum(1 for _ in video.decode(video=0)) == frames, name


class Failing(RecordingSink):
    """Cannot be closed, as on a full disk."""

    def __exit__(self, *given: Any) -> None:
        raise OSError(28, "No space left on device")


def test_a_piece_that_cannot_be_closed_does_not_end_the_run(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    made: list[RecordingSink] = []

    def make(number: int, cameras: Mapping[str, float]) -> RecordingSink:
        made.append(Failing() if number == 1 else RecordingSink())
        return made[-1]

    with PiecesSink(MINUTE, make, lambda number: tmp_path / str(number), {}) as pieces, caplog.at_level(logging.ERROR):
        for minute in range(3):
            pieces.write(at(60.0 * minute))
    assert [len(one.ticks) for one in made] == [1, 1, 1]
    assert [record.getMessage() for record in caplog.records] == [
        f"piece 1 of {tmp_path / '1'} is not complete ([Errno 28] No space left on device)"
    ]


class Counting(RecordingSink):
    """Knows how often it was opened and closed."""

    def __init__(self) -> None:
        super().__init__()
        self.opened, self.closed = 0, 0

    def __enter__(self) -> Self:
        self.opened += 1
        return super().__enter__()

    def __exit__(self, *given: Any) -> None:
        self.closed += 1
        super().__exit__(*given)


@pytest.mark.parametrize("stop", [None, KeyboardInterrupt, OSError])
def test_every_piece_is_opened_and_closed_once_however_it_ends(
    tmp_path: Path, stop: type[BaseException] | None
) -> None:
    made: list[Counting] = []

    def make(number: int, cameras: Mapping[str, float]) -> Counting:
        made.append(Counting())
        return made[-1]

    def run() -> None:
        with PiecesSink(MINUTE, make, lambda number: tmp_path / str(number), {}) as pieces:
            for minute in range(4):
                pieces.write(at(60.0 * minute))
            if stop is not None:
                raise stop

    if stop is None:
        run()
    else:
        with pytest.raises(stop):
            run()
    assert [(one.opened, one.closed) for one in made] == [(1, 1)] * 4


def test_outside_the_block_it_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not open"):
        event_log_pieces(tmp_path, MINUTE).write(at(0))


def test_identities_of_a_log_in_pieces(tmp_path: Path) -> None:
    with event_log_pieces(tmp_path, MINUTE) as log:
        log.write(at(0, NEW))
        log.write(at(100, replace(NEW, identity_id=2, track_id=2)))
        log.write(at(200, Event("merged", 1, 0.0, other_identity_id=2)))
    found = final_identities(read_events(tmp_path / "events.jsonl"))
    assert found == {TrackKey("gate", 1): ((0, 1),), TrackKey("gate", 2): ((0, 1),)}
    assert json.loads((tmp_path / "events-000003.jsonl").read_text())["kind"] == "merged"
