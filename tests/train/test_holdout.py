from __future__ import annotations

import pytest

from keyreid_stream.errors import InputError
from keyreid_train.data.structures import Tracklet, TrackletSet
from keyreid_train.holdout import hold_out


def some_people(in_two: int, in_one: int = 0) -> TrackletSet:
    cameras = {f"person {person}": ("a", "b") for person in range(in_two)}
    cameras |= {f"lone {person}": ("a",) for person in range(in_one)}
    return TrackletSet(
        "some", tuple(Tracklet(who, where, f"{who} {where}", ()) for who, places in cameras.items() for where in places)
    )


def test_nobody_is_in_both_parts_and_all_tracklets_are_in_one() -> None:
    whole = some_people(in_two=20, in_one=5)
    training, validation = hold_out(whole, 0.2, seed=1)
    assert validation is not None
    assert not set(training.person_ids) & set(validation.person_ids)
    assert len(validation.person_ids) == 4
    assert all(person.startswith("person") for person in validation.person_ids)
    assert {one.name for one in training.tracklets + validation.tracklets} == {one.name for one in whole.tracklets}


def test_the_choice_follows_the_seed() -> None:
    held = [hold_out(some_people(40), 0.25, seed).validation for seed in (1, 1, 2)]
    people = [part.person_ids for part in held if part]
    assert people[0] == people[1] != people[2]


def test_no_share_holds_nobody_out() -> None:
    whole = some_people(3)
    assert hold_out(whole, 0, seed=0) == (whole, None)


@pytest.mark.parametrize("whole", [some_people(2), some_people(0, in_one=9)])
def test_too_few_people_are_refused(whole: TrackletSet) -> None:
    with pytest.raises(InputError, match="seen by two cameras, too few") as caught:
        hold_out(whole, 0.1, seed=0)
    assert "\n" not in str(caught.value)
