from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from keyreid_stream.errors import ConfigError, InputError
from keyreid_train.sampler import Appearance, BatchConfig, ClipRequest, IdentitySampler


def two_cameras(people: int, tracklets: int = 2) -> list[Appearance]:
    return [Appearance(label, camera) for label in range(people) for camera in (0, 1) for _ in range(tracklets)]


@given(people=st.integers(4, 9), identities=st.integers(2, 4), clips=st.integers(2, 5), epoch=st.integers(0, 3))
def test_batches_hold_p_people_with_k_clips(people: int, identities: int, clips: int, epoch: int) -> None:
    appearances = two_cameras(people)
    config = BatchConfig(identities=identities, clips=clips, frames=(1, 2))
    sampler = IdentitySampler(appearances, config, steps=4, seed=1)
    batches = list(sampler.batches(epoch))
    assert len(batches) == 4
    for batch in batches:
        counted = Counter(appearances[request.tracklet].label for request in batch)
        assert set(counted.values()) == {clips}
        assert len(counted) == identities
        assert len({request.frames for request in batch}) == 1
    requests = [request for batch in batches for request in batch]
    assert len({request.draw for request in requests}) == len(requests)
    assert {request.epoch for request in requests} == {epoch}


def test_clips_of_a_person_come_from_different_cameras_and_tracklets() -> None:
    appearances = two_cameras(3)
    sampler = IdentitySampler(appearances, BatchConfig(identities=3, clips=4), steps=5)
    for batch in sampler.batches(0):
        for first in range(0, len(batch), 4):
            own = [request.tracklet for request in batch[first : first + 4]]
            assert len(set(own)) == 4
            assert appearances[own[0]].camera != appearances[own[1]].camera


def test_everyone_comes_once_before_anyone_comes_twice() -> None:
    appearances = two_cameras(6)
    sampler = IdentitySampler(appearances, BatchConfig(identities=2, clips=2))
    assert sampler.steps == 3
    seen = [appearances[request.tracklet].label for batch in sampler.batches(0) for request in batch]
    assert Counter(seen) == dict.fromkeys(range(6), 2)


def test_the_same_seed_and_epoch_give_the_same_batches_and_others_do_not() -> None:
    def drawn(seed: int, epoch: int) -> list[list[tuple[int, int]]]:
        sampler = IdentitySampler(two_cameras(20), BatchConfig(identities=4), seed=seed)
        return [[(one.tracklet, one.frames) for one in batch] for batch in sampler.batches(epoch)]

    assert drawn(0, 3) == drawn(0, 3)
    assert drawn(0, 3) != drawn(0, 4)
    assert drawn(0, 3) != drawn(1, 3)


def test_processes_share_one_sequence() -> None:
    config = BatchConfig(identities=2, clips=2, frames=(1, 2))

    def drawn(**share: int) -> list[list[ClipRequest]]:
        return list(IdentitySampler(two_cameras(12), config, **share).batches(0))

    whole = drawn(steps=6)
    first, second = (drawn(steps=3, process=process, processes=2) for process in (0, 1))
    assert [batch for pair in zip(first, second, strict=True) for batch in pair] == whole


def test_too_few_people_and_impossible_clips_are_refused() -> None:
    with pytest.raises(InputError, match="batch has 16 identities, but the training set has 3"):
        IdentitySampler(two_cameras(3), BatchConfig())
    with pytest.raises(ConfigError, match="process 2 of 2"):
        IdentitySampler(two_cameras(30), BatchConfig(), process=2, processes=2)
    with pytest.raises(ValidationError, match="at least 1 frame"):
        BatchConfig(frames=(0, 1))
