"""`keyreid check`: every camera and output of a deployment, tried before a run depends on them."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from keyreid_stream.config import DeploymentConfig, deployment, read_settings
from keyreid_stream.deployment_trial import DeploymentTrial, try_deployment
from keyreid_stream.errors import InputError
from keyreid_stream.sinks.publish.trial import OutputTrial
from keyreid_stream.sources.trial import CameraTrial

FAULTY = 1
_NOTHING = "-"


def check(
    what: Annotated[
        list[str],
        typer.Argument(
            metavar="DEPLOYMENT.toml | CAMERA...",
            help="A deployment's TOML file, or cameras as `keyreid track` has them.",
        ),
    ],
    seconds: Annotated[float, typer.Option(min=1, max=600, help="How long to take frames of each camera.")] = 6.0,
) -> None:
    """Try every camera and every output of a deployment for some seconds, without models.

    Prints a table and what to do about everything that is wrong. Exit code 1 if a camera or an output fails.
    """
    settings = _settings(what)
    waiting = Console(stderr=True)
    with _quiet(), waiting.status(f"Trying {len(settings.sources.cameras)} cameras for {seconds:g} s"):
        trial = try_deployment(settings, seconds=seconds)
    console = Console()
    console.print(_camera_table(trial.cameras))
    if trial.outputs:
        console.print(_output_table(trial.outputs))
    for line in _findings(trial):
        typer.echo(line)
    if not trial.is_sound:
        raise typer.Exit(FAULTY)


def _settings(what: Sequence[str]) -> DeploymentConfig:
    files = [one for one in what if one.lower().endswith(".toml")]
    if not files:
        return deployment({"sources": {"cameras": list(what)}})
    if len(what) > 1:
        raise InputError(f"{files[0]} is a deployment and names its cameras itself; give it alone, or cameras alone")
    return deployment(read_settings(Path(files[0])))


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the log's lines about cameras: the table tells the same."""
    logger, silent = logging.getLogger("keyreid_stream"), logging.NullHandler()
    logger.addHandler(silent)
    try:
        yield
    finally:
        logger.removeHandler(silent)


def _camera_table(trials: Sequence[CameraTrial]) -> Table:
    numbers = [Column(name, justify="right") for name in ("size", "fps", "first frame")]
    address = Column("address", min_width=20)
    table = Table("camera", address, "codec", *numbers, "clock", Column("", no_wrap=True), box=SIMPLE_HEAD)
    for one in trials:
        late = f", {1000 * one.latency_s:.0f} ms" if one.uses_its_clock and one.latency_s is not None else ""
        table.add_row(
            *map(_cell, (one.camera_id, one.address, one.codec, ", ".join(map(str, one.sizes)))),
            _cell("" if one.fps is None else f"{one.fps:.1f}"),
            _cell("" if one.first_frame_s is None else f"{one.first_frame_s:.1f} s"),
            _cell(f"{one.clock}{late}"),
            _verdict(bool(one.fault), bool(one.notes)),
        )
    return table


def _output_table(trials: Sequence[OutputTrial]) -> Table:
    table = Table("output", "kind", "address", "", box=SIMPLE_HEAD)
    for one in trials:
        table.add_row(*map(_cell, (one.name, one.kind, one.address)), _verdict(bool(one.fault), has_notes=False))
    return table


def _cell(text: str) -> Text:
    """As it is: names and addresses are not markup."""
    return Text(text or _NOTHING, overflow="fold")


def _verdict(has_fault: bool, has_notes: bool) -> Text:
    if has_fault:
        return Text("failed", "red")
    return Text("see below", "yellow") if has_notes else Text("ok", "green")


def _findings(trial: DeploymentTrial) -> list[str]:
    """A line for everything that is wrong: faults first."""
    named = [(one.camera_id, one) for one in trial.cameras]
    # A message about a file begins with its path already.
    faults = [one.fault if one.fault.startswith(name) else f"{name}: {one.fault}" for name, one in named if one.fault]
    faults += [f"output {one.name}: {one.fault}" for one in trial.outputs if one.fault]
    notes = [f"{name}: {note}" for name, one in named for note in one.notes]
    return [" ".join(line.split()) for line in (*faults, *trial.faults, *notes, *trial.notes)]
