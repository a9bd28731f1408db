from __future__ import annotations

import dataclasses
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from keyreid_stream.errors import InputError
from keyreid_stream.sinks import MotSink
from keyreid_stream.structures import CameraTick, Event, Frame, Tick

CameraTickMaker = Callable[..., CameraTick]
TickMaker = Callable[..., Tick]

BOX = (10.0, 20.0, 30.0, 60.0)


def event(kind: str, identity_id: int, camera_id: str | None = None, track_id: int | None = None, **more: int) -> Event:
    return Event(kind, identity_id, 0.0, camera_id, track_id, **more)  # type: ignore[arg-type]


def read(path: Path) -> np.ndarray:
    return np.loadtxt(path, delimiter=",", ndmin=2)


def test_rows_are_motchallenge_text(tmp_path: Path, camera_tick: CameraTickMaker, tick: TickMaker) -> None:
    with MotSink(tmp_path / "tracks") as sink:
        sink.write(tick(camera_tick("a", 0, [(7, 1, BOX, 0.875)]), events=[event("new", 1, "a", 7)]))
        sink.write(tick(camera_tick("a", 2, [(7, 1, (-1.5, 0, 20.255, 9.999), 0.5)])))
    assert (tmp_path / "tracks" / "a.txt").read_text() == (
        "1,1,10.00,20.00,20.00,40.00,0.8750,-1,-1,-1\n3,1,-1.50,0.00,21.75,10.00,0.5000,-1,-1,-1\n"
    )


def test_early_rows_get_the_identity_that_was_decided_later(
    tmp_path: Path, camera_tick: CameraTickMaker, tick: TickMaker
) -> None:
    with MotSink(tmp_path) as sink:
        for index in range(4):
            decided = [event("new", 5, "a", 1)] if index == 2 else []
            sink.write(tick(camera_tick("a", index, [(1, 0, BOX, 0.9), (2, 0, BOX, 0.9)]), events=decided))
        assert not (tmp_path / "a.txt").exists()
    rows = read(tmp_path / "a.txt")
    assert rows[:, 0].tolist() == [1, 2, 3, 4]
    assert rows[:, 1].tolist() == [5, 5, 5, 5]
    assert sink.undecided_rows == 4


def test_revisions_rewrite_history(tmp_path: Path, camera_tick: CameraTickMaker, tick: TickMaker) -> None:
    """Merged with an identity of another camera, split off again, forgotten: the last word holds for all rows."""
    new = [event("new", 1, "a", 1), event("new", 2, "b", 1), event("new", 3, "b", 2), event("new", 4, "b", 3)]
    later = [
        event("merged", 1, other_identity_id=2),
        event("split", 9, "b", 2, other_identity_id=3),
        event("forgotten", 4),
    ]
    with MotSink(tmp_path) as sink:
        rows = [(1, 2, BOX, 0.9), (2, 3, BOX, 0.9), (3, 4, BOX, 0.9)]
        sink.write(tick(camera_tick("a", 0, [(1, 1, BOX, 0.9)]), camera_tick("b", 0, rows), events=new))
        sink.write(tick(camera_tick("a", 1, []), events=later))
    assert read(tmp_path / "a.txt")[:, 1].tolist() == [1]
    assert read(tmp_path / "b.txt")[:, 1].tolist() == [1, 9]
    assert sink.undecided_rows == 1


def test_one_identity_appears_once_in_a_frame(tmp_path: Path, camera_tick: CameraTickMaker, tick: TickMaker) -> None:
    with MotSink(tmp_path) as sink:
        rows = [(1, 0, BOX, 0.6), (2, 0, (0, 0, 5, 5), 0.8), (3, 0, (1, 1, 2, 2), 0.7)]
        new = [event("new", track, "a", track) for track in (1, 2, 3)]
        sink.write(tick(camera_tick("a", 0, rows), events=new))
        sink.write(tick(camera_tick("a", 1, rows[:1]), events=[event("merged", 1, other_identity_id=2)]))
    written = read(tmp_path / "a.txt")
    assert written[:, :3].tolist() == [[1, 1, 0], [1, 3, 1], [2, 1, 10]]
    assert sink.duplicate_rows == 1


def test_cameras_without_tracks_get_an_empty_file(
    tmp_path: Path, camera_tick: CameraTickMaker, tick: TickMaker
) -> None:
    with MotSink(tmp_path, ["announced"]) as sink:
        sink.write(tick(camera_tick("quiet", 0)))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["announced.txt", "quiet.txt"]
    assert all(path.read_bytes() == b"" for path in tmp_path.iterdir())


