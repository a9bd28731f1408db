from __future__ import annotations

import numpy as np

from keyreid_stream.world.appearance import make_people
from keyreid_stream.world.scene import People, Scene

MANY = Scene(name="x", people=People(count=120))


def test_the_same_seed_gives_the_same_people() -> None:
    assert make_people(MANY, 3) == make_people(MANY, 3)


def test_another_seed_gives_other_people() -> None:
    pairs = zip(make_people(MANY, 3), make_people(MANY, 4), strict=True)

    assert all((one.height_m, one.top) != (other.height_m, other.top) for one, other in pairs)


def test_who_someone_is_does_not_depend_on_how_many_there_are() -> None:
    few = MANY.model_copy(update={"people": People(count=5)})

    assert make_people(few, 3) == make_people(MANY, 3)[:5]


def test_people_differ_and_stay_believable() -> None:
    people = make_people(MANY, 0)
    heights = np.array([person.height_m for person in people])
    tops = np.array([person.top.colour for person in people], float)

    assert [person.person_id for person in people] == list(range(1, 121))
    assert heights.min() >= 1.50
    assert heights.max() <= 1.98
    assert heights.std() > 0.05
    assert all(0.8 <= person.build <= 1.3 for person in people)
    assert len({person.top for person in people}) == 120
    assert {person.hair_style for person in people} == {"bald", "short", "long"}
    assert {person.bottom.kind for person in people} == {"trousers", "shorts", "skirt"}
    assert {kind for person in people for kind, _ in person.accessories} == {
        "backpack",
        "shoulder_bag",
        "hat",
        "umbrella",
    }
    # Neon is bright in one channel and empty in another.
    assert (tops.max(axis=1) - tops.min(axis=1)).max() < 180


def test_look_alikes_wear_the_same_and_have_bodies_of_their_own() -> None:
    people = make_people(MANY.model_copy(update={"people": People(count=30, looks="uniform")}), 3)

    assert len({(person.top, person.bottom, person.shoes, person.accessories) for person in people}) == 1
    assert len({person.height_m for person in people}) == 30
    assert len({person.skin for person in people}) > 10
