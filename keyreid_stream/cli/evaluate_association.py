"""`keyreid eval association`: who is who, with everything but the association known."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from keyreid_stream.association import OnlineAssociator

if TYPE_CHECKING:
    from keyreid_stream.simulation.curves import CurvePoint, SceneCurves
    from keyreid_stream.simulation.trial import TrialConfig

_SCENES = (("plaza", False), ("mall", False), ("office", False), ("plaza", True))
"""Scenes, and whether people look alike."""

_WIDTH = 200


def evaluate_association(
    out: Annotated[Path, typer.Option(help="Folder for association.json and a plot per scene; made if need be.")],
    scene: Annotated[
        list[str] | None, typer.Option(help="A scene's name or file, also several; plaza, mall, office if not given.")
    ] = None,
    look_alikes: Annotated[
        bool | None,
        typer.Option("--look-alikes/--varied", help="Whether people wear the same; not given: plaza both ways."),
    ] = None,
    error_rate: Annotated[
        list[float] | None,
        typer.Option(min=0, max=1, help="Rank-1 error of single clips across cameras, also several."),
    ] = None,
    seeds: Annotated[int, typer.Option(min=1, max=100, help="Worlds per scene.")] = 3,
    seconds: Annotated[float, typer.Option(min=1, max=7200, help="Length of each recording.")] = 60.0,
    swaps: Annotated[float, typer.Option(min=0, max=1, help="How often people who cross swap their tracks.")] = 0.0,
    floor_error: Annotated[
        float | None, typer.Option(min=0, help="Calibrated cameras: error of places on the floor, metres.")
    ] = None,
    cache: Annotated[Path | None, typer.Option(help="Folder for what cameras see; OUT/cache if not given.")] = None,
) -> None:
    """Judge the association engine alone: true tracks, synthetic embeddings of a known error rate."""
    from keyreid_stream.simulation.curves import ERROR_RATES, curves_json, plot_curves, scene_curves
    from keyreid_stream.simulation.trial import TrialConfig

    out.mkdir(parents=True, exist_ok=True)
    found = []
    for name, alike in _chosen(scene, look_alikes):
        config = TrialConfig(scene=name, look_alikes=alike, seconds=seconds, swap_rate=swaps, floor_error_m=floor_error)
        curves = scene_curves(
            config,
            OnlineAssociator,
            error_rates=error_rate or ERROR_RATES,
            seeds=seeds,
            cache=cache or out / "cache",
        )
        found.append(curves)
        _print(curves)
        plot_curves(curves, out / f"{_file_name(config)}.png")
        (out / "association.json").write_text(curves_json(found), encoding="utf-8")


def _chosen(scenes: list[str] | None, look_alikes: bool | None) -> list[tuple[str, bool]]:
    if scenes is None and look_alikes is None:
        return list(_SCENES)
    return [(name, bool(look_alikes)) for name in scenes or dict.fromkeys(name for name, _ in _SCENES)]


def _file_name(config: TrialConfig) -> str:
    return Path(config.scene).stem + ("-look-alikes" if config.look_alikes else "")


def _print(curves: SceneCurves) -> None:
    from keyreid_stream.simulation.trial import METHODS

    table = Table(
        "error",
        "noise",
        title=f"{curves.config.name}: global IDF1 in percent, mean of {len(curves.seeds)} worlds",
        caption=(
            f"{curves.people} people, {curves.stretches} stretches of being in view, {curves.swaps} swaps; error: "
            "rank-1 of single clips across cameras, percent; gain: engine less threshold, in the worst world; "
            "corrected: of sightings, percent, after median (90th percentile) seconds"
        ),
    )
    for name in (*METHODS, "gain", "corrected"):
        table.add_column(name, justify="right")
    for point in curves.points:
        table.add_row(*_cells(point))
    Console(width=max(Console().width, _WIDTH)).print(table)


def _cells(point: CurvePoint) -> list[str]:
    corrected = f"{100 * point.corrected_share:.1f}"
    if point.corrected_after_s is not None:
        corrected += " after {:.1f} ({:.1f})".format(*point.corrected_after_s)
    return [
        f"{100 * point.measured_error_rate:.0f}",
        f"{point.level.noise:.2f}",
        *(f"{100 * score:.1f}" for score in point.idf1.values()),
        f"{100 * point.worst_gain:+.1f}",
        corrected,
    ]
