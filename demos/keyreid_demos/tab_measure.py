"""The tab of figures: how right a run is where the truth is known, and where its time went."""

from __future__ import annotations

import json
from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import Any

import gradio as gr

from keyreid_demos.context import Context
from keyreid_demos.events import QUIET
from keyreid_demos.open_run import OpenRun
from keyreid_demos.run_job import RunJob
from keyreid_demos.run_settings import is_world, ladder_request
from keyreid_demos.tab_track import progress_told
from keyreid_demos.told import told, told_on_the_way
from keyreid_demos.visits import Visit
from keyreid_stream.errors import InputError
from keyreid_stream.ladder import RUNGS
from keyreid_stream.ladder.record import FiguresRecord, LadderRecord, read_ladder
from keyreid_stream.report.sections import stage_rows

_FIGURES = (("idf1", "IDF1"), ("hota", "HOTA"), ("mota", "MOTA"))
_RUNG_FIGURES = (("hota", "HOTA"), ("deta", "DetA"), ("assa", "AssA"), ("idf1", "IDF1"))
_LOOK_EVERY_S = 0.5


def add_measure(context: Context, opened: Any) -> None:
    """Add the tab's components.

    Args:
        context: shared by all tabs.
        opened: a component that changes when the visitor looks at another run.
    """
    figures = gr.HTML("", elem_id="kr-measure")
    climb = gr.Button("Which stage loses how much? Run it four times, with more and more of the truth", visible=False)
    state = gr.HTML("", elem_id="kr-climb")
    table = gr.HTML("", elem_id="kr-ladder")

    @told(4)
    def look(token: str) -> list[Any]:
        here, run = context.visits.visit(token), context.open_run(token)
        if run is None:
            nothing = '<p class="kr-dim">No run is open: make one in the first tab.</p>'
            return [nothing, gr.Button(visible=False), "", ""]
        has_truth = not run.is_going_on and is_world(run.report.get("settings"))
        return [measured(run), gr.Button(visible=has_truth), "", ladder_table(read_ladder(ladder_folder(here, run)))]

    @told_on_the_way(2)
    def do_climb(token: str) -> Iterator[list[Any]]:
        here, run = context.visits.visit(token), context.open_run(token)
        if run is None or not is_world(run.report.get("settings")):
            raise InputError("only of a world all of the truth is known")
        if here.climb is not None and here.climb.is_running:
            raise InputError("a ladder of yours is being climbed; let it end")
        frames = (run.report.get("counts") or {}).get("frames")
        folder = ladder_folder(here, run)
        here.climb = RunJob(ladder_request(run.report["settings"], frames), folder)
        while here.climb.is_running:
            here.climb.wait(_LOOK_EVERY_S)
            context.visits.visit(token)
            yield [progress_told(here.climb.progress), gr.skip()]
        yield [progress_told(here.climb.progress), ladder_table(read_ladder(folder))]

    opened.change(look, context.visit, [figures, climb, state, table], **QUIET)
    climb.click(do_climb, context.visit, [state, table], concurrency_limit=1, concurrency_id="run", **QUIET)


def ladder_folder(here: Visit, run: OpenRun) -> Path:
    """Where a visitor's ladder of a run is."""
    return here.folder / f"{run.name}-ladder"


def ladder_table(record: LadderRecord | None) -> str:
    """Rungs and losses of a whole ladder, as HTML; empty without one."""
    if record is None or record.status != "finished":
        return ""
    words = {rung.name: rung.words for rung in RUNGS}
    rows = [(words.get(rung.name, rung.name), rung.figures, "") for rung in record.rungs]
    rows += [(f"lost by the {stage}", figures, "+") for stage, figures in record.losses.items()]
    body = "".join(f"<tr><td>{escape(name)}</td>{_rung(figures, sign)}</tr>" for name, figures, sign in rows)
    heads = "".join(f'<th class="kr-number">{title}</th>' for _, title in _RUNG_FIGURES)
    return (
        f"<h4>The ladder</h4><div class='kr-scroll'><table class='kr-table'><tr><th>rung</th>{heads}</tr>{body}</table>"
        "</div><p class='kr-dim'>Percent, all cameras under one naming.</p>"
    )


