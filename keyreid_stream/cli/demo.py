"""`keyreid demo`: a drawn world through the whole pipeline, and a report to look at; no camera, no network."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from keyreid_stream.cli import INTERRUPTED
from keyreid_stream.cli.memory import ReturnFreeMemory
from keyreid_stream.cli.progress import Progress
from keyreid_stream.cli.stop import StopOnSignals
from keyreid_stream.demo import Demo, DemoConfig, DemoResult, demo_config
from keyreid_stream.evaluation import RunScores

_DEFAULTS = DemoConfig()


def demo(
    out: Annotated[Path, typer.Option(help="Folder for the results; must be new or empty.")] = Path("runs/demo"),
    scene: Annotated[
        str, typer.Option(help="A ready scene (see `world list`), or a scene's TOML file.")
    ] = _DEFAULTS.scene,
    people: Annotated[int | None, typer.Option(help="How many different people come.")] = None,
    seconds: Annotated[float, typer.Option(help="How long the world lasts.")] = _DEFAULTS.seconds,
    seed: Annotated[int, typer.Option(help="Of everything random.")] = _DEFAULTS.seed,
    pose: Annotated[str | None, typer.Option(help="Other YOLO-pose weights than the shipped ones.")] = None,
    weights: Annotated[str | None, typer.Option(help="Other KeyRe-ID weights than the shipped ones.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an earlier run in the folder.")] = False,
) -> None:
    """Draw a world, follow its people across its cameras, score that against the truth, and write a report."""
    config = demo_config(scene=scene, people=people, seconds=seconds, seed=seed, pose=pose, weights=weights)
    show = Demo.from_config(config, out, overwrite=overwrite)
    for note in (show.detector.note, show.reid.note):
        if note:
            typer.secho(f"Note: {note}", err=True, fg=typer.colors.YELLOW)
    result = _record(show)
    _tell(show, result)
    if result.run.status == "interrupted":
        raise typer.Exit(INTERRUPTED)


def _record(show: Demo) -> DemoResult:
    stop = StopOnSignals()
    try:
        # Signals stay taken until the report is whole: a second Ctrl-C must not leave half of it.
        progress = Progress(show.run.statistics, expected_frames=show.expected_frames)
        return show.record([progress, ReturnFreeMemory(), stop])
    finally:
        stop.restore()


def _tell(show: Demo, result: DemoResult) -> None:
    counts = result.run.statistics
    typer.echo(
        f"{result.run.status}: {counts.frames} frames of {len(counts.cameras)} cameras, "
        f"{len(counts.identities)} identities; detector {show.detector.name}, re-identification: {show.reid.name}"
    )
    if result.scores is not None:
        Console().print(_table(result.scores))
    elif result.report is not None:
        typer.echo("There are no scores; the report says why.")
    typer.echo(str(result.run.folder if result.report is None else result.report))


def _table(scores: RunScores) -> Table:
    table = Table("camera", title="percent, against the truth", title_justify="left")
    for name in ("IDF1", "HOTA"):
        table.add_column(name, justify="right")
    for camera_id, camera in scores.cameras.items():
        table.add_row(camera_id, *_percent(camera.idf1, camera.hota))
    table.add_section()
    table.add_row("together", *_percent(scores.together.idf1, scores.together.hota))
    return table


def _percent(*shares: float) -> list[str]:
    return [f"{100 * share:.1f}" for share in shares]
