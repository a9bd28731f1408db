from __future__ import annotations

import pytest
from pydantic import ValidationError

from keyreid_stream.evaluation.reid.histograms import HEIGHT, WIDTH, Histogram, histograms
from keyreid_stream.evaluation.reid.pair_record import Operating, SetThreshold, Similarities
from keyreid_stream.evaluation.reid.record import ReidRecord
from tests.evaluation.reid.test_bootstrap import record

SIMILARITIES = Similarities(
    low=-1,
    high=1,
    same=(0, 0, 1, 3),
    different=(8, 6, 2, 0),
    equal_error=Operating(threshold=0.25, false_matches=0.1, misses=0.15),
    association=SetThreshold(threshold=0.5, false_matches=0.0002, misses=0.625, false_merge_rate=0.05, candidates=1000),
)


def plotted(similarities: Similarities | None) -> list[Histogram]:
    (row,) = record([1.0]).rows
    changed: ReidRecord = record([1.0]).model_copy(
        update={"rows": (row.model_copy(update={"similarities": similarities}),)}
    )
    return histograms(changed.rows)


def test_areas_are_steps_of_shares() -> None:
    """The highest share is 3 of 4 pairs of one person; the first bin of different people has 8 of 16: 2/3 as high."""
    (plot,) = plotted(SIMILARITIES)
    quarter = WIDTH / 4
    same = [tuple(map(float, point.split(","))) for point in plot.same.split()]
    assert same[-3:] == [(3 * quarter, 0), (WIDTH, 0), (WIDTH, HEIGHT)]
    different = [tuple(map(float, point.split(","))) for point in plot.different.split()]
    assert different[:3] == [(0, HEIGHT), (0, round(HEIGHT / 3, 1)), (quarter, round(HEIGHT / 3, 1))]
    assert plot.pairs == "4 pairs of one person, 16 of different people"


def test_thresholds_stand_where_they_are_and_say_what_they_get_wrong() -> None:
    (plot,) = plotted(SIMILARITIES)
    equal, association = plot.marks
    assert (equal.x, equal.anchor, equal.name) == (0.625 * WIDTH, "end", "equal error 0.25")
    assert equal.words == "12.5 % of both wrong"
    assert association.x == 0.75 * WIDTH
    assert "0.02 % of different people are above it, 62.5 % of one person's pairs below" in association.words


def test_a_threshold_beyond_all_pairs_stands_at_the_end() -> None:
    narrow = SIMILARITIES.model_copy(update={"low": 0.3, "high": 0.4})
    (plot,) = plotted(narrow)
    assert [mark.x for mark in plot.marks] == [0, WIDTH]
    assert plot.marks[0].anchor == "start"


@pytest.mark.parametrize(
    ("low", "high", "labels"),
    [
        (-1, 1, ["-1", "-0.5", "0", "0.5", "1"]),
        (0.21, 0.88, ["0.3", "0.4", "0.5", "0.6", "0.7", "0.8"]),
        (-1234, 0, ["-1200", "-1000", "-800", "-600", "-400", "-200", "0"]),
        (0.5, 0.5005, ["0.5", "0.5001", "0.5002", "0.5003", "0.5004", "0.5005"]),
    ],
)
def test_ticks_are_round_numbers(low: float, high: float, labels: list[str]) -> None:
    (plot,) = plotted(SIMILARITIES.model_copy(update={"low": low, "high": high}))
    assert [label for _, label in plot.ticks] == labels
    assert all(0 <= x <= WIDTH for x, _ in plot.ticks)


def test_what_was_not_counted_is_not_plotted() -> None:
    assert plotted(None) == []
    (plot,) = plotted(SIMILARITIES.model_copy(update={"association": None}))
    assert [mark.kind for mark in plot.marks] == ["equal"]


def test_counts_that_do_not_fit_are_refused() -> None:
    content = SIMILARITIES.model_dump()
    for wrong in ({"same": (1,)}, {"same": (), "different": ()}, {"low": 1}):
        with pytest.raises(ValidationError, match="equally many"):
            Similarities.model_validate(content | wrong)
