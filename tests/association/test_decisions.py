"""Decisions as lines of a log: nothing is lost, nothing foreign is taken, and whoever is forgotten is gone from it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keyreid_stream.association.decision_log import (
    DecisionLog,
    forget_decisions,
    read_decisions,
    without_identities,
)
from keyreid_stream.association.decisions import Candidate, Decision, LogOdds, PartComparison, Threshold, View
from keyreid_stream.errors import InputError
from keyreid_stream.structures import Tick

NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
DECISIONS = st.builds(
    Decision,
    timestamp_s=NUMBERS,
    candidates=st.lists(
        st.builds(
            Candidate,
            log_odds=st.none()
            | st.builds(LogOdds, appearance=NUMBERS, continuity=NUMBERS, travel=NUMBERS, places=NUMBERS),
            similarity=st.none() | NUMBERS,
            threshold=st.none() | st.builds(Threshold, similarity=NUMBERS, spread=NUMBERS),
            metres_apart=st.none() | NUMBERS,
            parts=st.lists(
                st.builds(
                    PartComparison, similarity=st.none() | NUMBERS, visibility=NUMBERS, candidate_visibility=NUMBERS
                ),
                max_size=2,
            ).map(tuple),
            views=st.lists(st.builds(View, first_s=NUMBERS, last_s=NUMBERS, similarity=NUMBERS), max_size=2).map(tuple),
        ),
        max_size=3,
    ).map(tuple),
)


def decision(identity_id: int, *candidates: int, other: int | None = None) -> Decision:
    return Decision(
        kind="matched",
        how="compared",
        identity_id=identity_id,
        timestamp_s=1.5,
        camera_id="hall",
        track_id=3,
        first_frame=15,
        other_identity_id=other,
        candidates=tuple(Candidate(identity_id=one) for one in candidates),
    )


def tick() -> Tick:
    return Tick(0, 0.0, (), ())


@settings(max_examples=25, deadline=None)
@given(DECISIONS)
def test_a_line_gives_the_decision_back(given_decision: Decision) -> None:
    line = given_decision.to_json()
    assert "\n" not in line
    assert Decision.from_json(line) == given_decision


@pytest.mark.parametrize(
    "change",
    [
        {"schema": "keyreid.decisions/9"},
        {"kind": "guessed"},
        {"colour": "red"},
        {"identity_id": "1"},
        {"candidates": [{"identity_id": 1, "vetoes": ["bad luck"]}]},
    ],
)
def test_a_line_of_another_kind_is_refused(change: dict[str, object]) -> None:
    fields = json.loads(decision(1).to_json()) | change
    with pytest.raises(InputError, match=r"keyreid\.decisions/1"):
        Decision.from_json(json.dumps(fields))


def test_a_log_is_written_tick_by_tick_and_read_back(tmp_path: Path) -> None:
    path = tmp_path / "run" / "decisions.jsonl"
    log = DecisionLog(path)
    with log:
        log.note(decision(1))
        log.write(tick())
        assert list(read_decisions(path)) == [decision(1)]
        log.note(decision(2, 1))
        log.note(decision(3, 1, 2))
        log.write(tick())
        log.write(tick())
    assert list(read_decisions(path)) == [decision(1), decision(2, 1), decision(3, 1, 2)]


def test_a_log_that_is_not_open_says_so(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not open"):
        DecisionLog(tmp_path / "decisions.jsonl").write(tick())


def test_a_damaged_line_is_named_and_a_missing_file_tells_how_to_get_one(tmp_path: Path) -> None:
    path = tmp_path / "decisions.jsonl"
    with pytest.raises(InputError, match="--decisions"):
        list(read_decisions(path))
    path.write_text(decision(1).to_json() + "\n" + decision(2).to_json()[:-9] + "\n")
    with pytest.raises(InputError, match=r"decisions\.jsonl, line 2"):
        list(read_decisions(path))


def test_everyone_whom_a_decision_names() -> None:
    assert decision(1, 2, 3, other=4).identities == {1, 2, 3, 4}
    assert decision(1).identities == {1}


def test_a_forgotten_identity_is_in_no_line_any_more(tmp_path: Path) -> None:
    path = tmp_path / "decisions.jsonl"
    lines = [decision(7), decision(2, 7, 1), decision(1, other=7), decision(3, 1), decision(77)]
    path.write_text("".join(one.to_json() + "\n" for one in lines))
    assert forget_decisions(path, {7}) == 3
    assert list(read_decisions(path)) == [decision(2, 1), decision(3, 1), decision(77)]
    assert [one.name for one in tmp_path.iterdir()] == ["decisions.jsonl"]
    assert forget_decisions(path, {7}) == 0


def test_only_the_decisions_about_an_identity_go_as_a_whole() -> None:
    assert without_identities(decision(1, 2), {1}) is None
    assert without_identities(decision(1, 2, 3), {2, 4}) == decision(1, 3)
    assert without_identities(decision(1, 2), {3}) == decision(1, 2)


def test_a_damaged_log_is_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "decisions.jsonl"
    text = decision(7).to_json() + "\n{}\n"
    path.write_text(text)
    with pytest.raises(InputError, match="line 2"):
        forget_decisions(path, {7})
    assert path.read_text() == text
    assert [one.name for one in tmp_path.iterdir()] == ["decisions.jsonl"]
