"""`keyreid eval`: how good is it, against truth."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from keyreid_stream.cli.evaluate_association import evaluate_association
from keyreid_stream.cli.evaluate_boxmot import evaluate_boxmot
from keyreid_stream.cli.evaluate_compare import compare
from keyreid_stream.cli.evaluate_floor import evaluate_floor
from keyreid_stream.cli.evaluate_ladder import evaluate_clock, evaluate_ladder
from keyreid_stream.cli.evaluate_reid import evaluate_reid
from keyreid_stream.errors import ConfigError
from keyreid_stream.evaluation.benchmarks import BENCHMARKS, Benchmark, benchmark_named, read_sequence_map
from keyreid_stream.evaluation.floor import RADIUS_M
from keyreid_stream.evaluation.floor_files import GRIDS
from keyreid_stream.evaluation.made_by import made_by, made_by_words
from keyreid_stream.evaluation.scores import RunScores, TrackingScores
from keyreid_stream.evaluation.scores_file import scores_text, write_scores
from keyreid_stream.evaluation.tracking import MIN_VISIBILITY, score_run

eval_app = typer.Typer(help="Scores against truth.", no_args_is_help=True)

_SHARES = ("HOTA", "DetA", "AssA", "LocA", "IDF1", "IDP", "IDR", "MOTA")
_COUNTS = ("IDSW", "FP", "FN")

_ANY_WIDTH = 10_000


@eval_app.command("track")
def evaluate_tracks(
    results: Annotated[
        Path, typer.Option(help="Folder of MOT files, <camera>.txt: the `tracks` of a run. On the floor also a CSV.")
    ],
    truth: Annotated[
        Path,
        typer.Option(help="Folder of the truth: <camera>/gt/gt.txt or <camera>.txt. On the floor: a world, or a CSV."),
    ],
    min_visibility: Annotated[
        float | None,
        typer.Option(help="Ignore truth of which less can be seen; default 0.1, and 0 with --benchmark."),
    ] = None,
    benchmark: Annotated[
        str | None,
        typer.Option(help=f"Follow the rule of {', '.join(BENCHMARKS)}; on the floor {', '.join(GRIDS)}."),
    ] = None,
    seqmap: Annotated[Path | None, typer.Option(help="Score only the sequences that this file names.")] = None,
    floor: Annotated[bool, typer.Option("--floor", help="Compare places on the floor, all cameras at once.")] = False,
    calibration: Annotated[
        Path | None, typer.Option(help="On the floor: the cameras' calibration, for results in MOT files.")
    ] = None,
    radius: Annotated[
        float | None, typer.Option(help="On the floor: metres within which a result is on a person; default 1.")
    ] = None,
    json: Annotated[Path | None, typer.Option(help="Also write the scores to this file.")] = None,
) -> None:
    """Score tracks per camera, and all cameras together under one identity mapping."""
    _check_options(floor=floor, seqmap=seqmap, calibration=calibration, radius=radius)
    if floor:
        radius_m = RADIUS_M if radius is None else radius
        on_floor = evaluate_floor(
            results,
            truth,
            calibration=calibration,
            benchmark=benchmark,
            min_visibility=MIN_VISIBILITY if min_visibility is None else min_visibility,
            radius_m=radius_m,
            json=json,
        )
        caption = (
            f"on the floor, within {radius_m:g} m; HOTA and its parts from {1.9 * radius_m:g} to {radius_m / 10:g} m"
        )
        _print(RunScores({}, on_floor), results, truth, caption)
        return
    rule = None if benchmark is None else benchmark_named(benchmark)
    if min_visibility is None:
        min_visibility = MIN_VISIBILITY if rule is None else 0.0
    sequences = None if seqmap is None else read_sequence_map(seqmap)
    scores = score_run(results, truth, min_visibility=min_visibility, benchmark=rule, sequences=sequences)
    if json is not None:
        text = scores_text(
            scores,
            results=results,
            truth=truth,
            min_visibility=min_visibility,
            benchmark=rule.name if rule else None,
            seqmap=seqmap,
            command=shlex.join(["keyreid", *sys.argv[1:]]),
            run=made_by(results),
        )
        write_scores(json, text)
    _print(scores, results, truth, _caption(min_visibility, rule))


eval_app.command("association")(evaluate_association)
eval_app.command("boxmot")(evaluate_boxmot)
eval_app.command("ladder")(evaluate_ladder)
eval_app.command("clock")(evaluate_clock)
eval_app.command("reid")(evaluate_reid)
eval_app.command("compare")(compare)


def _check_options(*, floor: bool, seqmap: Path | None, calibration: Path | None, radius: float | None) -> None:
    if floor and seqmap is not None:
        raise ConfigError("--seqmap names sequences of boxes, and the floor is one sequence; leave it out")
    if not floor and (calibration is not None or radius is not None):
        raise ConfigError("--calibration and --radius are of the floor; add --floor or leave them out")


def _print(scores: RunScores, results: Path, truth: Path, caption: str) -> None:
    told = made_by(results)
    caption = caption if told is None else f"{caption}; {made_by_words(told)}"
    table = Table("camera", title=Text(f"{results} against {truth}, shares in percent"), caption=Text(caption))
    for name in (*_SHARES, *_COUNTS, "people", "ids"):
        table.add_column(name, justify="right", no_wrap=True)
    for name, camera in scores.cameras.items():
        table.add_row(Text(name), *_cells(camera))
    table.add_section()
    table.add_row("together", *_cells(scores.together))
    # Better wider than the terminal than squeezed: there the lines wrap, here numbers would go.
    whole = Console(width=_ANY_WIDTH).measure(table).maximum
    Console(width=max(Console().width, whole)).print(table)


def _cells(scores: TrackingScores) -> list[str]:
    """A row: percent, counts, and how many people there are and were told apart."""
    shares = ["-" if _is_void(scores, name) else f"{100 * getattr(scores, name.lower()):.1f}" for name in _SHARES]
    counts = [str(getattr(scores, name.lower())) for name in _COUNTS]
    return [*shares, *counts, str(scores.truth_ids), str(scores.result_ids)]


def _is_void(scores: TrackingScores, share: str) -> bool:
    """Whether a share is of nothing: of a camera without truth, or the overlap of matches that there are none of."""
    return not scores.truth_boxes or (share == "LocA" and scores.deta == 0)


def _caption(min_visibility: float, rule: Benchmark | None) -> str:
    ignored = f"; people seen less than {100 * min_visibility:g} % are ignored" if min_visibility else ""
    apart = f"; {rule.name}'s rule, with people of its own in each sequence" if rule else ""
    return f"HOTA and its parts over IoU 0.05 to 0.95, the others at 0.5{ignored}{apart}"
