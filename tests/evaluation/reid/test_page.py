from __future__ import annotations

import re

from keyreid_stream.evaluation.reid.page import RankingSheet, Shown, page_text
from keyreid_stream.evaluation.reid.record import MISTAKEN_RULE, ReidRecord
from tests.evaluation.reid.test_bootstrap import record


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
    assert text.count("stroke-dasharray") == 1


def test_curves_are_where_their_shares_are() -> None:
    """The axis begins at 20 %, the tenth below 25 %: that is 0.05 / 0.8 of the height above the bottom."""
    lines = re.findall(r'<polyline points="([^"]+)"', page_text(two_rows(), []))
    first = [tuple(map(float, point.split(","))) for point in lines[0].split()]
    assert first[0] == (0, round(260 * (1 - 0.05 / 0.8), 1))
    assert first[1][1] == round(260 * (1 - 0.55 / 0.8), 1)


def test_a_sheet_frames_right_and_wrong() -> None:
    found = (Shown("data:a", "0002 in c1", right=False), Shown("data:b", "0001 in c1", right=True))
    sheets = [RankingSheet(heading, "data:q", "0001 in c2", 0.5, 2, found) for heading in ("worst", "worst", "others")]
    text = page_text(two_rows(), sheets)
    assert [text.count(f"<h2>{heading}</h2>") for heading in ("worst", "others")] == [1, 1]
    assert text.count('<figure class="wrong"><img src="data:a"') == 3
    assert text.count('<figure class="right"><img src="data:b"') == 3
    assert "AP 50 %, first right: 2" in text
