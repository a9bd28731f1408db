from __future__ import annotations

import re

from keyreid_stream.evaluation.reid.page import Picture, RankingSheet, Shown, page_text
from keyreid_stream.evaluation.reid.record import MISTAKEN_RULE, ReidRecord
from tests.evaluation.reid.test_bootstrap import record
from tests.evaluation.reid.test_histograms import SIMILARITIES


def two_rows() -> ReidRecord:
    row = record([1.0, 0.5]).rows[0]
    wrong = row.model_copy(update={"rule": MISTAKEN_RULE, "cmc": (0.9, 1.0)})
    right = row.model_copy(update={"cmc": (0.25, 0.75)})
    return record([1.0, 0.5]).model_copy(update={"rows": (right, wrong), "data": "<b>mars & co</b>"})


def test_texts_are_escaped_and_the_wrong_rule_is_marked() -> None:
    text = page_text(two_rows(), [])
    assert "<b>mars" not in text
    assert "&lt;b&gt;mars &amp; co&lt;/b&gt;" in text
    assert '<tr class="mistaken"><td>cosine</td><td>WRONG: published code' in text
    assert text.count('stroke-dasharray="') == 1


def test_curves_are_where_their_shares_are() -> None:
    """The axis begins at 20 %, the tenth below 25 %: that is 0.05 / 0.8 of the height above the bottom."""
    lines = re.findall(r'<polyline points="([^"]+)"', page_text(two_rows(), []))
    first = [tuple(map(float, point.split(","))) for point in lines[0].split()]
    assert first[0] == (0, round(260 * (1 - 0.05 / 0.8), 1))
    assert first[1][1] == round(260 * (1 - 0.55 / 0.8), 1)


def sheets(query: Picture, *found: Shown) -> list[RankingSheet]:
    return [RankingSheet(heading, query, "0001 in c2", 0.5, 2, found) for heading in ("worst", "worst", "others")]


def test_a_sheet_frames_right_and_wrong() -> None:
    found = (
        Shown(Picture("data:a"), "0002 in c1", right=False),
        Shown(Picture("data:b"), "0001 in c1", right=True),
    )
    text = page_text(two_rows(), sheets(Picture("data:q"), *found))
    assert [text.count(f"<h2>{heading}</h2>") for heading in ("worst", "others")] == [1, 1]
    assert text.count('<figure class="wrong"><img src="data:a"') == 3
    assert text.count('<figure class="right"><img src="data:b"') == 3
    assert "AP 50 %, first right: 2" in text
    assert "Ranked by cosine;" in text
    assert "<input" not in text


def test_drawn_pictures_can_be_chosen() -> None:
    """Of a picture without parts the plain one stays; parts are shown first."""
    found = Shown(Picture("data:b", "data:heat"), "0001 in c1", right=True)
    text = page_text(two_rows(), sheets(Picture("data:q", "data:look", "data:parts"), found), [("left leg", "#a855f7")])
    assert re.findall(r'id="view-(\w+)"( checked)?', text) == [("plain", ""), ("parts", " checked"), ("attention", "")]
    assert text.count('<figure class="asked has-parts has-attention"><img src="data:q"') == 3
    assert text.count('<figure class="right has-attention"><img src="data:b"') == 3
    assert text.count('<img class="drawn attention" src="data:heat"') == 3
    assert text.count('<img class="drawn parts" src="data:parts"') == 3
    assert '<b style="background: #a855f7"></b>left leg' in text


def test_similarities_are_plotted_with_their_thresholds() -> None:
    row = record([1.0, 0.5]).rows[0].model_copy(update={"similarities": SIMILARITIES})
    text = page_text(two_rows().model_copy(update={"rows": (row,)}), [])
    assert text.count('<polygon class="area') == 2
    assert '<line class="mark association" x1="420.0"' in text
    assert "<strong>association 0.5</strong>: set for 5.0 % false merges among 1,000 people; 0.02 % of" in text
    assert '<polygon class="area' not in page_text(two_rows(), [])
