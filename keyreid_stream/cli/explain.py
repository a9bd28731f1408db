"""`keyreid gallery explain`: why somebody is who they are, in the terminal and as a sheet with pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console, Group
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from keyreid_stream.association.decisions import Candidate, Decision
from keyreid_stream.errors import InputError
from keyreid_stream.report import decision_words as words
from keyreid_stream.report.decision_sheet import write_sheet
from keyreid_stream.report.explanation import explanation
from keyreid_stream.sinks.mosaic import clock_text
from keyreid_stream.structures import TrackKey

_INDENT = 2


def explain(
    identity: Annotated[int, typer.Argument(help="Whose decisions; those who were merged into it are included.")],
    run: Annotated[Path, typer.Option("--run", help="Folder of a run that was recorded with --decisions.")],
    track: Annotated[
        str | None, typer.Option("--track", metavar="CAMERA/TRACK", help="Only the decisions about this track.")
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", help="Write a sheet with pictures, one HTML file.")] = None,
) -> None:
    """Tell, decision by decision, who was considered, and what spoke for and against."""
    explained = explanation(run, identity, None if track is None else _track(track))
    sheet = None if out is None else write_sheet(explained, out)
    console = Console()
    for decision in explained.decisions:
        console.print(_told(decision))
    if sheet is not None:
        typer.echo(sheet)


def _track(text: str) -> TrackKey:
    camera_id, _, track_id = text.rpartition("/")
    if not camera_id or not track_id.isdecimal():
        raise InputError(f"--track {text!r} names no track; write CAMERA/TRACK, such as lobby/12")
    return TrackKey(camera_id, int(track_id))


def _told(decision: Decision) -> Group:
    head = Text.assemble(
        (clock_text(decision.timestamp_s), "bold"), f"  {words.tracklet(decision)}  ", (decision.kind, "dim")
    )
    lines = [Text(line) for line in (words.outcome(decision), words.reason(decision)) if line]
    told: list[Text | Padding] = [head, *(Padding(line, (0, 0, 0, _INDENT)) for line in lines)]
    if any(one.log_odds is not None or one.vetoes for one in decision.candidates):
        told.append(Padding(_candidates(decision), (0, 0, 0, _INDENT)))
    for one in decision.candidates[:1]:
        told += [Padding(Text(line, "dim"), (0, 0, 0, _INDENT)) for line in _details(one)]
    return Group(*told, Text())


def _candidates(decision: Decision) -> Table:
    """Everyone who was considered; a term that spoke for nobody has no column."""
    spoken = [
        (name, said)
        for name, said in words.TERMS
        if name == "appearance" or any(one.log_odds and getattr(one.log_odds, name) for one in decision.candidates)
    ]
    table = Table(box=None, padding=(0, 2, 0, 0))
    table.add_column("who")
    for title in ("log odds", *(said for _, said in spoken), "similarity", "threshold"):
        table.add_column(title, justify="right")
    table.add_column("ruled out", overflow="fold")
    for one in decision.candidates:
        odds = one.log_odds
        weights = [odds.total, *(getattr(odds, name) for name, _ in spoken)] if odds else [None] * (len(spoken) + 1)
        table.add_row(
            Text(words.person(one.identity_id), "bold" if one.identity_id == decision.identity_id else ""),
            *("" if weight is None else words.signed(weight) for weight in weights),
            "" if one.similarity is None else f"{one.similarity:.2f}",
            "" if one.threshold is None else f"{one.threshold.similarity:.2f}",
            words.vetoes(one),
        )
    return table


def _details(one: Candidate) -> list[str]:
    """Of the best candidate: body parts, what the threshold was learned from, and what was compared."""
    who = words.person(one.identity_id)
    lines = []
    if one.parts:
        lines.append(f"{who} by parts: " + " · ".join(words.part(part) for part in one.parts))
    if one.threshold is not None:
        lines.append(f"threshold {one.threshold.similarity:.2f} {words.learned_from(one.threshold)}")
    if floor := words.floor(one):
        lines.append(floor)
    lines += [f"compared with {words.view(view)}" for view in one.views]
    return lines
