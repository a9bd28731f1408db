from __future__ import annotations

import numpy as np
import pytest

from keyreid_stream.tracking import KeypointStore

POSES = np.arange(2 * 17 * 3, dtype=np.float32).reshape(2, 17, 3)


def test_people_come_back_in_the_order_asked_for() -> None:
    store = KeypointStore()
    store.put("frame-1", ("a", "b"), POSES)
    found = store.get("frame-1", ("b", "a"))
    assert found is not None
    np.testing.assert_array_equal(found, POSES[::-1])
    assert found.dtype == np.float32


def test_a_frame_is_known_only_with_all_its_people() -> None:
    store = KeypointStore()
    store.put("frame-1", ("a", "b"), POSES)
    assert store.get("frame-1", ("a", "c")) is None
    assert store.get("frame-2", ("a",)) is None
    assert store.get("frame-1", None) is None


def test_a_known_frame_without_people_gives_no_rows() -> None:
    store = KeypointStore()
    store.put("frame-1", (), POSES[:0])
    found = store.get("frame-1", ())
    assert found is not None
    assert found.shape == (0, 17, 3)


def test_memory_is_flat() -> None:
    store = KeypointStore(frames=3)
    for index in range(10):
        store.put(str(index), ("a",), POSES[:1])
    assert [store.get(str(index), ("a",)) is not None for index in range(10)] == [False] * 7 + [True] * 3


def test_the_latest_keypoints_of_a_frame_count() -> None:
    store = KeypointStore(frames=2)
    store.put("1", ("a",), POSES[:1])
    store.put("2", ("a",), POSES[:1])
    store.put("1", ("a",), POSES[1:])
    store.put("3", ("a",), POSES[:1])
    found = store.get("1", ("a",))
    assert found is not None
    np.testing.assert_array_equal(found, POSES[1:])
    assert store.get("2", ("a",)) is None


def test_keypoints_must_fit_the_people() -> None:
    with pytest.raises(ValueError, match=r"\(1, 17, 3\), got \(2, 17, 3\)"):
        KeypointStore().put("frame-1", ("a",), POSES)
    with pytest.raises(ValueError, match="at least one frame"):
        KeypointStore(frames=0)
