"""`keyreid eval ladder` and `keyreid eval clock`: which stage loses how much, and how soon identities are right."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from keyreid_stream.evaluation.made_by import made_by_words
from keyreid_stream.evaluation.scores_file import write_scores
from keyreid_stream.evaluation.tracking import MIN_VISIBILITY

# Networks and trackers take seconds to import, which the other commands of the group should not cost.
if TYPE_CHECKING:
    from keyreid_stream.ladder import Ladder, LadderRecord
    from keyreid_stream.ladder.clock_file import ClockRecord
    from keyreid_stream.ladder.record import FiguresRecord

LADDER_PAGE = "ladder.html"

_WIDTH = 400
_NAMES = {"hota": "HOTA", "deta": "DetA", "assa": "AssA", "idf1": "IDF1", "mota": "MOTA", "idsw": "IDSW"}
_EACH = ("hota", "deta", "assa", "idf1", "mota", "idsw")
_ACROSS = ("hota", "deta", "assa", "idf1")
"""MOTA and IDSW know nothing of other cameras."""

MinVisibility = Annotated[float, typer.Option(help="Ignore truth of which less can be seen; 0 is MOTChallenge's rule.")]


def evaluate_ladder(
    cameras: Annotated[
        list[str] | None,
        typer.Argument(metavar="SOURCES...", help="A world:// address; or, with --truth, recordings as `track` takes."),
    ] = None,
    truth: Annotated[
        str, typer.Option(metavar="DIR|world", help="Folder of the recordings' truth; `world`: the world's own.")
    ] = "world",
    out: Annotated[Path, typer.Option(help="Folder for the rungs' runs and the tables; may be taken up again.")] = Path(
        "runs/ladder"
    ),
    config: Annotated[Path | None, typer.Option(help="TOML file of settings; options below override it.")] = None,
    pose: Annotated[str | None, typer.Option(help="YOLO-pose weights; in a world, the shipped ones.")] = None,
    imgsz: Annotated[int | None, typer.Option(help="Detector input size; 1280 finds people under 60 px.")] = None,
    model: Annotated[str | None, typer.Option(help="KeyRe-ID to use untrained: tiny, small, base.")] = None,
    weights: Annotated[str | None, typer.Option(help="KeyRe-ID weights: a file, or a name of `weights list`.")] = None,
    device: Annotated[str | None, typer.Option(help="auto, cpu, cuda, cuda:1, mps.")] = None,
    backend: Annotated[str | None, typer.Option(help="What runs KeyRe-ID, as for `track`.")] = None,
    tracker: Annotated[str | None, typer.Option(help="BoxMOT tracker: botsort, deepocsort, bytetrack, …")] = None,
    fps: Annotated[float | None, typer.Option(help="Of a world, at most this many frames a second.")] = None,
    calibration: Annotated[Path | None, typer.Option(help="Cameras' calibrations, as for `track`.")] = None,
    video: Annotated[bool, typer.Option("--video", help="Write annotated videos of every rung.")] = False,
    min_visibility: MinVisibility = MIN_VISIBILITY,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Run all rungs again.")] = False,
) -> None:
    """Run the same four times, with more and more of the truth: what each stage loses, and how soon it is right."""
    from keyreid_stream.cli import INTERRUPTED
    from keyreid_stream.cli.track import encoder_maker, given
    from keyreid_stream.config import deployment, merged, read_settings
    from keyreid_stream.ladder import LADDER_FILE, Ladder
    from keyreid_stream.ladder.page import ladder_page
    from keyreid_stream.pose.shipped import WORLD_POSE
    from keyreid_stream.report.judged_page import JUDGED_PAGE, judged_page

    in_world = truth == "world"
    options = {
        "sources": {
            "cameras": cameras,
            "max_fps": fps,
            "calibration": None if calibration is None else str(calibration),
        },
        "pose": {"weights": pose, "imgsz": imgsz, "device": device},
        "model": {"name": model, "weights": weights, "device": device, "backend": backend},
        "tracking": {"tracker": tracker},
        "output": {"video": video},
    }
    usual = {"pose": {"weights": WORLD_POSE}} if in_world else {}
    settings = deployment(merged(merged(usual, read_settings(config) if config else {}), given(options)))
    ladder = Ladder(
        settings,
        out,
        truth=None if in_world else Path(truth),
        min_visibility=min_visibility,
        command=_command(),
        overwrite=overwrite,
        make_encoders=encoder_maker(settings),
    )
    is_whole = _climb(ladder)
    for judged in ladder.judged:
        write_scores(judged.folder / JUDGED_PAGE, judged_page(judged))
    if ladder.record.rungs:
        _print_ladder(ladder.record)
        _print_clock([(_words(rung.name), rung.clock) for rung in ladder.record.rungs])
    if is_whole:
        write_scores(out / LADDER_PAGE, ladder_page(ladder.record))
    typer.echo(str(out / LADDER_PAGE) if is_whole else f"{out / LADDER_FILE}: unfinished; the same command goes on")
    if not is_whole:
        raise typer.Exit(INTERRUPTED)


def evaluate_clock(
    run: Annotated[Path, typer.Option(help="Folder of a run.")],
    truth: Annotated[Path, typer.Option(help="Folder of the truth: <camera>/gt/gt.txt or <camera>.txt.")],
    min_visibility: MinVisibility = MIN_VISIBILITY,
    json: Annotated[Path | None, typer.Option(help="Also write the clock to this file.")] = None,
    html: Annotated[
        Path | None, typer.Option(help="Also write a page: identities over time, who was taken for whom, costs.")
    ] = None,
) -> None:
    """How soon identities are right after somebody comes into view, as said then and as said in the end."""
    from keyreid_stream.ladder.clock_file import ClockRecord, clock_text
    from keyreid_stream.report.judged import judge_run
    from keyreid_stream.report.judged_page import judged_page

    judged = judge_run(run, truth, min_visibility=min_visibility)
    record = ClockRecord.of(judged.clock)
    if json is not None:
        write_scores(json, clock_text(record, run=run, truth=truth, min_visibility=min_visibility, command=_command()))
    if html is not None:
        write_scores(html, judged_page(judged, command=_command()))
    _print_clock([(run.name, record)])
    typer.echo(made_by_words(judged.run))


def _climb(ladder: Ladder) -> bool:
    """Whether all rungs are there."""
    from keyreid_stream.cli.memory import ReturnFreeMemory
    from keyreid_stream.cli.progress import Progress
    from keyreid_stream.cli.stop import StopOnSignals

    for step in ladder.steps():
        if step.run is None:
            typer.echo(f"{step.rung.name}: whole already, not run again", err=True)
            continue
        typer.echo(f"{step.rung.name}: {step.rung.words}", err=True)
        stop = StopOnSignals()
        try:
            step.record([Progress(step.run.statistics), ReturnFreeMemory(), stop])
        finally:
            stop.restore()
    return ladder.record.status == "finished"


def _command() -> str:
    return shlex.join(["keyreid", *sys.argv[1:]])


def _words(name: str) -> str:
    from keyreid_stream.ladder import RUNGS

    return next(rung.words for rung in RUNGS if rung.name == name)


def _print_ladder(record: LadderRecord) -> None:
    table = _table("rung", "percent; each camera alone (means, IDSW: sum), then all cameras under one naming")
    for rung in record.rungs:
        table.add_row(_words(rung.name), *_figures(rung.figures, signed=False))
    table.add_section()
    for stage, figures in record.losses.items():
        table.add_row(f"lost by the {stage}", *_figures(figures, signed=True))
    _print(table)
    typer.echo(made_by_words(record.model_dump(include={"model", "pose_weights"})))


def _table(first: str, title: str) -> Table:
    table = Table(first, title=title, title_justify="left")
    for name in _EACH:
        table.add_column(_NAMES[name], justify="right", no_wrap=True)
    for name in _ACROSS:
        table.add_column(f"all {_NAMES[name]}", justify="right", no_wrap=True)
    return table


def _figures(figures: FiguresRecord, *, signed: bool) -> list[str]:
    return [
        *(_number(100 * figures.mean[name], 1, signed) for name in _EACH[:-1]),
        _number(figures.mean["idsw"], 0, signed),
        *(_number(100 * figures.together[name], 1, signed) for name in _ACROSS),
    ]


def _number(value: float, decimals: int, signed: bool) -> str:
    """Rounded; zero has no minus."""
    return f"{round(value, decimals) + 0.0:{'+' if signed else ''}.{decimals}f}"


def _print_clock(rows: Sequence[tuple[str, ClockRecord]]) -> None:
    table = Table(
        "run",
        "said",
        title="right identity after somebody came into view, percent of visits (how many visits last so long)",
        title_justify="left",
    )
    for mark in rows[0][1].marks:
        table.add_column(mark.words, justify="right", no_wrap=True)
    for name, clock in rows:
        table.add_row(Text(name), "then", *(_share(mark.online, mark.visits) for mark in clock.marks))
        table.add_row("", "in the end", *(_share(mark.revised, mark.visits) for mark in clock.marks))
        table.add_row("", "nothing then", *(_share(mark.undecided, mark.visits) for mark in clock.marks))
        table.add_section()
    _print(table)
    for name, clock in rows:
        typer.echo(f"{name}: {clock.visits} visits, {clock.never_found} of them never found")


def _share(count: int, visits: int) -> str:
    return f"{100 * count / visits:.1f} ({visits})" if visits else "-"


def _print(table: Table) -> None:
    # Better wider than the terminal than squeezed: there the lines wrap, here numbers would go.
    whole = Console(width=_WIDTH).measure(table).maximum
    Console(width=max(Console().width, whole)).print(table)
