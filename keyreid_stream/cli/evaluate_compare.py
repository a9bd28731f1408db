"""`keyreid eval compare`: re-ID evaluations, or tracks, side by side."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from keyreid_stream.errors import ConfigError
from keyreid_stream.evaluation.intervals import RESAMPLES, Interval
from keyreid_stream.evaluation.made_by import made_by_words
from keyreid_stream.evaluation.scores_comparison import (
    SHARES,
    compare_runs,
    is_scored_run,
    read_scored_run,
    scores_comparison_text,
)
from keyreid_stream.evaluation.scores_file import write_scores

_NAMES = {"hota": "HOTA", "deta": "DetA", "assa": "AssA", "idf1": "IDF1", "mota": "MOTA"}


def compare(
    files: Annotated[
        list[Path],
        typer.Argument(help="--out files of `eval reid`, or --json files of `eval track`; the first is the baseline."),
    ],
    similarity: Annotated[
        list[str] | None,
        typer.Option(help="Of re-ID: row to compare, one for all files or one for each; cosine if not given."),
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the resamples.")] = 0,
    json: Annotated[Path | None, typer.Option(help="Also write the comparison to this file.")] = None,
    html: Annotated[Path | None, typer.Option(help="Of re-ID: also write a page with the curves of all.")] = None,
) -> None:
    """Evaluations of the same test side by side, with 95 % intervals of the differences (paired bootstrap)."""
    if is_scored_run(files[0]):
        if similarity or html is not None:
            raise ConfigError("--similarity and --html are of re-ID evaluations, and these are tracks; leave them out")
        _compare_tracks(files, seed=seed, json=json)
        return
    _compare_reid(files, similarity, seed=seed, json=json, html=html)


def _compare_tracks(files: list[Path], *, seed: int, json: Path | None) -> None:
    runs = [read_scored_run(file) for file in files]
    compared = compare_runs(runs, seed=seed)
    first = runs[0].content
    table = Table(
        "results",
        title=Text(f"{len(runs[0].cameras)} cameras of {first['truth']}" + _rule(first)),
        caption=f"percent; means over cameras, with 95 % of {RESAMPLES:,} paired resamples of cameras",
    )
    for name in ("HOTA together", "IDF1 together", *(f"mean {_NAMES[share]} vs first" for share in SHARES)):
        table.add_column(name, justify="right")
    for one, run in zip(compared, runs, strict=True):
        weights = run.content.get("run")
        table.add_row(
            Text(str(run.content["results"]) + (f"\n{made_by_words(weights)}" if weights else "")),
            *(f"{100 * run.together[share]:.1f}" for share in ("hota", "idf1")),
            *(_mean(one.means[share], one.differences.get(share)) for share in SHARES),
        )
    Console(width=max(Console().width, 190)).print(table)
    if json is not None:
        write_scores(json, scores_comparison_text(compared, runs, seed=seed))


def _rule(scores: Mapping[str, Any]) -> str:
    benchmark, least = scores.get("benchmark"), scores.get("min_visibility")
    return f"; {benchmark}'s rule" if benchmark else f"; people seen less than {100 * (least or 0):g} % are ignored"


def _mean(mean: float, difference: Interval | None) -> str:
    if difference is None:
        return f"{100 * mean:.1f}"
    alone = difference.low != difference.low
    return (
        f"{100 * mean:.1f}\n{100 * difference.difference:+.1f}"
        if alone
        else f"{100 * mean:.1f}\n{_interval(difference)}"
    )


def _compare_reid(
    files: list[Path], similarity: list[str] | None, *, seed: int, json: Path | None, html: Path | None
) -> None:
    from keyreid_stream.evaluation.reid.bootstrap import compare_records
    from keyreid_stream.evaluation.reid.comparison_file import comparison_text
    from keyreid_stream.evaluation.reid.record import read_record

    chosen = similarity or ["cosine"]
    if len(chosen) not in (1, len(files)):
        raise ConfigError(f"{len(chosen)} similarities for {len(files)} files; give one, or one for each")
    chosen = chosen * len(files) if len(chosen) == 1 else chosen
    records = [read_record(file) for file in files]
    compared = compare_records(records, chosen, seed=seed)
    first = records[0]
    title = Text(
        f"{first.data}: {first.protocol}" + (f"; {first.hidden} half of queries hidden" if first.hidden else "")
    )
    table = Table(
        "embedder", "clips", "similarity", title=title, caption=f"95 % of {RESAMPLES:,} paired resamples of queries"
    )
    for name in ("rank-1", "mAP", "queries", "rank-1 vs first", "mAP vs first"):
        table.add_column(name, justify="right")
    for one, record, way in zip(compared, records, chosen, strict=True):
        table.add_row(
            Text(f"{short_name(one.name)}\n{record.embedder.sha256[:12]}"),
            record.clips + (", re-ranked" if record.reranking else ""),
            way,
            f"{100 * one.figures.rank1:.1f}",
            f"{100 * one.figures.mean_average_precision:.1f}",
            str(one.figures.queries),
            _interval(one.rank1),
            _interval(one.mean_average_precision),
        )
    Console(width=max(Console().width, 140)).print(table)
    if json is not None:
        write_scores(json, comparison_text(compared, records, chosen, files=files, seed=seed))
    if html is not None:
        from keyreid_stream.evaluation.reid.comparison_page import comparison_page

        command = shlex.join(["keyreid", *sys.argv[1:]])
        write_scores(html, comparison_page(compared, records, chosen, files=files, seed=seed, command=command))


def _interval(interval: Any) -> str:
    if interval is None:
        return "-"
    low, high = 100 * interval.low, 100 * interval.high
    return f"{100 * interval.difference:+.1f} ({low:+.1f} to {high:+.1f})"


def short_name(embedder: str) -> str:
    """An embedder's name without folders, which the file has."""
    kind, _, what = embedder.partition(":")
    return f"{kind}:{Path(what).name}"
