"""The page's figures: everything that the template shows, worked out and worded. Fractions become percent here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from keyreid_stream.evaluation import RunScores, TrackingScores
from keyreid_stream.report.embedding import data_address, encoded
from keyreid_stream.report.people import PersonSeen, camera_lanes
from keyreid_stream.report.plan import FloorPlan
from keyreid_stream.report.record import DemoRecord
from keyreid_stream.report.trails import Trail
from keyreid_stream.sinks.mosaic import clock_text
from keyreid_stream.sinks.palette import Colour, identity_colour
from keyreid_stream.world.structures import Points

_STAGE_WORDS = {
    "sources": "Drawing the world: every camera's pictures and their truth",
    "pose": "Finding people and their keypoints",
    "crops": "Cutting people out, body parts marked",
    "frame encoder": "KeyRe-ID, first half: crops to tokens",
    "tracker": "Following people within each camera",
    "clip head": "KeyRe-ID, second half: clips to embeddings",
    "quality": "How much each picture of a person can tell",
    "geometry": "Where people stand, by calibration",
    "associator": "Who is who across cameras",
    "sinks": "Writing videos, tracks and events",
}
_SHARE_THAT_COUNTS = 0.1
_LANE_HEIGHT = 17
_CHART_WIDTH = 1000
_SHORTEST_LABELLED = 26
"""A bar narrower than this has no room for its identity's name."""


def score_rows(scores: RunScores, camera_ids: Sequence[str]) -> list[dict[str, Any]]:
    """One row per camera, in this order, then one for all together."""
    rows = [{"name": name, "together": False, **_in_percent(scores.cameras[name])} for name in camera_ids]
    return [*rows, {"name": "all cameras together", "together": True, **_in_percent(scores.together)}]


def stage_rows(run: Mapping[str, Any], *, drawn: bool = True) -> list[dict[str, Any]]:
    """Where the wall clock's seconds went, in the order of the pipeline, with what no stage accounts for.

    Args:
        run: the content of `run.json`.
        drawn: whether the cameras are a world's, whose pictures are drawn; others' are read.
    """
    spent = {name: float(stage["total_s"]) for name, stage in run["stages"].items()}
    total = max(float(run["wall_s"]), sum(spent.values()), 1e-9)
    rest = total - sum(spent.values())
    frames = run["counts"]["frames"]
    words_of = _STAGE_WORDS if drawn else _STAGE_WORDS | {"sources": "Reading every camera's pictures"}
    rows = [(words_of.get(name, name), seconds) for name, seconds in spent.items()]
    rows.append(("Everything else", rest))
    return [
        {
            "words": words,
            "seconds": f"{seconds:.1f}",
            "ms_per_frame": f"{1000 * seconds / frames:.1f}" if frames else "-",
            "percent": round(100 * seconds / total, 1),
        }
        for words, seconds in rows
    ]


def gallery_rows(people: Sequence[PersonSeen], record: DemoRecord) -> list[dict[str, Any]]:
    """One row per identity, with an embedded picture, or None, for every camera, and what the truth says of it."""
    return [
        {
            "identity_id": person.identity_id,
            "colour": css(identity_colour(person.identity_id)),
            "first": clock_text(person.first_seen_s),
            "last": clock_text(person.last_seen_s),
            "pictures": [
                {
                    "camera_id": camera_id,
                    "address": _picture(person, camera_id),
                    "seen": camera_id in person.stays,
                    "person": record.people_in_crops.get(person.identity_id, {}).get(camera_id),
                }
                for camera_id in record.camera_ids
            ],
            "verdict": verdict(person.identity_id, record.true_people) if record.true_people else None,
        }
        for person in people
    ]


def verdict(identity_id: int, true_people: Mapping[int, Counter[int]]) -> dict[str, Any]:
    """What the truth says of an identity, in words; right is one person, under no other number.

    A person of whom an identity has less than a tenth of its boxes is passed over: where people cross, a few swap.
    """
    here = true_people.get(identity_id)
    if not here:
        return {"words": "nobody in truth", "is_right": False}
    who = sorted(person_id for person_id, boxes in here.items() if boxes >= _SHARE_THAT_COUNTS * here.total())
    words = f"person {who[0]}" if len(who) == 1 else f"people {', '.join(map(str, who))}"
    # Other identities that are mostly the person that this one mostly is.
    same = [f"P{other}" for other, seen in true_people.items() if other != identity_id and _main(seen) == _main(here)]
    if same:
        words += f", also {', '.join(same)}"
    return {"words": words, "is_right": len(who) == 1 and not same}


def _main(seen: Counter[int]) -> int:
    """The most frequent; of equally frequent people the one of the lower number."""
    return min(seen, key=lambda person_id: (-seen[person_id], person_id))


