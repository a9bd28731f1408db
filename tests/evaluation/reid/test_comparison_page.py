from __future__ import annotations

import re
from pathlib import Path

import pytest

from keyreid_stream.evaluation.reid.bootstrap import compare_records
from keyreid_stream.evaluation.reid.comparison_page import comparison_page
from keyreid_stream.evaluation.reid.record import ReidRecord
from tests.evaluation.reid.test_bootstrap import record
from tests.evaluation.reid.test_histograms import SIMILARITIES


def page(*records: ReidRecord, command: str = "keyreid eval compare a.json b.json") -> str:
    names = ["cosine"] * len(records)
    compared = compare_records(records, names, resamples=50)
    files = [Path(f"{place}.json") for place in range(len(records))]
    return comparison_page(compared, records, names, files=files, seed=4, command=command)


def test_differences_are_drawn_to_one_scale_about_zero() -> None:
    """Average precisions half better and rank-1 wholly better, certainly: one dot is twice as far from zero."""
    text = page(record([0.5] * 8), record([1.0] * 8, name="keyreid:folder/b.safetensors"))
    middles = [float(x) for x in re.findall(r'cx="([\d.]+)"', text)]
    zeros = {float(x) for x in re.findall(r'class="zero" x1="([\d.]+)"', text)}
    assert zeros == {75}
    assert middles[0] - 75 == pytest.approx(2 * (middles[1] - 75))
    assert middles[0] == pytest.approx(75 + 0.46 * 150)
    assert "+100.0 (+100.0 to +100.0)" in text
    assert "2. keyreid:b.safetensors, cosine" in text
    assert text.count('<circle class="clear"') == 2


def test_an_interval_over_zero_is_marked() -> None:
    mixed, other = [1.0, 0.5] * 8, [0.5, 1.0] * 8
    assert page(record(mixed), record(other)).count('<line class="unclear"') == 2
    assert page(record(mixed), record(mixed)).count('<circle class="unclear"') == 2


def test_everything_is_said_and_nothing_is_loaded() -> None:
    first = record([1.0, 0.5], data="<b>mars</b>", hidden="upper", command="keyreid eval reid mars --hide upper")
    second = first.model_copy(
        update={
            "rows": (first.rows[0].model_copy(update={"similarities": SIMILARITIES}),),
            "reranking": {"k1": 20.0},
            "versions": {"torch": "9.9"},
        }
    )
    text = page(first, second, command="keyreid eval compare 'a b.json' c.json")
    assert "<b>mars" not in text
    assert "upper half of queries hidden" in text
    assert text.count("<code>keyreid eval reid mars --hide upper</code>") == 2
    assert "<code>keyreid eval compare &#39;a b.json&#39; c.json</code>" in text
    assert text.count("0" * 64) == 2
    assert "torch 9.9" in text
    assert text.count(", re-ranked") == 1
    assert text.count("<polyline") == 2
    assert text.count('<polygon class="area') == 2
    assert "http" not in text.replace("http-equiv", "")
