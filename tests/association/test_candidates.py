from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from keyreid_stream.association.candidates import SHORTLIST, CandidateSearch
from keyreid_stream.association.exemplars import Exemplar
from keyreid_stream.association.similarity import Signatures, similarity
from keyreid_stream.structures import EmbeddingLayout
from tests.association.populations import CLUSTERED, GLOBAL_WEIGHT, population

LAYOUT = EmbeddingLayout(16, 4, 8)


def shown_as(looks: Signatures) -> list[Exemplar]:
    """An exemplar of each row."""
    return [
        Exemplar(Signatures(looks.vectors[row : row + 1], looks.visibility[row : row + 1]), "a", 1, 0.0, 1.0)
        for row in range(len(looks))
    ]


def rows(*numbers: float) -> Signatures:
    """One row each, of two numbers and no parts: a direction in degrees."""
    angles = np.deg2rad(np.array(numbers, np.float32))
    return Signatures(np.stack([np.cos(angles), np.sin(angles)], axis=1), np.zeros((len(numbers), 0), np.float32))


def test_the_closest_exemplar_counts_not_the_mean() -> None:
    search = CandidateSearch(1.0)
    search.put(3, shown_as(rows(0, 90)))  # mean: 45 degrees
    search.put(5, shown_as(rows(30)))
    identity_ids, similarities = search.nearest(rows(1, 45), 2)
    assert identity_ids.tolist() == [[3, 5], [5, 3]]
    np.testing.assert_allclose(similarities, np.cos(np.deg2rad([[1, 29], [15, 45]])), atol=1e-6)


def test_who_is_put_again_looks_otherwise_and_who_is_removed_is_not_found() -> None:
    search = CandidateSearch(1.0)
    search.put(1, shown_as(rows(0)))
    search.put(2, shown_as(rows(90)))
    search.put(1, shown_as(rows(180)))
    assert search.nearest(rows(0), 1)[0].tolist() == [[2]]
    search.put(2, ())
    search.put(2, ())
    assert search.nearest(rows(0), 5)[0].tolist() == [[1]]
    search.put(1, ())
    assert not search.ids()
    identity_ids, similarities = search.nearest(rows(0), 5)
    assert identity_ids.shape == similarities.shape == (1, 0)


def test_nobody_asked_nobody_found() -> None:
    search = CandidateSearch(1.0)
    search.put(1, shown_as(rows(0)))
    assert [found.shape for found in search.nearest(rows(), 3)] == [(0, 1), (0, 1)]


@settings(max_examples=25, deadline=None)
@given(
    people=st.integers(1, SHORTLIST), exemplars=st.integers(1, 4), queries=st.integers(1, 20), seed=st.integers(0, 99)
)
def test_a_small_gallery_is_compared_as_a_whole(people: int, exemplars: int, queries: int, seed: int) -> None:
    """The oracle compares every query with every exemplar."""
    crowd = population(people * exemplars, LAYOUT, CLUSTERED, 1.0, min(queries, people * exemplars), 0.3, seed)
    search = CandidateSearch(GLOBAL_WEIGHT)
    for person in range(people):
        own = slice(person * exemplars, (person + 1) * exemplars)
        search.put(person + 1, shown_as(Signatures(crowd.people.vectors[own], crowd.people.visibility[own])))
    identity_ids, similarities = search.nearest(crowd.views, 7)
    close = similarity(crowd.views, crowd.people, GLOBAL_WEIGHT).reshape(len(crowd.views), people, exemplars).max(2)
    assert identity_ids.shape == (len(crowd.views), min(7, people))
    np.testing.assert_allclose(similarities, -np.sort(-close, axis=1)[:, :7], atol=1e-6)
    np.testing.assert_allclose(np.take_along_axis(close, identity_ids - 1, axis=1), similarities, atol=1e-6)


def test_in_a_large_gallery_the_right_one_is_found_as_by_comparing_everyone() -> None:
    crowd = population(3000, LAYOUT, CLUSTERED, 0.5, 200, 0.2)
    search = CandidateSearch(GLOBAL_WEIGHT)
    for person in range(3000):
        own = slice(person, person + 1)
        search.put(person + 1, shown_as(Signatures(crowd.people.vectors[own], crowd.people.visibility[own])))
    found, _ = search.nearest(crowd.views, 16)
    exact = np.argsort(-similarity(crowd.views, crowd.people, GLOBAL_WEIGHT), axis=1)[:, :16] + 1
    shown = crowd.shown[:, None] + 1
    assert (exact == shown).any(axis=1).mean() > 0.9  # views that can be recognised at all
    assert (found == shown).any(axis=1).mean() >= (exact == shown).any(axis=1).mean() - 0.01
