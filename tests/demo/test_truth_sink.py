from __future__ import annotations

from types import TracebackType
from typing import Self

import pytest

from keyreid_stream.demo.truth_sink import TruthSink
from keyreid_stream.errors import InputError
from keyreid_stream.structures import CameraTick, Detections, Frame, Tick, Tracks
from keyreid_stream.world.address import open_world
from keyreid_stream.world.source import WorldSource
from keyreid_stream.world.truth import Shot
from tests.demo.demos import yard_config


class Keeper:
    """A writer of shots that keeps them."""

    def __init__(self) -> None:
        self.shots: list[Shot] = []
        self.is_open = False

    def __enter__(self) -> Self:
        self.is_open = True
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        self.is_open = False

    def write(self, shot: Shot) -> None:
        assert self.is_open
        self.shots.append(shot)


@pytest.fixture
def cameras(tmp_path_factory: pytest.TempPathFactory) -> list[WorldSource]:
    return open_world(yard_config(tmp_path_factory.mktemp("world"), seconds=1.0).address, keep_truth=True)


def tick_of(*frames: Frame) -> Tick:
    seen = tuple(
        CameraTick(frame, Detections.empty(), Tracks.empty(), Tracks.empty().track_ids, {}) for frame in frames
    )
    return Tick(0, 0.0, seen, ())


def test_every_frame_goes_to_the_writer_with_its_own_truth(cameras: list[WorldSource]) -> None:
    keeper = Keeper()
    frames = [list(camera.frames()) for camera in cameras]
    with TruthSink(keeper, {camera.camera_id: camera for camera in cameras}) as sink:
        sink.write(tick_of(frames[0][3], frames[1][1]))
        sink.write(tick_of(frames[0][4]))
    assert [(shot.frame.camera_id, shot.frame.frame_index) for shot in keeper.shots] == [
        ("east", 3),
        ("west", 1),
        ("east", 4),
    ]
    # Truth is on the world's clock: ten frames a second in the east, five in the west.
    assert [shot.truth.time_s for shot in keeper.shots] == pytest.approx([0.3, 0.2, 0.4])


def test_the_writer_is_finished_also_when_a_frame_is_nobodys(cameras: list[WorldSource]) -> None:
    keeper = Keeper()
    (never_given, *_) = list(cameras[0].frames())
    fresh = open_world("world://plaza?seconds=1&cameras=1", keep_truth=True)
    with (
        pytest.raises(InputError, match="truth"),
        TruthSink(keeper, {"east": fresh[0]}) as sink,
    ):
        sink.write(tick_of(never_given))
    assert not keeper.is_open
