"""People as HTML: cards, time lines, a floor map, and why they are who they are. Texts from outside are escaped."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from html import escape
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from keyreid_demos.people import Person, Sighting
from keyreid_stream.association.decisions import Candidate, Decision
from keyreid_stream.report import decision_words as words
from keyreid_stream.report.sections import css as css_colour
from keyreid_stream.sinks.mosaic import clock_text
from keyreid_stream.sinks.palette import identity_colour

Address = Callable[[Path], str]
"""Where a browser finds a file."""

MOST_CARDS = 200
MOST_DECISIONS = 40
_CARD_CROPS = 4
_CHART, _LANE, _LABEL = 1000, 26, 150
_MAP_WIDTH = 900

CSS = """
.kr-cards { display: grid; grid-template-columns: repeat(auto-fill, minmax(230px, 1fr)); gap: 12px; }
.kr-card { display: block; text-align: left; padding: 10px; border-radius: 10px; cursor: pointer; width: 100%;
  border: 1px solid var(--border-color-primary); background: var(--background-fill-secondary);
  color: var(--body-text-color); border-left: 6px solid var(--kr); font: inherit; }
.kr-card:hover, .kr-card:focus-visible { outline: 2px solid var(--kr); }
.kr-card.kr-chosen { background: var(--background-fill-primary); box-shadow: 0 0 0 2px var(--kr); }
.kr-crops { display: flex; gap: 6px; margin-bottom: 8px; height: 104px; overflow: hidden; }
.kr-crops img { height: 104px; max-width: 72px; object-fit: cover; border-radius: 6px; background: #8884; }
.kr-none { height: 104px; width: 60px; border-radius: 6px; border: 1px dashed var(--border-color-primary); }
.kr-title { font-weight: 600; overflow-wrap: anywhere; }
.kr-end { align-items: flex-end; }
.kr-dim { color: var(--body-text-color-subdued); font-size: 0.86em; overflow-wrap: anywhere; }
.kr-strip { display: flex; flex-wrap: wrap; gap: 10px; }
.kr-strip figure { margin: 0; width: 92px; }
.kr-strip img { width: 92px; height: 150px; object-fit: cover; border-radius: 6px; background: #8884; }
.kr-strip figcaption { font-size: 0.78em; color: var(--body-text-color-subdued); overflow-wrap: anywhere; }
.kr-scroll { overflow-x: auto; }
.kr-chart { width: 100%; min-width: 520px; height: auto; display: block; }
.kr-chart text { fill: var(--body-text-color); font: 12px system-ui, sans-serif; }
.kr-chart .kr-dim-text { fill: var(--body-text-color-subdued); }
.kr-chart line { stroke: var(--border-color-primary); }
.kr-map { width: 100%; max-width: 900px; height: auto; display: block; border-radius: 8px;
  background: var(--background-fill-secondary); border: 1px solid var(--border-color-primary); }
.kr-map text { font: 12px system-ui, sans-serif; fill: var(--body-text-color); }
.kr-why { border-left: 3px solid var(--border-color-primary); padding: 2px 0 6px 10px; margin-bottom: 10px; }
.kr-why .kr-kind { font-size: 0.78em; padding: 1px 6px; border-radius: 8px;
  background: var(--background-fill-secondary); border: 1px solid var(--border-color-primary); }
.kr-parts { display: grid; grid-template-columns: max-content 1fr max-content; gap: 2px 8px; max-width: 380px;
  font-size: 0.84em; align-items: center; }
.kr-bar { display: block; height: 8px; border-radius: 4px; background: var(--border-color-primary); overflow: hidden; }
.kr-bar i { display: block; height: 100%; background: var(--kr, var(--color-accent)); }
.kr-table { border-collapse: collapse; font-size: 0.9em; }
.kr-table tr, .kr-table td, .kr-table th, table.kr-table { border: 0 !important; }
.kr-table td, .kr-table th { padding: 3px 14px 3px 0 !important; text-align: left; }
.kr-table td.kr-number, .kr-table th.kr-number { text-align: right; font-variant-numeric: tabular-nums; }
"""


def cards(people: Sequence[Person], address: Address, chosen: int | None = None) -> str:
    """A card for each person, a button each: the page listens to clicks on `data-identity`."""
    if not people:
        return '<p class="kr-dim">Nobody was recognised in this run.</p>'
    shown = "".join(_card(one, address, one.identity_id == chosen) for one in people[:MOST_CARDS])
    more = len(people) - MOST_CARDS
    rest = f'<p class="kr-dim">and {more} people more; the gallery’s file has them all</p>' if more > 0 else ""
    return f'<div class="kr-cards">{shown}</div>{rest}'


def strip(person: Person, address: Address) -> str:
    """All pictures of somebody, by time."""
    with_crop = [(one, one.crop) for one in person.sightings if one.crop is not None]
    if not with_crop:
        return '<p class="kr-dim">No pictures of them were kept.</p>'
    figures = (
        f'<figure><img loading="lazy" alt="" src="{escape(address(crop))}">'
        f"<figcaption>{escape(one.name)}<br>{clock_text(one.first_s)}</figcaption></figure>"
        for one, crop in with_crop
    )
    return f'<div class="kr-strip">{"".join(figures)}</div>'


def time_line(people: Sequence[Person], cameras: Sequence[str]) -> str:
    """When each camera saw people: a lane a camera, or as many as it takes to keep people apart."""
    seen = [(one, person) for person in people for one in person.sightings]
    if not seen:
        return ""
    start_s, end_s = min(one.first_s for one, _ in seen), max(one.last_s for one, _ in seen)
    scale = (_CHART - _LABEL - 10) / max(end_s - start_s, 1e-3)
    parts, top = [], 6
    for camera_id in cameras:
        bars = sorted(((s, p) for s, p in seen if s.key.camera_id == camera_id), key=lambda pair: pair[0].first_s)
        lanes: list[float] = []
        drawn = []
        for one, person in bars:
            lane = next((i for i, free_s in enumerate(lanes) if free_s < one.first_s), len(lanes))
            lanes[lane : lane + 1] = [one.last_s]
            drawn.append(_bar(one, person, _LABEL + scale * (one.first_s - start_s), scale, top + lane * _LANE))
        height = max(1, len(lanes)) * _LANE
        parts.append(f'<text x="0" y="{top + 17}">{escape(camera_id[:20])}</text>{"".join(drawn)}')
        top += height + 4
        parts.append(f'<line x1="0" x2="{_CHART}" y1="{top - 2}" y2="{top - 2}"/>')
    ends = (
        f'<text class="kr-dim-text" x="{_LABEL}" y="{top + 16}">{clock_text(start_s)}</text>'
        f'<text class="kr-dim-text" x="{_CHART - 4}" y="{top + 16}" text-anchor="end">{clock_text(end_s)}</text>'
    )
    chart = f'<svg class="kr-chart" viewBox="0 0 {_CHART} {top + 24}" role="img" aria-label="time line">'
    return f'<div class="kr-scroll">{chart}{"".join(parts)}{ends}</svg></div>'


def floor_map(ways: Mapping[int, Sequence[NDArray[np.float64]]], chosen: int | None = None) -> str:
    """Where people walked.

    Args:
        ways: by identity, pieces (n, 2) of metres on the floor.
        chosen: whose way stands out.
    """
    pieces = [piece for own in ways.values() for piece in own if len(piece)]
    if not pieces:
        return ""
    places = np.concatenate(pieces)
    low, high = np.percentile(places, 0.5, axis=0) - 1, np.percentile(places, 99.5, axis=0) + 1
    scale = _MAP_WIDTH / max(high[0] - low[0], 1e-3)
    height = scale * (high[1] - low[1])
    lines = []
    for identity_id, own in sorted(ways.items(), key=lambda pair: pair[0] == chosen):
        strength = 1.0 if chosen in (None, identity_id) else 0.18
        colour = css_colour(identity_colour(identity_id))
        for piece in own:
            xy = (piece - low) * scale
            points = " ".join(f"{x:.1f},{height - y:.1f}" for x, y in xy)
            width = 5 if identity_id == chosen else 3
            lines.append(
                f'<polyline fill="none" stroke="{colour}" stroke-width="{width}" stroke-linejoin="round" '
                f'opacity="{strength}" points="{points}"><title>P{identity_id}</title></polyline>'
            )
        if own and len(own[-1]) and strength == 1.0:
            x, y = (own[-1][-1] - low) * scale
            lines.append(f'<text x="{x + 6:.1f}" y="{height - y:.1f}">P{identity_id}</text>')
    meter = f'<rect x="12" y="{height - 16:.1f}" width="{scale:.1f}" height="4" fill="currentColor"/>'
    unit = f'<text x="{16 + scale:.1f}" y="{height - 10:.1f}">1 m</text>'
    size = f"0 0 {_MAP_WIDTH} {height:.0f}"
    return f'<svg class="kr-map" viewBox="{size}" role="img" aria-label="floor map">{"".join(lines)}{meter}{unit}</svg>'


def part_visibility(person: Person, parts: Sequence[tuple[str, float]], views: int) -> str:
    """How well each body part was seen, over what is known of somebody.

    Args:
        person: who.
        parts: name and visibility, 0 to 1.
        views: over how many views.
    """
    if not parts:
        return '<p class="kr-dim">Nothing of them is kept in the gallery to compare others with.</p>'
    rows = "".join(
        f'<span>{escape(name.replace("_", " "))}</span><span class="kr-bar"><i style="width:{100 * share:.0f}%"></i>'
        f"</span><span>{100 * share:.0f} %</span>"
        for name, share in parts
    )
    colour = css_colour(identity_colour(person.identity_id))
    views_told = f"mean of {views} {'view' if views == 1 else 'views'} that others are compared with"
    return f'<p class="kr-dim">{views_told}</p><div class="kr-parts" style="--kr:{colour}">{rows}</div>'


def why(decisions: Iterable[Decision], more: int = 0) -> str:
    """Decisions in words, with whoever was considered."""
    told = "".join(_decision(one) for one in decisions)
    if not told:
        return '<p class="kr-dim">The run recorded no decisions about them (`--decisions`).</p>'
    return told + (f'<p class="kr-dim">and {more} more: `keyreid gallery explain`</p>' if more else "")


def _card(person: Person, address: Address, is_chosen: bool) -> str:
    crops = [(camera_id, person.crop(camera_id)) for camera_id in person.cameras]
    pictures = "".join(
        f'<img loading="lazy" alt="{escape(camera_id)}" title="{escape(camera_id)}" src="{escape(address(crop))}">'
        for camera_id, crop in crops[:_CARD_CROPS]
        if crop is not None
    )
    pictures = pictures or '<span class="kr-none"></span>'
    colour = css_colour(identity_colour(person.identity_id))
    cameras = len(person.cameras)
    return (
        f'<button type="button" class="kr-card{" kr-chosen" if is_chosen else ""}" style="--kr:{colour}" '
        f'data-identity="{person.identity_id}"><div class="kr-crops">{pictures}</div>'
        f'<div class="kr-title">{escape(person.title)}</div>'
        f'<div class="kr-dim">{cameras} {"camera" if cameras == 1 else "cameras"} · {len(person.sightings)} '
        f"{'sighting' if len(person.sightings) == 1 else 'sightings'}<br>"
        f"{clock_text(person.first_s)} to {clock_text(person.last_s)}</div></button>"
    )


def _bar(one: Sighting, person: Person, x: float, scale: float, y: int) -> str:
    width = max(3.0, scale * (one.last_s - one.first_s))
    colour = css_colour(identity_colour(person.identity_id))
    label = f"P{person.identity_id}"
    inside = (
        f'<text x="{x + 5:.1f}" y="{y + 15}" style="fill:#14161c;font-weight:600">{label}</text>'
        if width > 12 * len(label)
        else ""
    )
    title = f"{person.title}: {one.name}, {clock_text(one.first_s)} to {clock_text(one.last_s)}"
    return (
        f'<rect x="{x:.1f}" y="{y}" width="{width:.1f}" height="{_LANE - 6}" rx="4" fill="{colour}">'
        f"<title>{escape(title)}</title></rect>{inside}"
    )


def _decision(one: Decision) -> str:
    lines = [line for line in (words.outcome(one), words.reason(one)) if line]
    considered = "".join(_candidate(candidate) for candidate in one.candidates[:3] if candidate.log_odds)
    table = (
        '<table class="kr-table"><tr><th>who</th><th class="kr-number">log odds</th>'
        '<th class="kr-number">similarity</th><th class="kr-number">threshold</th><th>ruled out</th></tr>'
        f"{considered}</table>"
        if considered
        else ""
    )
    return (
        f'<div class="kr-why"><b>{clock_text(one.timestamp_s)}</b> {escape(words.tracklet(one))} '
        f'<span class="kr-kind">{escape(one.kind)}</span><br>{escape(" ".join(lines))}'
        f'<div class="kr-scroll">{table}</div></div>'
    )


def _candidate(one: Candidate) -> str:
    parts = " · ".join(words.part(part) for part in one.parts)
    total = words.signed(one.log_odds.total) if one.log_odds else ""
    similarity = "" if one.similarity is None else f"{one.similarity:.2f}"
    threshold = "" if one.threshold is None else f"{one.threshold.similarity:.2f}"
    return (
        f'<tr><td>{words.person(one.identity_id)}</td><td class="kr-number">{total}</td>'
        f'<td class="kr-number">{similarity}</td><td class="kr-number">{threshold}</td>'
        f"<td>{escape(words.vetoes(one))}</td></tr>"
        f'<tr><td></td><td colspan="4" class="kr-dim">{escape(parts)}</td></tr>'
    )