def measured(run: OpenRun) -> str:
    """Scores and stage times of a run, as HTML.

    Raises:
        InputError: its files are damaged.
    """
    return f"{_summary(run)}<h4>Against the truth</h4>{_scores(run)}<h4>Where the time went</h4>{_stages(run)}"


def _rung(figures: FiguresRecord, sign: str) -> str:
    numbers = (round(100 * figures.together[field], 1) + 0.0 for field, _ in _RUNG_FIGURES)  # zero has no minus
    return "".join(f'<td class="kr-number">{number:{sign}.1f}</td>' for number in numbers)


def _summary(run: OpenRun) -> str:
    report = run.report
    counts = report.get("counts") or {}
    machine = report.get("machine") or {}
    facts = [
        ("status", report.get("status")),
        ("frames", counts.get("frames")),
        ("frames a second, all cameras together", report.get("frames_per_s")),
        ("identities", counts.get("identities")),
        ("model", (report.get("model") or {}).get("name")),
        (
            "machine",
            f"{machine.get('system', '')}, {machine.get('threads', '?')} threads, GPU: {machine.get('gpu') or 'none'}",
        ),
    ]
    rows = "".join(f"<tr><td>{escape(name)}</td><td>{escape(str(value))}</td></tr>" for name, value in facts if value)
    notice = f'<p class="kr-dim">{escape(str(report["notice"]))}</p>' if report.get("notice") else ""
    return f'<div class="kr-scroll"><table class="kr-table">{rows}</table></div>{notice}'


def _scores(run: OpenRun) -> str:
    path = run.folder / "scores.json"
    if not path.is_file():
        return (
            '<p class="kr-dim">Nobody knows the truth about this run. For a world it is known; for other recordings '
            "give it to <code>keyreid eval tracking</code>.</p>"
        )
    try:
        scores = json.loads(path.read_text(encoding="utf-8"))
        rows = [*scores["cameras"].items(), ("all cameras together", scores["together"])]
        body = "".join(
            f"<tr><td>{escape(name)}</td>{''.join(_percent(of.get(field)) for field, _ in _FIGURES)}</tr>"
            for name, of in rows
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{path} is damaged; make the run again") from error
    heads = "".join(f'<th class="kr-number">{title}</th>' for _, title in _FIGURES)
    return (
        f'<div class="kr-scroll"><table class="kr-table"><tr><th>camera</th>{heads}</tr>{body}</table></div>'
        '<p class="kr-dim">Percent; as the run said it, before anybody was changed by hand.</p>'
    )


def _percent(value: object) -> str:
    return f'<td class="kr-number">{100 * value:.1f}</td>' if isinstance(value, int | float) else "<td></td>"


def _stages(run: OpenRun) -> str:
    report = run.report
    if not report.get("stages") or not report.get("counts"):
        return '<p class="kr-dim">The run told no times.</p>'
    drawn = any("World" in name for name in (report.get("stage_classes") or {}).get("sources", []))
    body = "".join(
        f"<tr><td>{escape(row['words'])}</td><td class='kr-number'>{row['seconds']}</td>"
        f"<td class='kr-number'>{row['ms_per_frame']}</td>"
        f'<td style="min-width:120px"><span class="kr-bar"><i style="width:{row["percent"]}%"></i></span></td></tr>'
        for row in stage_rows(report, drawn=drawn)
    )
    return (
        '<div class="kr-scroll"><table class="kr-table"><tr><th>stage</th><th class="kr-number">seconds</th>'
        f'<th class="kr-number">ms a frame</th><th></th></tr>{body}</table></div>'
    )
