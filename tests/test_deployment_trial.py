"""What cameras that are each good can be together."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from keyreid_stream import deployment_trial
from keyreid_stream.config import deployment
from keyreid_stream.deployment_trial import DeploymentTrial, try_deployment
from keyreid_stream.errors import InputError
from keyreid_stream.sinks.publish.trial import OutputTrial
from keyreid_stream.sources import SourcesConfig
from keyreid_stream.sources.trial import CameraTrial
from keyreid_stream.sources.trial_findings import Size


def trial(monkeypatch: pytest.MonkeyPatch, *cameras: CameraTrial, calibration: Path | None = None) -> DeploymentTrial:
    by_name = {camera.camera_id: camera for camera in cameras}

    def tried(spec: str, config: SourcesConfig, *, seconds: float, stop: threading.Event) -> list[CameraTrial]:
        return [by_name[spec]]

    monkeypatch.setattr(deployment_trial, "try_cameras", tried)
    sources = {"cameras": list(by_name)} | ({} if calibration is None else {"calibration": str(calibration)})
    return try_deployment(deployment({"sources": sources}))


def live(name: str, latency_s: float | None = None, fault: str = "") -> CameraTrial:
    return CameraTrial(name, f"rtsp://{name}", True, "h264", (Size(64, 48),), 50, latency_s=latency_s, fault=fault)


def test_the_order_is_as_given(monkeypatch: pytest.MonkeyPatch) -> None:
    found = trial(monkeypatch, live("c"), live("a"), live("b"))
    assert [camera.camera_id for camera in found.cameras] == ["c", "a", "b"]
    assert found.is_sound
    assert (found.faults, found.notes, found.outputs) == ((), (), ())


@pytest.mark.parametrize(
    ("latencies", "told"),
    [
        ([0.1, 0.5, 0.59], None),
        ([0.1, 0.5, 0.61], "'a' and 'c' differ by about 0.5 s"),
        ([2.0, -0.2, None], "'b' and 'a' differ by about 2.2 s"),
        ([9.0, None, None], None),
    ],
)
def test_wall_clocks_that_differ_are_told(
    latencies: list[float | None], told: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = trial(monkeypatch, *(live(name, late) for name, late in zip("abc", latencies, strict=True)))
    assert len(found.notes) == (told is not None)
    assert told is None or told in found.notes[0]
    assert found.is_sound


def test_a_camera_that_failed_is_not_held_against_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    found = trial(monkeypatch, live("a"), CameraTrial("b", "b.mp4", fault="b.mp4 is empty"))
    assert found.faults == ()
    assert not found.is_sound


def test_calibrations_of_a_camera_that_is_away_are_not_missed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    found = trial(monkeypatch, live("a", fault="away"), calibration=tmp_path / "none")
    assert found.faults == (
        f"no calibration at {tmp_path / 'none'}; give a folder with one JSON file per camera, or one such file",
    )


def test_an_output_that_fails_is_no_sound_deployment() -> None:
    assert DeploymentTrial((live("a"),), (OutputTrial("o", "mqtt"),)).is_sound
    assert not DeploymentTrial((live("a"),), (OutputTrial("o", "mqtt", fault="away"),)).is_sound
    assert not DeploymentTrial((live("a"),), faults=("no",)).is_sound


def test_without_cameras_there_is_nothing_to_try() -> None:
    with pytest.raises(InputError, match="no camera was given"):
        try_deployment(deployment({}))


def test_an_interruption_waits_for_no_camera(monkeypatch: pytest.MonkeyPatch) -> None:
    def tried(spec: str, config: SourcesConfig, *, seconds: float, stop: threading.Event) -> list[CameraTrial]:
        if spec == "a":
            raise KeyboardInterrupt  # comes out of `result`, as Ctrl-C does
        assert stop.wait(60)
        return []

    monkeypatch.setattr(deployment_trial, "try_cameras", tried)
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        try_deployment(deployment({"sources": {"cameras": ["a", "b"]}}))
    assert time.monotonic() - began < 30
