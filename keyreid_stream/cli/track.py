"""`keyreid track`: cameras in, a folder with one list of people out."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from keyreid_stream.cli import INTERRUPTED
from keyreid_stream.cli.memory import ReturnFreeMemory
from keyreid_stream.cli.progress import Progress
from keyreid_stream.cli.stop import StopOnSignals
from keyreid_stream.config import DeploymentConfig, deployment, merged, read_settings
from keyreid_stream.pipeline import MakeEncoders
from keyreid_stream.run import RecordedRun, RunResult
from keyreid_stream.sinks import WindowSink, require_display


def track(
    cameras: Annotated[
        list[str] | None,
        typer.Argument(help="Video files, image folders, rtsp://… and the like; `name=` in front names a camera."),
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder for the results; must be new or empty.")] = Path("runs/track"),
    config: Annotated[Path | None, typer.Option(help="TOML file of settings; options below override it.")] = None,
    pose: Annotated[str | None, typer.Option(help="YOLO-pose weights: .pt, .onnx or an exported folder.")] = None,
    imgsz: Annotated[int | None, typer.Option(help="Detector input size; 1280 finds people under 60 px.")] = None,
    confidence: Annotated[float | None, typer.Option(help="Least detection confidence, 0 to 1.")] = None,
    min_height: Annotated[float | None, typer.Option(help="Least height of a person, pixels.")] = None,
    model: Annotated[str | None, typer.Option(help="KeyRe-ID to use untrained: tiny, small, base.")] = None,
    weights: Annotated[str | None, typer.Option(help="KeyRe-ID weights: a file, or a name of `weights list`.")] = None,
    device: Annotated[str | None, typer.Option(help="auto, cpu, cuda, cuda:1, mps.")] = None,
    backend: Annotated[
        str | None,
        typer.Option(help="torch, onnxruntime, openvino, tensorrt, tensorrt-rtx, torch-tensorrt; auto takes the best."),
    ] = None,
    tracker: Annotated[str | None, typer.Option(help="BoxMOT tracker: botsort, deepocsort, bytetrack, …")] = None,
    threshold: Annotated[float | None, typer.Option(help="Similarity from which two tracks are one person.")] = None,
    gallery: Annotated[
        str | None, typer.Option(metavar="FILE", help="Keep who is known in a file, from run to run; see the guide.")
    ] = None,
    fps: Annotated[float | None, typer.Option(help="Take at most this many frames a second of each camera.")] = None,
    calibration: Annotated[
        Path | None, typer.Option(help="Cameras' calibrations: a folder of JSON files, or one; see the guide.")
    ] = None,
    oracle: Annotated[
        str | None,
        typer.Option(
            metavar="LIST",
            help="Take these from a world's truth: detections, keypoints, tracks, identities; commas between them.",
        ),
    ] = None,
    video: Annotated[
        bool | None, typer.Option("--video/--no-video", help="Write annotated videos; of live cameras only if asked.")
    ] = None,
    plain: Annotated[
        bool, typer.Option("--plain", help="Draw on plain ground: videos without pictures of anyone.")
    ] = False,
    crops: Annotated[
        bool, typer.Option("--crops", help="Keep the best crops of everybody, with heads made unrecognisable.")
    ] = False,
    whole_crops: Annotated[
        bool, typer.Option("--whole-crops", help="Keep the best crops of everybody, with faces.")
    ] = False,
    decisions: Annotated[
        bool, typer.Option("--decisions", help="Record why each decision about an identity was made.")
    ] = False,
    monitor: Annotated[
        str | None,
        typer.Option(metavar="HOST:PORT", help="Metrics, health and control over HTTP, e.g. 127.0.0.1:9464."),
    ] = None,
    show: Annotated[bool, typer.Option("--show", help="Open a live window; q stops the run.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an earlier run in the folder.")] = False,
) -> None:
    """Find, track and identify people across cameras; leave events, tracks, videos and a report in a folder."""
    options = {
        "sources": {
            "cameras": cameras,
            "max_fps": fps,
            "calibration": None if calibration is None else str(calibration),
        },
        "pose": {
            "weights": pose,
            "imgsz": imgsz,
            "confidence": confidence,
            "minimum_height": min_height,
            "device": device,
        },
        "model": {"name": model, "weights": weights, "device": device, "backend": backend},
        "tracking": {"tracker": tracker},
        "association": {"threshold": threshold, "gallery": gallery},
        "monitor": {"listen": monitor},
        "oracle": oracle,
        "output": {
            "video": video,
            "background": "plain" if plain else None,
            "crops": "whole" if whole_crops else "blurred" if crops else None,
            "decisions": decisions or None,
        },
    }
    settings = deployment(merged(read_settings(config) if config else {}, given(options)))
    if show:
        require_display()  # before models are loaded
    run = RecordedRun.from_config(settings, out, overwrite=overwrite, make_encoders=encoder_maker(settings))
    for notice in run.notices:
        typer.secho(f"Note: {notice}", err=True, fg=typer.colors.YELLOW)
    result = _record(run, show=show)
    typer.echo(_summary(result))
    for fault in run.calibration_faults:
        typer.secho(f"Calibration: {fault}", err=True, fg=typer.colors.YELLOW)
    for notice in run.short_notices:
        typer.echo(notice)
    typer.echo(str(out))
    if result.status == "interrupted":
        raise typer.Exit(INTERRUPTED)


def encoder_maker(settings: DeploymentConfig) -> MakeEncoders | None:
    """What puts the model on a compiled backend; None for PyTorch, which needs nothing more."""
    if settings.model.backend == "torch":
        return None
    from keyreid_engines.seam import EngineEncoders

    return EngineEncoders(partial(typer.echo, err=True))


def _record(run: RecordedRun, *, show: bool) -> RunResult:
    windows = [WindowSink(run.cameras)] if show else []
    stop = StopOnSignals()
    try:
        return run.record([*windows, Progress(run.statistics, live=lambda: run.live_counts), ReturnFreeMemory(), stop])
    finally:
        stop.restore()


def given(options: Mapping[str, Any]) -> dict[str, Any]:
    """Only the options that the user typed; empty tables are dropped."""
    kept_options: dict[str, Any] = {}
    for name, value in options.items():
        kept = given(value) if isinstance(value, Mapping) else value
        if kept is not None and kept != [] and kept != {}:
            kept_options[name] = kept
    return kept_options


def _summary(result: RunResult) -> str:
    counts = result.statistics
    tracks = sum(camera.tracks for camera in counts.cameras.values())
    return (
        f"{result.status}: {counts.frames} frames of {len(counts.cameras)} cameras, "
        f"{tracks} tracks, {len(counts.identities)} identities; results in:"
    )