@pytest.mark.parametrize("stop", [RuntimeError, KeyboardInterrupt])
def test_an_interrupted_run_leaves_whole_files_only(
    tmp_path: Path, camera_tick: CameraTickMaker, tick: TickMaker, stop: type[BaseException]
) -> None:
    def run() -> None:
        with MotSink(tmp_path, ["a", "b"]) as sink:
            sink.write(tick(camera_tick("a", 0, [(1, 1, BOX, 0.9)]), events=[event("new", 1, "a", 1)]))
            raise stop

    with pytest.raises(stop):
        run()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.txt", "b.txt"]
    assert read(tmp_path / "a.txt")[:, :2].tolist() == [[1, 1]]


def test_a_failure_inside_write_still_resolves_what_came_before(
    tmp_path: Path, camera_tick: CameraTickMaker, tick: TickMaker
) -> None:
    def run() -> None:
        with MotSink(tmp_path) as sink:
            sink.write(tick(camera_tick("a", 0, [(1, 1, BOX, 0.9)]), events=[event("new", 1, "a", 1)]))
            sink.write(tick(camera_tick("a", 1, [(1, 1, BOX, 0.9)]), events=[event("new", 1)]))

    with pytest.raises(InputError, match="needs camera_id"):
        run()
    assert read(tmp_path / "a.txt")[:, :2].tolist() == [[1, 1]]


@pytest.mark.parametrize("name", ["../a", "a/b", "", "..", "a\\b", "c:d", "a*", "a ", "x" * 300])
def test_no_camera_writes_elsewhere(tmp_path: Path, camera_tick: CameraTickMaker, tick: TickMaker, name: str) -> None:
    with pytest.raises(InputError, match="camera name"):
        MotSink(tmp_path, [name])
    with pytest.raises(InputError, match="camera name"), MotSink(tmp_path / "tracks") as sink:
        sink.write(tick(camera_tick(name, 0)))
    assert [path.name for path in tmp_path.rglob("*")] == ["tracks"]


def test_one_camera_that_cannot_be_finished_does_not_take_the_others_along(
    tmp_path: Path, camera_tick: CameraTickMaker, tick: TickMaker
) -> None:
    """Nor does its failure hide why the run ended."""
    (tmp_path / "b.txt").mkdir()

    def run() -> None:
        with MotSink(tmp_path, ["a", "b", "c"]) as sink:
            cameras = [camera_tick(camera_id, 0, [(1, 1, BOX, 0.9)]) for camera_id in ("a", "b", "c")]
            sink.write(tick(*cameras, events=[event("new", 1, camera_id, 1) for camera_id in ("a", "b", "c")]))
            raise KeyboardInterrupt

    with pytest.raises(OSError, match=r"b\.txt") as caught:
        run()
    assert isinstance(caught.value.__context__, KeyboardInterrupt)
    assert read(tmp_path / "a.txt")[:, :2].tolist() == read(tmp_path / "c.txt")[:, :2].tolist() == [[1, 1]]
    unfinished = {path.name for path in tmp_path.iterdir()} - {"a.txt", "b.txt", "c.txt"}
    assert "b.txt.part" in unfinished
    assert all(name.endswith(".part") for name in unfinished)


def test_writing_outside_the_block_is_refused(tmp_path: Path, camera_tick: CameraTickMaker, tick: TickMaker) -> None:
    sink = MotSink(tmp_path, ["a"])
    with pytest.raises(InputError, match="not open"):
        sink.write(tick(camera_tick("a")))
    with sink:
        pass
    with pytest.raises(InputError, match="not open"):
        sink.write(tick(camera_tick("b")))
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]


def test_memory_does_not_grow_with_rows(tmp_path: Path, camera_tick: CameraTickMaker, tick: TickMaker) -> None:
    """Forty thousand rows are 2 MB of text, and far more as objects."""
    busy = camera_tick("a", 0, [(track, track, BOX, 0.9) for track in range(1, 101)])
    new = [event("new", track, "a", track) for track in range(1, 101)]
    tracemalloc.start()
    try:
        with MotSink(tmp_path) as sink:
            sink.write(tick(busy, events=new))
            for index in range(1, 400):
                sink.write(tick(dataclasses.replace(busy, frame=Frame("a", index, 0.0, busy.frame.image))))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (tmp_path / "a.txt").stat().st_size > 1_500_000
    assert peak < 700_000
