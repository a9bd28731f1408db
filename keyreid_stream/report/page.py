"""The page: one HTML file that loads nothing from anywhere."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from keyreid_stream.report.embedding import data_address, encoded, middle_picture
from keyreid_stream.report.environment import rendered
from keyreid_stream.report.people import PersonSeen
from keyreid_stream.report.plan import FloorPlan
from keyreid_stream.report.record import DemoRecord
from keyreid_stream.report.sections import (
    gallery_rows,
    percent,
    plan_figure,
    score_rows,
    stage_rows,
    time_line,
    trail_figures,
)
from keyreid_stream.report.trails import Trail

_TEMPLATE = "report.html"
_COUNTS = ("no", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine", "Ten", "Eleven", "Twelve")


def render_page(
    record: DemoRecord, people: Sequence[PersonSeen], plan: FloorPlan, trails: Sequence[Trail], mosaic: Path
) -> str:
    """The whole page.

    Args:
        record: the run.
        people: its identities.
        plan: of its scene.
        trails: everybody's ways, for the map that moves with the video.
        mosaic: the video to embed; a run that was interrupted early has none.
    """
    return rendered(_TEMPLATE, _content(record, people, plan, trails, mosaic))


def _content(
    record: DemoRecord, people: Sequence[PersonSeen], plan: FloorPlan, trails: Sequence[Trail], mosaic: Path
) -> dict[str, Any]:
    # The mosaic begins with the first frame of all: at the world's time 0, by the clock that is most behind.
    start_s = min(view.sensor.clock_offset_s for view in record.scene.cameras)
    end_s = max([camera["last_timestamp_s"] for camera in record.run["cameras"].values()], default=start_s)
    scores = record.scores
    return {
        "record": record,
        "run": record.run,
        "started": datetime.fromisoformat(record.run["started"]).astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "cameras_in_words": _in_words(len(record.camera_ids)),
        "notes": [note for note in (record.detector.note, record.reid.note) if note],
        "tiles": _tiles(record, people),
        "video": _video(mosaic),
        "plan": plan_figure(plan),
        "trails": trail_figures(trails, plan.size[1], start_s),
        "length_s": round(end_s - start_s, 2),
        "time_line": time_line(people, record.camera_ids, start_s, end_s),
        "gallery": gallery_rows(people, record),
        "scores": score_rows(scores, record.camera_ids) if scores else [],
        "stages": stage_rows(record.run),
    }


def _tiles(record: DemoRecord, people: Sequence[PersonSeen]) -> list[dict[str, str]]:
    """The few figures that a hurried reader takes home."""
    counts = record.run["counts"]
    speed = {
        "value": f"{record.run['frames_per_s']:g}",
        "unit": "frames/s",
        "words": f"{counts['frames']} frames in {record.run['wall_s']:.0f} s, the drawing of the world included",
    }
    if record.scores is None:
        return [{"value": str(len(people)), "unit": "", "words": "identities found"}, speed]
    together = record.scores.together
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
        speed,
    ]


def _video(mosaic: Path) -> dict[str, str] | None:
    if not mosaic.is_file():
        return None
    return {
        "address": data_address(mosaic.read_bytes(), "video/mp4"),
        "poster": data_address(encoded(middle_picture(mosaic), ".jpg", quality=82), "image/jpeg"),
    }


def _in_words(count: int) -> str:
    noun = "camera" if count == 1 else "cameras"
    return f"{_COUNTS[count] if count < len(_COUNTS) else count} {noun}"