def plan_figure(plan: FloorPlan) -> dict[str, Any]:
    """The floor plan for an SVG in metres, y downwards."""
    depth = plan.size[1]
    return {
        "width": plan.size[0],
        "depth": depth,
        "shapes": [{"kind": shape.kind, "points": _svg_points(shape.corners, depth)} for shape in plan.shapes],
        "sights": [
            {
                "name": sight.camera_id,
                "x": round(float(sight.place[0]), 2),
                "y": round(depth - float(sight.place[1]), 2),
                "area": _svg_points(sight.area, depth),
                "is_upper": bool(sight.place[1] > depth / 2),
                "anchor": _anchor(float(sight.place[0]) / plan.size[0]),
            }
            for sight in plan.sights
        ],
    }


def trail_figures(trails: Iterable[Trail], depth: float, start_s: float) -> list[dict[str, Any]]:
    """Trails as the page's script and SVG take them: metres to the centimetre, y downwards, times from the start."""
    return [
        {
            "identity": trail.identity_id,
            "camera": trail.camera_id,
            "colour": css(identity_colour(trail.identity_id)),
            "t": [round(float(time_s) - start_s, 2) for time_s in trail.times_s],
            "x": [round(float(x), 2) for x in trail.floor_xy[:, 0]],
            "y": [round(depth - float(y), 2) for y in trail.floor_xy[:, 1]],
            "points": _svg_points(trail.floor_xy, depth),
        }
        for trail in trails
    ]


def time_line(people: Sequence[PersonSeen], camera_ids: Sequence[str], start_s: float, end_s: float) -> dict[str, Any]:
    """The time line's bars, 1000 units wide; a camera's lanes below its name."""
    length_s = max(end_s - start_s, 1e-9)
    cameras, top = [], 0
    for camera_id in camera_ids:
        bars = camera_lanes(people, camera_id)
        lanes = max((bar.lane + 1 for bar in bars), default=1)
        figures = []
        for bar in bars:
            left = _CHART_WIDTH * (bar.stay.start_s - start_s) / length_s
            width = max(2.0, _CHART_WIDTH * (bar.stay.end_s - bar.stay.start_s) / length_s)
            span = f"{clock_text(bar.stay.start_s)} to {clock_text(bar.stay.end_s)}"
            figures.append(
                {
                    "identity_id": bar.identity_id,
                    "colour": css(identity_colour(bar.identity_id)),
                    "x": round(left, 1),
                    "y": top + 20 + bar.lane * _LANE_HEIGHT,
                    "width": round(width, 1),
                    "labelled": width >= _SHORTEST_LABELLED,
                    "title": f"P{bar.identity_id}, {camera_id}: {span}",
                }
            )
        cameras.append({"name": camera_id, "y": top + 13, "bars": figures})
        top += 20 + lanes * _LANE_HEIGHT + 12
    return {
        "width": _CHART_WIDTH,
        "height": top + 18,
        "bottom": top,
        "bar_height": _LANE_HEIGHT - 3,
        "cameras": cameras,
        "marks": [
            {"x": round(_CHART_WIDTH * mark / length_s, 1), "text": f"{mark:g} s"} for mark in time_marks(length_s)
        ],
    }


def css(colour: Colour) -> str:
    """A colour as CSS writes it."""
    return "#{:02x}{:02x}{:02x}".format(*colour)


def percent(share: float) -> str:
    """A share from 0 to 1 in percent, one decimal."""
    return f"{100 * share:.1f}"


def _in_percent(scores: TrackingScores) -> dict[str, Any]:
    shares = ("idf1", "idp", "idr", "hota", "deta", "assa", "loca", "mota")
    counts = ("idsw", "fp", "fn", "truth_ids", "result_ids")
    return {name: percent(getattr(scores, name)) for name in shares} | {name: getattr(scores, name) for name in counts}


def _picture(person: PersonSeen, camera_id: str) -> str | None:
    crop = person.crops.get(camera_id)
    return None if crop is None else data_address(encoded(crop.image, ".jpg"), "image/jpeg")


def _svg_points(places: Points, depth: float) -> str:
    return " ".join(f"{x:.2f},{depth - y:.2f}" for x, y in places.tolist())


def _anchor(share: float) -> str:
    """Which end of a label is at its camera, so that labels at the floor's sides stay on the map."""
    if share < 0.2:
        return "start"
    return "end" if share > 0.8 else "middle"


def time_marks(length_s: float) -> list[float]:
    """Round seconds, at most about ten."""
    step = next(step for step in (0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1800, 3600) if 10 * step >= length_s)
    return [step * number for number in range(int(length_s / step) + 1)]
