"""People as HTML: well-formed, escaped, and saying what is there."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from keyreid_demos import people_page as page
from keyreid_demos.people import Person, Sighting
from keyreid_stream.structures import TrackKey

EVIL = '<script>alert("x")</script>'


class Tags(HTMLParser):
    """Counts tags, and notes what is not closed."""

    VOID = frozenset({"img", "br", "rect", "line", "polyline"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))
        if tag not in self.VOID or tag in ("rect", "polyline"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.seen if name == tag]


def person(identity_id: int, *spans: tuple[str, float, float], name: str = "") -> Person:
    sightings = tuple(
        Sighting(TrackKey(camera, number), 0, identity_id, first, last, Path(f"{camera}{number}.jpg"))
        for number, (camera, first, last) in enumerate(spans)
    )
    return Person(identity_id, name, sightings, frozenset({identity_id}))


def address(path: Path) -> str:
    return f"/files/{path.name}?a=1&b=2"


def test_each_card_is_a_button_that_says_who_and_when() -> None:
    people = [person(1, ("door", 0, 2), ("hall", 3, 5)), person(2, ("door", 1, 2), name="Ada")]
    tags = Tags(page.cards(people, address, chosen=2))
    buttons = tags.of("button")
    assert [one["data-identity"] for one in buttons] == ["1", "2"]
    assert ["kr-chosen" in str(one["class"]) for one in buttons] == [False, True]
    assert [one["src"] for one in tags.of("img")][:2] == ["/files/door0.jpg?a=1&b=2", "/files/hall1.jpg?a=1&b=2"]
    assert "P2 Ada" in tags.text
    assert "2 cameras · 2 sightings" in tags.text
    assert not tags.open


@pytest.mark.parametrize("part", ["cards", "strip", "time_line"])
def test_names_and_cameras_cannot_be_html(part: str) -> None:
    evil = person(1, (EVIL, 0, 2), name=EVIL)
    text = {
        "cards": lambda: page.cards([evil], address),
        "strip": lambda: page.strip(evil, address),
        "time_line": lambda: page.time_line([evil], [EVIL]),
    }[part]()
    assert "<script" not in text
    assert not Tags(text).of("script")


def test_an_empty_run_says_so() -> None:
    assert "Nobody was recognised" in page.cards([], address)
    assert page.time_line([], ["door"]) == ""
    assert page.floor_map({}) == ""
    assert "no decisions" in page.why([])


def test_bars_on_the_time_line_are_as_long_as_sightings_and_never_overlap() -> None:
    people = [person(1, ("door", 0, 6)), person(2, ("door", 2, 10)), person(3, ("door", 7, 10))]
    bars = Tags(page.time_line(people, ["door"])).of("rect")
    spans = [(float(b["y"] or 0), float(b["x"] or 0), float(b["width"] or 0)) for b in bars]
    widths = {round(width) for *_, width in spans}
    assert max(widths) == round(0.8 * (1000 - 150 - 10))
    for y, x, width in spans:
        assert not any(y == other_y and x < other_x < x + width for other_y, other_x, _ in spans)
    assert len({y for y, *_ in spans}) == 2


def test_the_chosen_ones_way_stands_out_on_the_map() -> None:
    ways = {1: [np.array([[0.0, 0.0], [4.0, 0.0]])], 2: [np.array([[0.0, 3.0], [4.0, 3.0]])]}
    lines = Tags(page.floor_map(ways, chosen=2)).of("polyline")
    assert [one["opacity"] for one in lines] == ["0.18", "1.0"]
    y = [float(str(one["points"]).split()[0].split(",")[1]) for one in lines]
    assert y[0] > y[1]  # up on the plan is up on the map


def test_parts_say_how_well_they_were_seen() -> None:
    tags = Tags(page.part_visibility(person(1, ("door", 0, 1)), [("left_arm", 0.25)], 3))
    assert "left arm" in tags.text
    assert "25 %" in tags.text
    assert "mean of 3 views" in tags.text
