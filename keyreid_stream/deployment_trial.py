"""A deployment tried without models: each camera and each output alone, and all of them together."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from keyreid_stream.camera_names import check_distinct
from keyreid_stream.config import DeploymentConfig
from keyreid_stream.errors import InputError
from keyreid_stream.geometry.calibration import CameraCalibration
from keyreid_stream.geometry.calibrations import check_calibrations, check_resolution, read_calibrations
from keyreid_stream.sinks.publish import output_names
from keyreid_stream.sinks.publish.trial import OutputTrial, try_output
from keyreid_stream.sources.trial import CameraTrial, try_cameras

CLOCKS_APART_S = 0.5
"""Cameras whose frames come so differently late by their own clocks have clocks that differ."""

_MOST_AT_ONCE = 64


@dataclass(frozen=True, slots=True)
class DeploymentTrial:
    """What trying a deployment showed.

    Attributes:
        cameras: in the order given.
        outputs: in the order given.
        faults: of all together: why there can be no run, and what to do.
        notes: of all together: what is not as it should be though there can be a run, and what to do.
    """

    cameras: tuple[CameraTrial, ...]
    outputs: tuple[OutputTrial, ...] = ()
    faults: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def is_sound(self) -> bool:
        """Whether a run can begin and will have everything that it is to have."""
        found = [*(camera.fault for camera in self.cameras), *(output.fault for output in self.outputs)]
        return not self.faults and not any(found)


def try_deployment(config: DeploymentConfig, *, seconds: float = 6.0) -> DeploymentTrial:
    """Open every camera and reach every output, all at the same time, as a run would have them.

    Nothing is written, no message is sent and no model is loaded.

    Args:
        config: the deployment.
        seconds: how long to take frames of each camera.

    Raises:
        InputError: it has no camera.
    """
    if not config.sources.cameras:
        raise InputError("no camera was given; give cameras, or a deployment that names some under [sources]")
    stop = threading.Event()
    of_cameras: list[Callable[[], list[CameraTrial]]] = [
        partial(try_cameras, spec, config.sources, seconds=seconds, stop=stop) for spec in config.sources.cameras
    ]
    of_outputs: list[Callable[[], OutputTrial]] = [
        partial(try_output, name, output) for name, output in output_names(config.output.publish).items()
    ]
    with ThreadPoolExecutor(min(_MOST_AT_ONCE, len(of_cameras) + len(of_outputs))) as pool:
        outputs = [pool.submit(attempt) for attempt in of_outputs]
        cameras = [pool.submit(attempt) for attempt in of_cameras]
        try:
            trials = [trial for attempt in cameras for trial in attempt.result()]
            reached = tuple(attempt.result() for attempt in outputs)
        finally:  # after Ctrl-C, cameras that are still being tried
            stop.set()
            pool.shutdown(wait=False, cancel_futures=True)
    trials, faults = _with_calibrations(trials, config.sources.calibration)
    return DeploymentTrial(tuple(trials), reached, (*faults, *_joint_faults(trials)), tuple(_joint_notes(trials)))


def _joint_faults(trials: Sequence[CameraTrial]) -> list[str]:
    faults = []
    try:
        check_distinct([(trial.camera_id, trial.address) for trial in trials])
    except InputError as error:
        faults.append(str(error))
    usable = [trial for trial in trials if not trial.fault]
    live = [trial.camera_id for trial in usable if trial.live]
    files = [trial.camera_id for trial in usable if not trial.live]
    if live and files:
        faults.append(
            f"live cameras and files have different clocks and cannot share a run: {live[0]!r} is live, "
            f"{files[0]!r} is not; run them apart"
        )
    return faults


def _joint_notes(trials: Sequence[CameraTrial]) -> list[str]:
    """Whether the cameras' wall clocks agree: each alone may be right."""
    told = sorted((trial.latency_s, trial.camera_id) for trial in trials if trial.latency_s is not None)
    if len(told) < 2 or told[-1][0] - told[0][0] <= CLOCKS_APART_S:
        return []
    (least_s, first), (most_s, last) = told[0], told[-1]
    return [
        f"the wall clocks of {first!r} and {last!r} differ by about {most_s - least_s:.1f} s; set all cameras' clocks "
        "by one time server (NTP)"
    ]


def _with_calibrations(trials: list[CameraTrial], path: str | None) -> tuple[list[CameraTrial], list[str]]:
    """The trials, with what is wrong between pictures and calibrations; what is wrong with these alone."""
    if path is None:
        return trials, []
    try:
        calibrations = read_calibrations(Path(path).expanduser())
        if not any(trial.fault for trial in trials):  # else names may be missing that are only away
            check_calibrations(calibrations, [trial.camera_id for trial in trials])
    except InputError as error:
        return trials, [str(error)]
    return [_with_calibration(trial, calibrations.get(trial.camera_id), path) for trial in trials], []


def _with_calibration(trial: CameraTrial, calibration: CameraCalibration | None, path: str) -> CameraTrial:
    if trial.fault:
        return trial
    if calibration is None:
        note = f"{path} holds no calibration of it: people are known by their looks alone there"
        return replace(trial, notes=(*trial.notes, note))
    try:
        check_resolution(calibration, *trial.sizes[0])
    except InputError as error:
        return replace(trial, fault=str(error))
    return trial
