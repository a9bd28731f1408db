"""A judged run as one page that loads nothing: how right, how soon, who was taken for whom, at what cost."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from keyreid_stream.report.confusion import confusion_figure, confusion_of
from keyreid_stream.report.environment import rendered
from keyreid_stream.report.judged import JudgedRun
from keyreid_stream.report.sections import percent, score_rows, stage_rows
from keyreid_stream.report.time_lines import time_lines

JUDGED_PAGE = "report.html"
"""Its name in a rung's folder; a run that is overwritten takes it along."""


def judged_page(judged: JudgedRun, command: str | None = None) -> str:
    """The page's HTML.

    Args:
        judged: the run.
        command: what repeats the judgement; None where it is part of something else.
    """
    run = judged.run
    started = datetime.fromisoformat(run["started"]).astimezone(UTC)
    return rendered(
        "judged.html",
        {
            "name": judged.folder.resolve().name,
            "run": run,
            "started": started.strftime("%Y-%m-%d %H:%M UTC"),
            "command": command,
            "tiles": _tiles(judged),
            "scores": score_rows(judged.scores, sorted(judged.truth)),
            "clock": clock_rows(judged),
            "visits": judged.clock.visits,
            "never_found": judged.clock.never_found,
            "time_lines": time_lines(judged),
            "confusion": confusion_figure(confusion_of(judged)),
            "stages": stage_rows(run, drawn="WorldSource" in " ".join(run["stage_classes"]["sources"])),
        },
    )


def clock_rows(judged: JudgedRun) -> list[dict[str, Any]]:
    """One row per mark, in percent of the visits that last so long."""
    return [
        {
            "words": _words(mark.after_s),
            "visits": mark.visits,
            "online": _share(mark.online_share),
            "undecided": _share(mark.undecided_share),
            "revised": _share(mark.revised_share),
        }
        for mark in judged.clock.marks
    ]


def _words(after_s: float | None) -> str:
    if after_s is None:
        return "at the end of the visit"
    return f"after {after_s:g} s" if after_s else "in the first frame"


def _share(share: float | None) -> str:
    return "-" if share is None else percent(share)


def _tiles(judged: JudgedRun) -> list[dict[str, str]]:
    together = judged.scores.together
    return [
        {
            "value": percent(together.idf1),
            "unit": "% IDF1",
            "words": "of all boxes, in all cameras, bear the right person's name",
        },
        {
            "value": percent(together.hota),
            "unit": "% HOTA",
            "words": "finding and naming people, weighed equally, across all cameras",
        },
        {
            "value": f"{together.result_ids} / {together.truth_ids}",
            "unit": "",
            "words": "identities found / people who were there to be seen",
        },
        {
            "value": f"{judged.run['frames_per_s']:g}",
            "unit": "frames/s",
            "words": f"{judged.run['counts']['frames']} frames in {judged.run['wall_s']:.0f} s",
        },
    ]
