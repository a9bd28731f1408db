"""The tab of figures: how right a run is where the truth is known, and where its time went."""

from __future__ import annotations

import json
from html import escape
from typing import Any

import gradio as gr

from keyreid_demos.context import Context
from keyreid_demos.events import QUIET
from keyreid_demos.open_run import OpenRun
from keyreid_demos.told import told
from keyreid_stream.errors import InputError
from keyreid_stream.report.sections import stage_rows

_FIGURES = (("idf1", "IDF1"), ("hota", "HOTA"), ("mota", "MOTA"))


def add_measure(context: Context, opened: Any) -> None:
    """Add the tab's components.

    Args:
        context: shared by all tabs.
        opened: a component that changes when the visitor looks at another run.
    """
    figures = gr.HTML("", elem_id="kr-measure")

    @told(1)
    def look(token: str) -> str:
        run = context.open_run(token)
        return '<p class="kr-dim">No run is open: make one in the first tab.</p>' if run is None else measured(run)

    opened.change(look, context.visit, figures, **QUIET)


def measured(run: OpenRun) -> str:
    """Scores and stage times of a run, as HTML.

    Raises:
        InputError: its files are damaged.
    """
    return f"{_summary(run)}<h4>Against the truth</h4>{_scores(run)}<h4>Where the time went</h4>{_stages(run)}"


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
