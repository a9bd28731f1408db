import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from keyreid_stream.association.links import FORBIDDEN
from keyreid_stream.association.revision import clusters, relabelled


def weights_of(count: int, **pairs: float) -> np.ndarray:
    """Symmetric weights, -4 where nothing is said; `ab=2` links the first two nodes."""
    weights = np.full((count, count), -4, np.float32)
    for pair, weight in pairs.items():
        first, second = (ord(letter) - ord("a") for letter in pair)
        weights[first, second] = weights[second, first] = weight
    return weights


def test_groups_are_linked_on_average() -> None:
    # a-b-c: c speaks for b (3) and against a (-1), on average for the pair (1).
    assert clusters(weights_of(4, ab=5, bc=3, ac=-1)).tolist() == [0, 0, 0, 1]
    assert clusters(weights_of(4, ab=5, bc=3, ac=-4)).tolist() == [0, 0, 1, 2]


def test_a_forbidden_pair_keeps_groups_apart_however_strong_the_others() -> None:
    weights = weights_of(4, ab=8, cd=8, ac=8, bc=8, bd=8, ad=float(FORBIDDEN))
    groups = clusters(weights)
    assert groups[0] != groups[3]


def test_nothing_and_one_node_are_no_trouble() -> None:
    assert clusters(np.zeros((0, 0), np.float32)).tolist() == []
    assert clusters(np.zeros((1, 1), np.float32)).tolist() == [0]


@settings(max_examples=100, deadline=None)
@given(arrays.arrays(np.float32, (9, 9), elements=st.floats(-8, 8, width=16)), st.integers(0, 2**36 - 1))
def test_forbidden_pairs_are_never_in_one_group(weights: np.ndarray, mask: int) -> None:
    weights = (weights + weights.T) / 2
    upper = np.triu_indices(9, 1)
    forbidden = np.array([bool(mask >> bit & 1) for bit in range(36)])
    weights[upper[0][forbidden], upper[1][forbidden]] = FORBIDDEN
    weights = np.minimum(weights, weights.T)
    groups = clusters(weights)
    assert not ((groups[:, None] == groups) & (weights == FORBIDDEN) & ~np.eye(9, dtype=bool)).any()
    assert groups[0] == 0
    assert set(groups) == set(range(groups.max() + 1))


def test_groups_keep_the_identities_that_most_of_them_had() -> None:
    groups = np.array([0, 0, 1, 1, 1, 2])
    identities = np.array([5, 7, 7, 7, 5, 5])
    changes = relabelled(groups, identities, np.array([3, 1, 2, 2, 1, 1], np.float32))
    assert changes.identities.tolist() == [5, 5, 7, 7, 7, -1]
    assert changes.merged == ()


def test_an_identity_that_no_group_keeps_is_merged_into_where_most_of_it_went() -> None:
    changes = relabelled(np.array([0, 0, 0]), np.array([4, 2, 4]), np.ones(3, np.float32))
    assert changes.identities.tolist() == [4, 4, 4]
    assert changes.merged == ((2, 4),)


def test_among_equals_the_older_identity_is_kept() -> None:
    changes = relabelled(np.array([0, 0]), np.array([4, 2]), np.ones(2, np.float32))
    assert changes.merged == ((4, 2),)
