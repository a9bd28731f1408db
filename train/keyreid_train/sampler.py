"""Which clips make up a batch: P identities with K clips each, of different cameras where there are some."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, field_validator

from keyreid_stream.errors import ConfigError, InputError


class BatchConfig(BaseModel):
    """What a batch holds.

    Attributes:
        identities: P, different people of a batch.
        clips: K, clips of each of them.
        frames: lengths of clips; all clips of a batch have the same, drawn with equal chances from these.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    identities: int = Field(default=16, ge=2)
    clips: int = Field(default=4, ge=2)
    frames: tuple[int, ...] = Field(default=(1, 2, 4), min_length=1)

    @field_validator("frames")
    @classmethod
    def _positive(cls, frames: tuple[int, ...]) -> tuple[int, ...]:
        if min(frames) < 1:
            raise ValueError("clips have at least 1 frame")
        return frames


class ClipRequest(NamedTuple):
    """One clip of a batch; everything random about it follows from this and the seed.

    Attributes:
        epoch: of the training.
        tracklet: index of the tracklet that it is taken from.
        draw: tells two clips of one tracklet in one epoch apart.
        frames: its length.
    """

    epoch: int
    tracklet: int
    draw: int
    frames: int


class Appearance(NamedTuple):
    """What the sampler knows of a tracklet: who it shows, and in which camera."""

    label: int
    camera: int


class IdentitySampler:
    """Draws the batches of an epoch; the same ones for the same seed and epoch, in any process.

    People come in random order, everyone once before anyone twice. With several processes each takes every n-th batch
    of the one sequence.
    """

    def __init__(
        self,
        appearances: Sequence[Appearance],
        config: BatchConfig,
        *,
        steps: int = 0,
        seed: int = 0,
        process: int = 0,
        processes: int = 1,
    ) -> None:
        """Prepare the sampler.

        Args:
            appearances: of every tracklet.
            config: what a batch holds.
            steps: batches of an epoch, per process; 0 for as many as show everyone about once.
            seed: of all draws.
            process: the number of this process.
            processes: how many there are.

        Raises:
            InputError: fewer people than a batch needs.
        """
        self._tracklets_of: dict[int, dict[int, list[int]]] = defaultdict(lambda: defaultdict(list))
        for tracklet, (label, camera) in enumerate(appearances):
            self._tracklets_of[label][camera].append(tracklet)
        people = len(self._tracklets_of)
        if people < config.identities:
            raise InputError(
                f"a batch has {config.identities} identities, but the training set has {people}; "
                "set batch.identities to fewer, or give more data"
            )
        if not 0 <= process < processes:
            raise ConfigError(f"process {process} of {processes} does not exist; choose 0 to {processes - 1}")
        self._config = config
        self._seed = seed
        self._process = process
        self._processes = processes
        self.steps = steps or max(1, math.ceil(people / (config.identities * processes)))

    def batches(self, epoch: int) -> Iterator[list[ClipRequest]]:
        """The batches of an epoch, K clips of one identity next to each other."""
        generator = np.random.default_rng((self._seed, epoch))
        groups = self._groups(generator)
        for number in range(self.steps * self._processes):
            people = next(groups)
            frames = int(generator.choice(self._config.frames))
            tracklets = [tracklet for label in people for tracklet in self._clips_of(label, generator)]
            if number % self._processes == self._process:
                first = number * len(tracklets)
                yield [ClipRequest(epoch, tracklet, first + row, frames) for row, tracklet in enumerate(tracklets)]

    def _groups(self, generator: np.random.Generator) -> Iterator[list[int]]:
        """Groups of P different people without end; everyone comes once before anyone comes twice."""
        people = sorted(self._tracklets_of)
        waiting: list[int] = []
        while True:
            group: list[int] = []
            later: list[int] = []
            while len(group) < self._config.identities:
                if not waiting:
                    waiting = [people[place] for place in generator.permutation(len(people))]
                label = waiting.pop(0)
                (later if label in group else group).append(label)
            waiting = later + waiting
            yield group

    def _clips_of(self, label: int, generator: np.random.Generator) -> list[int]:
        """K tracklets of a person: cameras in turn, in random order, and new tracklets before known ones."""
        cameras = self._tracklets_of[label]
        names = sorted(cameras)
        order = [names[place] for place in generator.permutation(len(names))]
        left: dict[int, list[int]] = {camera: [] for camera in order}
        chosen: list[int] = []
        for turn in range(self._config.clips):
            camera = order[turn % len(order)]
            if not left[camera]:
                there = cameras[camera]
                left[camera] = [there[place] for place in generator.permutation(len(there))]
            chosen.append(left[camera].pop())
        return chosen
