"""All of a report into its folder."""

from __future__ import annotations

from pathlib import Path

from keyreid_stream.report.embedding import encoded
from keyreid_stream.report.floor_map import draw_floor_map
from keyreid_stream.report.gallery import gallery_sheet
from keyreid_stream.report.page import render_page
from keyreid_stream.report.people import people_seen
from keyreid_stream.report.plan import FloorPlan
from keyreid_stream.report.record import DemoRecord
from keyreid_stream.report.trails import trails_of
from keyreid_stream.world.writers.whole_file import write_bytes, write_text

FLOOR_MAP = "floor_map.png"
GALLERY = "gallery.jpg"
REPORT = "report.html"


def write_report(record: DemoRecord) -> Path:
    """Write `floor_map.png`, `gallery.jpg` and `report.html`, each whole or not at all; returns the last one's path."""
    plan = FloorPlan.of(record.scene)
    trails = trails_of(record.paths, plan.size)
    people = people_seen(record.paths, record.crops)
    write_bytes(record.folder / FLOOR_MAP, encoded(draw_floor_map(plan, trails), ".png"))
    write_bytes(record.folder / GALLERY, encoded(gallery_sheet(people, record.camera_ids), ".jpg"))
    page = render_page(record, people, plan, trails, record.folder / "videos" / "mosaic.mp4")
    write_text(record.folder / REPORT, page)
    return record.folder / REPORT
