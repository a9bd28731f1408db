"""`keyreid world`: list ready scenes, render worlds into videos and truth."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from keyreid_stream.camera_names import check_distinct, checked_camera_id
from keyreid_stream.cli import INTERRUPTED
from keyreid_stream.cli.stop import StopOnSignals
from keyreid_stream.cli.world_video import WorldVideoWriter
from keyreid_stream.errors import InputError
from keyreid_stream.world.address import WorldAddress
from keyreid_stream.world.filming import film, films
from keyreid_stream.world.scene import Scene, load_scene, scene_names
from keyreid_stream.world.truth import Shot
from keyreid_stream.world.world import World
from keyreid_stream.world.writers import (
    CropWriter,
    MotTruthWriter,
    ShotWriter,
    TableWriter,
    YoloPoseWriter,
    write_calibration,
)
from keyreid_stream.world.writers.mot import BoxKind
from keyreid_stream.world.writers.whole_file import write_text
from keyreid_stream.world.writers.yolo_pose import Split

SCHEMA = "keyreid.world/1"

_TRAINING_SHARE = 0.8
"""The rest, the last fifth of the time, validates."""

world_app = typer.Typer(help="Synthetic worlds with perfect truth.", no_args_is_help=True)


@world_app.command("list")
def list_scenes() -> None:
    """List the ready scenes and their cameras."""
    table = Table("scene", "floor", "people", "camera", "size", "fps")
    for name in scene_names():
        scene = load_scene(name)
        width, depth = scene.floor.size
        table.add_section()
        of_scene = (name, f"{width:g} x {depth:g} m", str(scene.people.count))
        for view in scene.cameras:
            table.add_row(*of_scene, view.name, f"{view.width} x {view.height}", f"{view.fps:g}")
            of_scene = ("", "", "")
    Console().print(table)


@world_app.command()
def render(
    scene: Annotated[str, typer.Argument(help="A ready scene (see `list`), or a scene's TOML file.")],
    out: Annotated[Path, typer.Option(help="Folder for the results; must be new or empty.")],
    seconds: Annotated[float, typer.Option(help="How long the world lasts.")] = 30.0,
    seed: Annotated[int, typer.Option(help="Of everything random.")] = 0,
    people: Annotated[int | None, typer.Option(help="How many different people come.")] = None,
    together: Annotated[int | None, typer.Option(help="How many of them at one time, at most.")] = None,
    cameras: Annotated[int | None, typer.Option(help="Take the scene's first so many cameras.")] = None,
    fps: Annotated[float | None, typer.Option(help="Frames a second of all cameras.")] = None,
    width: Annotated[int | None, typer.Option(help="Of all pictures, pixels.")] = None,
    height: Annotated[int | None, typer.Option(help="Of all pictures, pixels.")] = None,
    looks: Annotated[str | None, typer.Option(help="varied, or uniform for look-alikes.")] = None,
    workers: Annotated[int, typer.Option(min=1, help="Processes that render; the result is the same.")] = 1,
    video: Annotated[bool, typer.Option("--video", help="Write a video of each camera.")] = False,
    mot: Annotated[bool, typer.Option("--mot", help="Write MOTChallenge ground truth.")] = False,
    mot_boxes: Annotated[BoxKind, typer.Option(help="Its boxes: whole people, or what is visible of them.")] = "whole",
    yolo_pose: Annotated[bool, typer.Option("--yolo-pose", help="Write images and labels for YOLO-pose.")] = False,
    crops: Annotated[bool, typer.Option("--crops", help="Write tracklets of crops with keypoints.")] = False,
) -> None:
    """Render a world into videos and truth.

    Calibration and tables of the truth are always written; without any of the four flags, videos and MOT files are.
    """
    wanted = WorldAddress.of(
        scene=scene,
        seconds=seconds,
        seed=seed,
        people=people,
        together=together,
        cameras=cameras,
        fps=fps,
        width=width,
        height=height,
        looks=looks,
    )
    described = wanted.described()
    _check_names(described)
    _check_folder(out)
    world = World(described, wanted.seed, wanted.seconds)
    if not (video or mot or yolo_pose or crops):
        video = mot = True
    rates = {view.name: view.fps for view in described.cameras}
    writers: list[ShotWriter] = [TableWriter(out / "truth")]
    if video:
        writers.append(WorldVideoWriter(out / "videos", rates))
    if mot:
        writers.append(MotTruthWriter(out / "mot", rates, boxes=mot_boxes))
    if yolo_pose:
        writers.append(YoloPoseWriter(out / "yolo_pose", split=lambda shot: _split(shot, wanted.seconds)))
    if crops:
        writers.append(CropWriter(out / "crops"))
    finished = _record(world, out, writers, workers)
    typer.echo(str(out))
    if not finished:
        raise typer.Exit(INTERRUPTED)


def _record(world: World, out: Path, writers: list[ShotWriter], workers: int) -> bool:
    """Film the world into the writers; whether it came to its end or was interrupted."""
    write_calibration(out / "calibration", world.scene.cameras)
    frames = {view.name: 0 for view in world.scene.cameras}
    status = "failed"
    stop = StopOnSignals()
    try:
        with ExitStack() as stack, _progress(world) as bar:
            shots = stack.enter_context(closing(film(world, workers=workers)))
            opened = [stack.enter_context(writer) for writer in writers]
            stack.enter_context(stop)  # last, so that it is the first to be left
            for shot in shots:
                frames[shot.frame.camera_id] += 1
                bar.advance(bar.task_ids[0])
                for writer in opened:
                    writer.write(shot)
                stop.write(shot)
        status = "finished"
    except KeyboardInterrupt:
        status = "interrupted"
    finally:
        write_text(out / "world.json", json.dumps(_summary(world, frames, status), indent=1) + "\n")
        stop.restore()
    return status == "finished"


@contextmanager
def _progress(world: World) -> Iterator[Progress]:
    # On stderr: stdout carries the path alone, for scripts.
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        bar.add_task(f"{world.scene.name}, frames", total=sum(map(len, films(world))))
        yield bar


def _summary(world: World, frames: dict[str, int], status: str) -> dict[str, Any]:
    """What makes this world again, and what came of it."""
    return {
        "schema": SCHEMA,
        "status": status,
        "version": version("keyreid-stream"),
        "seed": world.seed,
        "seconds": world.seconds,
        "frames": frames,
        "scene": world.scene.model_dump(mode="json"),
    }


def _split(shot: Shot, seconds: float) -> Split:
    return "train" if shot.truth.time_s < _TRAINING_SHARE * seconds else "val"


def _check_names(scene: Scene) -> None:
    """Cameras' names become files' names."""
    check_distinct([(checked_camera_id(view.name), view.name) for view in scene.cameras])


def _check_folder(out: Path) -> None:
    if out.exists() and not out.is_dir():
        raise InputError(f"--out {out} is a file; give a folder that does not exist yet")
    if out.is_dir() and any(out.iterdir()):
        raise InputError(f"--out {out} is not empty; choose another folder")
    place = next(parent for parent in (out, *out.absolute().parents) if parent.exists())
    if not place.is_dir() or not os.access(place, os.W_OK | os.X_OK):
        raise InputError(f"--out {out} cannot be made: {place} is no folder that can be written to")
