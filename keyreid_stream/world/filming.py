"""All cameras of a world filmed to the end, by any number of processes, with the same result."""

from __future__ import annotations

import signal
from collections.abc import Generator
from contextlib import ExitStack, closing
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from typing import cast

import cv2

from keyreid_stream.errors import InputError, KeyReIDError
from keyreid_stream.world.film import Film
from keyreid_stream.world.truth import Shot
from keyreid_stream.world.world import World

_GOODBYE_S = 5.0
"""How long a worker may take to end once nobody listens to it."""


def film(world: World, *, workers: int = 1) -> Generator[Shot]:
    """Every frame of every camera with its truth: the first camera to the end, then the next.

    With several workers, each is a fresh process that gets a copy of the world and films every n-th frame. None is
    ahead of the reader by more than a frame or two. A script that uses them must start under
    `if __name__ == "__main__":`.

    Closing the iterator ends the workers.

    Raises:
        InputError: `workers` is not above 0.
        KeyReIDError: a worker died.
    """
    if workers < 1:
        raise InputError(f"workers is {workers}; it must be 1 or more")
    if workers == 1:
        return _shots(world, 0, 1)
    return _gathered(world, workers)


def films(world: World) -> list[Film]:
    """A film of each camera, in the scene's order."""
    return [Film(world, place) for place in range(len(world.scene.cameras))]


def _shots(world: World, first: int, step: int) -> Generator[Shot]:
    """Of all frames of all cameras in order, every `step`-th from the `first`."""
    skip = first
    for film_of_camera in films(world):
        mine = range(skip, len(film_of_camera), step)
        yield from map(film_of_camera.shot, mine)
        # Where the count goes on in the next camera's film.
        skip = (mine[-1] + step if mine else skip) - len(film_of_camera)


def _gathered(world: World, workers: int) -> Generator[Shot]:
    """Shots from the workers in turn: worker n sends number n, n + workers, ... and a full pipe makes it wait."""
    total = sum(map(len, films(world)))
    with ExitStack() as stack:
        crew = [stack.enter_context(closing(_Worker(world, number, workers))) for number in range(workers)]
        for number in range(total):
            yield crew[number % workers].next_shot()


class _Worker:
    """A process that films its share of the frames."""

    def __init__(self, world: World, number: int, workers: int) -> None:
        # Fresh processes: forking one whose libraries have threads may hang.
        context = get_context("spawn")
        self._shots, out = context.Pipe(duplex=False)
        self._process: SpawnProcess = context.Process(
            target=_film_share, args=(world, number, workers, out), daemon=True
        )
        self._process.start()
        out.close()  # the worker's alone now, so that its death ends the pipe

    def next_shot(self) -> Shot:
        try:
            return cast("Shot", self._shots.recv())
        except EOFError:
            self._process.join(_GOODBYE_S)
            raise KeyReIDError(
                f"a worker process died (exit code {self._process.exitcode}); try fewer workers or smaller pictures"
            ) from None

    def close(self) -> None:
        self._shots.close()
        self._process.join(_GOODBYE_S)
        if self._process.is_alive():
            self._process.terminate()
            self._process.join()


def _film_share(world: World, number: int, workers: int, out: Connection) -> None:
    """What a worker process does."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the parent decides what ends
    cv2.setNumThreads(1)  # this process is ours alone, and there is one of it for each core
    try:
        for shot in _shots(world, number, workers):
            out.send(shot)
    except BrokenPipeError:
        pass  # nobody listens any more
