"""What is said of decisions: one case each."""

from __future__ import annotations

import dataclasses

import pytest

from keyreid_stream.association.decisions import Candidate, Decision
from keyreid_stream.report import decision_words as words
from tests.report.explained import ANOTHER, MATCHED, MERGED, NEW, SPLIT, candidate

CUT = dataclasses.replace(MATCHED, how="goes on", candidates=())
PARTED = dataclasses.replace(SPLIT, how="parted", candidates=(Candidate(identity_id=1, vetoes=("in view",)),))


@pytest.mark.parametrize(
    ("decision", "outcome", "reason"),
    [
        (NEW, "Nobody else was known: P1 is new.", ""),
        (MATCHED, "It is P1.", "P1 with +6.2; next is P2 with −3.0."),
        (
            ANOTHER,
            "It is nobody who was known: P4 is new, but the evidence did not decide; later evidence may.",
            "P1 with −1.5, the best of those that are not ruled out, is not enough.",
        ),
        (MERGED, "Looked at again, P4 and P1 are one person: P4 becomes P1.", "P1 with +3.0; nobody else could be it."),
        (
            SPLIT,
            "Looked at again, it is not P1 but P5.",
            "P1 with −4.0, the best of those that are not ruled out, is not enough.",
        ),
        (CUT, "The track was cut. Until it has shown enough, it stays P1.", ""),
        (PARTED, "One camera saw two tracks of P1 at once: this one becomes P5.", ""),
        (
            dataclasses.replace(ANOTHER, candidates=(candidate(1, 5, vetoes=("travel time",)),)),
            "It is nobody who was known: P4 is new, but the evidence did not decide; later evidence may.",
            "Whoever was known is ruled out.",
        ),
    ],
)
def test_what_was_decided_and_why(decision: Decision, outcome: str, reason: str) -> None:
    assert words.outcome(decision) == outcome
    assert words.reason(decision) == reason


def test_what_it_was_about() -> None:
    assert words.tracklet(MATCHED) == "yard, track 7 from frame 90 on"
    assert words.tracklet(NEW) == "hall, track 2"
    assert words.tracklet(MERGED) == "P4"


def test_terms_that_say_nothing_are_left_out_but_never_how_they_look() -> None:
    log_odds = MATCHED.candidates[0].log_odds
    assert log_odds is not None
    assert words.odds_terms(log_odds) == [("appearance", "looks", 4.0), ("places", "places on the floor", 2.25)]
    assert words.odds_terms(dataclasses.replace(log_odds, appearance=0.0, places=0.0)) == [("appearance", "looks", 0.0)]


def test_figures_are_told_with_what_they_are_of() -> None:
    best = MATCHED.candidates[0]
    assert best.threshold is not None
    assert words.learned_from(best.threshold) == (
        "for 4 people to choose from, after 1 pair of certainly different people of these cameras (30 of the site), "
        "whose similarities spread by 0.10"
    )
    assert words.floor(best) == "0.5 m apart in 1 common sighting"
    assert words.floor(MATCHED.candidates[1]) == ""
    assert [words.view(one) for one in best.views] == [
        "hall, track 2, 0:01.0 to 0:03.0, 3 clips: 0.82",
        "yard, known from before, 0:00.0 to 0:01.0, 1 clip: 0.70",
    ]
    earlier = dataclasses.replace(best.views[1], first_s=-80.0, last_s=-75.5)
    assert words.view(earlier) == "yard, known from before, 1:15.5 before this run began, 1 clip: 0.70"
    assert [words.part(one) for one in best.parts] == ["whole body 0.90", "left arm hidden"]
    assert words.vetoes(MATCHED.candidates[2]) == "this camera sees them now, beside it; nobody walks so fast"
