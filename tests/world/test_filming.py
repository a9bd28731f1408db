from __future__ import annotations

import multiprocessing
from itertools import islice

import pytest

from keyreid_stream.errors import InputError, KeyReIDError
from keyreid_stream.world import filming
from keyreid_stream.world.film import Film
from keyreid_stream.world.filming import film
from tests.world.small_worlds import yard


def test_one_camera_after_the_other() -> None:
    order = [(shot.frame.camera_id, shot.frame.frame_index) for shot in film(yard())]
    assert order == [("east", index) for index in range(20)] + [("west", index) for index in range(10)]


@pytest.mark.parametrize("step", [2, 3, 7, 25, 40])
def test_shares_add_up_to_the_whole(step: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Film, "shot", lambda self, index: (self.view.name, index))
    world = yard()
    whole = list(filming._shots(world, 0, 1))
    shares = [list(filming._shots(world, number, step)) for number in range(step)]
    assert [shares[number % step][number // step] for number in range(len(whole))] == whole
    assert sum(map(len, shares)) == len(whole)


def test_two_workers_film_the_same() -> None:
    for one, other in zip(film(yard()), film(yard(), workers=2), strict=True):
        assert one.frame.frame_index == other.frame.frame_index
        assert one.frame.timestamp_s == other.frame.timestamp_s
        assert one.frame.image.tobytes() == other.frame.image.tobytes()
        assert one.truth.keypoints.tobytes() == other.truth.keypoints.tobytes()


def test_closing_ends_the_workers() -> None:
    shots = film(yard(seconds=20), workers=2)
    assert len(list(islice(shots, 2))) == 2
    shots.close()
    assert multiprocessing.active_children() == []


def test_a_worker_s_death_is_told() -> None:
    shots = film(yard(seconds=20), workers=2)
    next(shots)
    for worker in multiprocessing.active_children():
        worker.kill()
    with pytest.raises(KeyReIDError, match=r"worker process died \(exit code -9\)"):
        list(shots)


@pytest.mark.parametrize("workers", [0, -1])
def test_no_workers_are_refused(workers: int) -> None:
    with pytest.raises(InputError, match=f"workers is {workers}"):
        film(yard(), workers=workers)
