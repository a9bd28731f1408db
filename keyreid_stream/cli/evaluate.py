"""`keyreid eval`: how good is it, against truth."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from keyreid_stream.cli.evaluate_association import evaluate_association
from keyreid_stream.cli.evaluate_ladder import evaluate_clock, evaluate_ladder
from keyreid_stream.cli.evaluate_reid import compare_reid, evaluate_reid
from keyreid_stream.evaluation.scores import RunScores, TrackingScores
from keyreid_stream.evaluation.scores_file import scores_text, write_scores
from keyreid_stream.evaluation.tracking import MIN_VISIBILITY, score_run

eval_app = typer.Typer(help="Scores against truth.", no_args_is_help=True)

_SHARES = ("HOTA", "DetA", "AssA", "LocA", "IDF1", "IDP", "IDR", "MOTA")
_COUNTS = ("IDSW", "FP", "FN")

_ANY_WIDTH = 10_000


@eval_app.command("track")
def evaluate_tracks(
    results: Annotated[Path, typer.Option(help="Folder of MOT files, <camera>.txt: the `tracks` of a run.")],
    truth: Annotated[Path, typer.Option(help="Folder of the truth: <camera>/gt/gt.txt or <camera>.txt.")],
    min_visibility: Annotated[
        float, typer.Option(help="Ignore truth of which less can be seen; 0 is MOTChallenge's rule.")
    ] = MIN_VISIBILITY,
    json: Annotated[Path | None, typer.Option(help="Also write the scores to this file.")] = None,
) -> None:
    """Score tracks per camera, and all cameras together under one identity mapping."""
    scores = score_run(results, truth, min_visibility=min_visibility)
    if json is not None:
        write_scores(json, scores_text(scores, results=results, truth=truth, min_visibility=min_visibility))
    _print(scores, results, truth, min_visibility)


eval_app.command("association")(evaluate_association)
eval_app.command("ladder")(evaluate_ladder)
eval_app.command("clock")(evaluate_clock)
eval_app.command("reid")(evaluate_reid)
eval_app.command("compare")(compare_reid)


def _print(scores: RunScores, results: Path, truth: Path, min_visibility: float) -> None:
    table = Table(
        "camera", title=Text(f"{results} against {truth}, shares in percent"), caption=_caption(min_visibility)
    )
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


def _caption(min_visibility: float) -> str:
    ignored = f"; people seen less than {100 * min_visibility:g} % are ignored" if min_visibility else ""
    return f"HOTA and its parts over IoU 0.05 to 0.95, the others at 0.5{ignored}"
