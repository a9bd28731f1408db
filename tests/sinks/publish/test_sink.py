from __future__ import annotations

import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from keyreid_stream.errors import InputError
from keyreid_stream.geometry.calibration import CameraCalibration
from keyreid_stream.sinks.publish import PublishError, PublishSink, Spool, WebhookConfig
from keyreid_stream.structures import CameraTick, Event, Tick
from tests.sinks.publish.receivers import Receiver

CameraTickMaker = Callable[..., CameraTick]
TickMaker = Callable[..., Tick]

NEW = Event("new", 1, 0.0, "gate", 1, 0)


OVERHEAD = CameraCalibration(
    "gate",
    128,
    96,
    K=np.array([[100.0, 0.0, 63.5], [0.0, 100.0, 47.5], [0.0, 0.0, 1.0]]),
    distortion=np.zeros(5),
    R=np.diag([1.0, -1.0, -1.0]),
    t=np.array([0.0, 0.0, 10.0]),
)
"""Ten metres up, looking straight down: a pixel is 10 cm of floor."""


def sink(path: Path, receiver: Receiver, run_id: str = "run", **settings: Any) -> PublishSink:
    config = WebhookConfig(kind="webhook", url="http://unused", drain_s=10, **settings)
    return PublishSink("hall", receiver, config, path / "hall.spool", run_id)


def test_events_of_all_ticks_arrive(tmp_path: Path, tick: TickMaker) -> None:
    receiver = Receiver()
    with sink(tmp_path, receiver) as output:
        output.write(tick(events=[NEW, NEW]))
        output.write(tick())
        output.write(tick(events=[NEW]))
    assert [one["event_id"] for one in receiver.messages] == ["run-e1", "run-e2", "run-e3"]
    assert output.counts == {"sent": 3, "waiting": 0, "dropped": 0, "failures": 0, "problem": ""}


