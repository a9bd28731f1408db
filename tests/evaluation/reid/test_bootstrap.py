from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from keyreid_stream.errors import InputError
from keyreid_stream.evaluation.reid import Entries, search
from keyreid_stream.evaluation.reid.bootstrap import compare_records
from keyreid_stream.evaluation.reid.record import MISTAKEN_RULE, ReidRecord, read_record, record_text, row_of


def record(precisions: list[float], *, name: str = "a", **changes: object) -> ReidRecord:
    """Queries with one right entry each, at the rank that gives this precision."""
    firsts = [round(1 / one) - 1 for one in precisions]
    part = {
        "name": "query > gallery",
        "asked": len(precisions) + 1,
        "same_camera": 0,
        "queries": [f"q{place}" for place in range(len(precisions))],
        "average_precisions": precisions,
        "first_ranks": firsts,
    }
    figures = {
        "rank1": float(np.mean([first == 0 for first in firsts])),
        "rank5": 1,
        "rank10": 1,
        "mean_average_precision": float(np.mean(precisions)),
        "queries": len(precisions),
    }
    content = {
        "data": "mars",
        "protocol": "queries against gallery",
        "tracklets": 9,
        "embedder": {"name": name, "sha256": "0" * 64},
        "clips": "mean over all images",
        "keypoints": False,
        "device": "cpu",
        "command": "keyreid eval reid mars",
        "versions": {},
        "rows": [
            {"similarity": "cosine", "figures": figures, "cmc": [1], "splits": [{"name": "mars", "parts": [part]}]}
        ],
    }
    return ReidRecord.model_validate(content | changes)


def test_a_difference_that_every_query_shows_has_no_spread() -> None:
    first, second = record([0.5] * 20), record([1.0] * 20, name="b")
    none, compared = compare_records([first, second], ["cosine", "cosine"])
    assert (none.rank1, none.mean_average_precision) == (None, None)
    assert compared.name == "b"
    for interval, size in ((compared.rank1, 1), (compared.mean_average_precision, 0.5)):
        assert interval is not None
        assert (interval.difference, interval.low, interval.high, interval.clear) == (size, size, size, True)


def test_the_interval_is_that_of_the_normal_law_for_many_queries() -> None:
    generator = np.random.default_rng(0)
    worse, better = [0.5] * 400, list(np.where(generator.random(400) < 0.3, 1.0, 0.5))
    _, compared = compare_records([record(worse), record(better)], ["cosine", "cosine"], seed=3)
    interval = compared.mean_average_precision
    assert interval is not None
    differences = np.array(better) - 0.5
    assert interval.difference == pytest.approx(differences.mean())
    half = 1.96 * differences.std() / np.sqrt(400)
    assert interval.low == pytest.approx(differences.mean() - half, abs=0.1 * half)
    assert interval.high == pytest.approx(differences.mean() + half, abs=0.1 * half)
    _, again = compare_records([record(worse), record(better)], ["cosine", "cosine"], seed=3)
    assert again == compared


def test_pairs_belong_together() -> None:
    """Both sides differ a lot between queries and never from each other: an unpaired bootstrap would see a spread."""
    mixed = [1.0, 0.5] * 50
    _, compared = compare_records([record(mixed), record(mixed)], ["cosine", "cosine"])
    assert compared.mean_average_precision is not None
    assert (compared.mean_average_precision.low, compared.mean_average_precision.high) == (0, 0)
    assert not compared.mean_average_precision.clear


def test_what_is_not_the_same_test_is_refused() -> None:
    first = record([1.0, 0.5])
    for what, changed in (("data", "duke"), ("protocol", "camera to camera"), ("hidden", "upper")):
        with pytest.raises(InputError, match=rf"has {what} .* not comparable"):
            compare_records([first, record([1.0, 0.5], **{what: changed})], ["cosine", "cosine"])
    with pytest.raises(InputError, match="b was asked for other queries"):
        compare_records([first, record([1.0, 0.5, 0.5], name="b")], ["cosine", "cosine"])
    with pytest.raises(InputError, match="not scored by similarity 'global'; there is: cosine"):
        compare_records([first, first], ["cosine", "global"])
    with pytest.raises(InputError, match="at least two"):
        compare_records([first], ["cosine"])


def test_a_written_record_is_read_again_and_a_wrong_one_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "r.json"
    path.write_text(record_text(record([1.0, 0.25])))
    assert read_record(path) == record([1.0, 0.25])
    assert '"schema": "keyreid.reid/1"' in path.read_text()
    path.write_text(path.read_text().replace("keyreid.reid/1", "keyreid.reid/9"))
    with pytest.raises(InputError, match="is no --out file of keyreid eval reid"):
        read_record(path)
    with pytest.raises(InputError, match="cannot be read"):
        read_record(tmp_path / "none.json")


def test_a_row_of_a_search_holds_every_query() -> None:
    vectors = np.eye(3, dtype=np.float32)
    queries = Entries.of(vectors, np.array([1, 9, 2]), np.array([1, 1, 1]))
    gallery = Entries.of(vectors[[0, 1]], np.array([1, 2]), np.array([2, 2]))
    row = row_of("cosine", {"s": search(queries, gallery)}, {"s": [["one", "nobody", "two"]]}, MISTAKEN_RULE)
    part = row.splits[0].parts[0]
    assert (part.asked, part.queries, part.first_ranks) == (3, ("one", "two"), (0, 1))
    assert row.cmc[:3] == (0.5, 1, 1)
    assert row.deviations is None
    with pytest.raises(InputError, match="not scored by similarity 'cosine'"):
        record([1.0], rows=[row]).row("cosine")  # the wrong rule is never compared