def test_sightings_are_thinned_to_their_rate(tmp_path: Path, tick: TickMaker, camera_tick: CameraTickMaker) -> None:
    receiver = Receiver()
    with sink(tmp_path, receiver, events=False, sightings_fps=4) as output:
        for frame in range(50):  # 25 a second in one camera, 2 in the other
            cameras = [camera_tick("fast", frame, [(1, 1, (0, 0, 5, 5), 0.5)], fps=25.0)]
            if frame % 10 == 0:
                cameras.append(camera_tick("slow", frame // 10, fps=2.5))
            output.write(tick(*cameras, events=[NEW]))
    fast = [one["frame_index"] for one in receiver.messages if one["camera_id"] == "fast"]
    assert fast == [0, 7, 13, 19, 25, 32, 38, 44]
    assert [one["frame_index"] for one in receiver.messages if one["camera_id"] == "slow"] == [0, 1, 2, 3, 4]
    assert {one["type"] for one in receiver.messages} == {"sightings"}


def test_an_event_has_the_same_id_in_every_output(tmp_path: Path, tick: TickMaker) -> None:
    one, other = Receiver(), Receiver()
    with sink(tmp_path / "a", one) as first, sink(tmp_path / "b", other, sightings_fps=1) as second:
        for output in (first, second):
            output.write(tick(events=[NEW, NEW]))
    assert [m["event_id"] for m in one.messages] == [m["event_id"] for m in other.messages]


def test_a_restarted_run_sends_first_what_was_left(tmp_path: Path, tick: TickMaker) -> None:
    receiver = Receiver()
    receiver.refusal = PublishError("away")
    with sink(tmp_path, receiver, "one") as output:
        output.write(tick(events=[NEW, NEW]))
    assert output.counts["waiting"] == 2
    receiver.refusal = None
    with sink(tmp_path, receiver, "two") as output:
        output.write(tick(events=[NEW]))
    assert [one["event_id"] for one in receiver.messages] == ["one-e1", "one-e2", "two-e1"]


def test_what_is_left_is_said(tmp_path: Path, tick: TickMaker, caplog: pytest.LogCaptureFixture) -> None:
    receiver = Receiver()
    receiver.refusal = PublishError("away")
    with sink(tmp_path, receiver) as output:
        output.write(tick(events=[NEW]))
    assert f"1 messages are not sent yet; they stay in {tmp_path / 'hall.spool'}" in caplog.text


def test_the_run_does_not_wait_for_a_receiver(tmp_path: Path, tick: TickMaker) -> None:
    """A receiver that takes a tenth of a second a batch: 300 ticks would take half a minute."""
    receiver = Receiver()
    receiver.during = lambda: time.sleep(0.1)
    with sink(tmp_path, receiver, batch_messages=1000) as output:
        for _ in range(300):
            output.write(tick(events=[NEW]))
    assert len(receiver.batches) < 150
    assert [one["number"] for one in receiver.messages] == list(range(1, 301))


def test_a_broken_spool_is_said_once_and_the_run_goes_on(
    tmp_path: Path, tick: TickMaker, caplog: pytest.LogCaptureFixture
) -> None:
    receiver = Receiver()
    with sink(tmp_path, receiver) as output:
        output._spool.__exit__(None, None, None)
        with caplog.at_level(logging.ERROR):
            for _ in range(3):
                output.write(tick(events=[NEW]))
        output._spool.__enter__()
        output.write(tick(events=[NEW]))
    assert len([one for one in caplog.records if one.levelno == logging.ERROR]) == 1
    gap, last = receiver.messages
    assert (gap["type"], gap["dropped"], last["number"]) == ("gap", 3, 4)
    assert output.counts["dropped"] == 3


def test_gauges(tmp_path: Path, tick: TickMaker) -> None:
    receiver = Receiver()
    receiver.refusal = PublishError("away")
    with sink(tmp_path, receiver, spool_messages=3) as output:
        output.write(tick(events=[NEW] * 10))
        deadline = time.monotonic() + 10
        while not output.gauges()["away"] and time.monotonic() < deadline:
            time.sleep(0.01)
        gauges = output.gauges()
    assert gauges["waiting_messages"] == 3
    assert gauges["waiting_bytes"] > 500
    assert (gauges["sent"], gauges["dropped"]) == (0, 8)
    assert gauges["failures"] >= 1


def test_places_on_the_floor_come_from_the_calibration(
    tmp_path: Path, tick: TickMaker, camera_tick: CameraTickMaker
) -> None:
    receiver = Receiver()
    used = {"gate": OVERHEAD}
    config = WebhookConfig(kind="webhook", url="http://unused", drain_s=10, sightings_fps=100)
    box = (70.0, 10.0, 78.0, 43.0)  # its foot is 10 pixels right of the middle, and 5 above
    with PublishSink("hall", receiver, config, tmp_path / "a.spool", "run", lambda: used) as output:
        output.write(tick(camera_tick("gate", 0, [(1, 1, box, 0.9)])))
        output.write(tick(camera_tick("other", 0, [(1, 1, box, 0.9)])))
        output.write(tick(camera_tick("gate", 1, [(1, 1, box, 0.9)], predicted=True)))
        output.write(tick(camera_tick("gate", 2, [(1, 1, box, 0.9)], image=np.zeros((10, 10, 3), np.uint8))))
        used.clear()  # found to be wrong meanwhile
        output.write(tick(camera_tick("gate", 3, [(1, 1, box, 0.9)])))
    first, *others = [one["people"][0]["floor_xy"] for one in receiver.messages]
    assert first == [1.0, 0.5]
    assert others == [None] * 4


def test_outside_the_block_it_is_refused(tmp_path: Path, tick: TickMaker) -> None:
    output = sink(tmp_path, Receiver())
    with pytest.raises(InputError, match="not open"):
        output.write(tick())


def test_a_spool_in_use_stops_the_run_before_it_starts(tmp_path: Path) -> None:
    receiver = Receiver()
    with (
        Spool(tmp_path / "hall.spool", max_messages=9, max_bytes=10_000),
        pytest.raises(InputError, match="in use by another run"),
        sink(tmp_path, receiver),
    ):
        pass
