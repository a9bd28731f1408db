"""Trials: recordings of a scene at a chosen error rate, and what each way of associating makes of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import get_args

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from keyreid_stream.interfaces import Associator
from keyreid_stream.simulation.baselines import Against, ThresholdAssociator, clustered_offline, ripe_only, whole_tracks
from keyreid_stream.simulation.embeddings import ClipRows, EmbeddingModel, synthetic_embeddings
from keyreid_stream.simulation.error_rate import noise_for, rank1_error
from keyreid_stream.simulation.recording import Recording, clips_of, record
from keyreid_stream.simulation.replay import correction_delays, idf1, play
from keyreid_stream.simulation.sightings import Sightings, sightings_of
from keyreid_stream.simulation.tracks import SimulatedTracks, simulated_tracks
from keyreid_stream.structures import ClipEmbedding, IntArray

TUNING_SEEDS = (300, 301, 302, 303)
"""Worlds on which noise is calibrated and the baseline's threshold is chosen."""

FIRST_SEED = 310
"""The first world of those that count."""

THRESHOLDS = np.round(np.arange(0.2, 0.96, 0.025), 3)
"""Of which the threshold method gets the best."""


class TrialConfig(BaseModel):
    """What is recorded.

    Attributes:
        scene: a ready scene's name, or a scene's file.
        look_alikes: embeddings of people who wear the same.
        seconds: of each recording.
        swap_rate: probability that two people who cross swap tracks.
        floor_error_m: error of places on the floor; None for cameras without calibration.
        embeddings: of what kinds the errors of embeddings are.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    scene: str = "plaza"
    look_alikes: bool = False
    seconds: float = Field(default=60.0, gt=0, allow_inf_nan=False)
    swap_rate: float = Field(default=0.0, ge=0, le=1)
    floor_error_m: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    embeddings: EmbeddingModel = EmbeddingModel()

    @property
    def name(self) -> str:
        """For tables: the scene, and whether people look alike."""
        return f"{Path(self.scene).stem}, look-alikes" if self.look_alikes else Path(self.scene).stem


class TrialWorld:
    """One seed's world with its tracks, of which recordings of any noise are made."""

    def __init__(self, config: TrialConfig, seed: int, cache: Path | None = None) -> None:
        """Draw the world, or read it from the cache.

        Raises:
            ConfigError: there is no such scene.
        """
        self._config, self._seed = config, seed
        self.sightings: Sightings = sightings_of(config.scene, seed, config.seconds, cache=cache)
        self.tracks: SimulatedTracks = simulated_tracks(self.sightings, config.swap_rate, seed)

    @cached_property
    def _clips(self) -> ClipRows:
        return clips_of(self.sightings, self.tracks)

    def recording(self, noise: float) -> Recording:
        """The recording at a noise."""
        return record(
            self.sightings,
            self.tracks,
            self._clips,
            self._embeddings(noise),
            floor_error_m=self._config.floor_error_m,
            seed=self._seed,
        )

    def error_rate(self, noise: float) -> float:
        """The measured error rate of a noise."""
        rows = self._clips.last
        return rank1_error(self._embeddings(noise), self.sightings.person_id[rows], self.sightings.camera[rows])

    def _embeddings(self, noise: float) -> list[ClipEmbedding]:
        return synthetic_embeddings(
            self.sightings,
            self.tracks.stretch,
            self._clips,
            noise,
            seed=self._seed,
            look_alikes=self._config.look_alikes,
            model=self._config.embeddings,
        )


@dataclass(frozen=True, slots=True)
class Level:
    """A level of noise in a scene.

    Attributes:
        error_rate: that was asked for.
        noise: that gives it in the tuning worlds.
        threshold, against: which are best there for the threshold method.
    """

    error_rate: float
    noise: float
    threshold: float
    against: Against


def levels(config: TrialConfig, error_rates: Sequence[float], cache: Path | None = None) -> list[Level]:
    """Calibrate noise and choose the threshold method's threshold, in worlds that are not used for anything else."""
    worlds = [TrialWorld(config, seed, cache) for seed in TUNING_SEEDS]
    found = []
    measured: dict[float, float] = {}

    def error_rate(noise: float) -> float:
        if noise not in measured:
            measured[noise] = float(np.mean([world.error_rate(noise) for world in worlds]))
        return measured[noise]

    for wanted in error_rates:
        noise = noise_for(wanted, error_rate)
        found.append(Level(wanted, noise, *_best_threshold([world.recording(noise) for world in worlds])))
    return found


def _best_threshold(recordings: Sequence[Recording]) -> tuple[float, Against]:
    """The threshold, and what to compare with, that score best; means of neighbours, as single scores are chancy."""
    short = [ripe_only(one) for one in recordings]
    best: tuple[float, float, Against] = (-1.0, 0.0, "nearest")
    for against in get_args(Against):
        scores = [
            np.mean([idf1(one.person_id, play(one, ThresholdAssociator(value, against)).revised) for one in short])
            for value in THRESHOLDS.tolist()
        ]
        smooth = np.convolve(scores, np.full(3, 1 / 3), mode="valid")
        # Of equally good ones the middle: its ends would fail in the next world.
        equal = np.flatnonzero(smooth >= smooth.max() - 1e-9) + 1
        best = max(best, (float(smooth.max()), float(THRESHOLDS[equal[len(equal) // 2]]), against))
    return best[1:]


METHODS = ("threshold, online", "threshold", "engine, online", "engine, revised", "offline", "whole tracks")
"""What is compared. `threshold`: with its decision counted for the whole track, as the engine's after revision."""


@dataclass(frozen=True, slots=True, eq=False)
class Trial:
    """What came of one recording.

    Attributes:
        identities: (N,) int64 by method, the identities it gave to the N sightings; 0 for none.
        corrected_after_s: of the engine's answers that it took back, see `correction_delays`.
    """

    identities: Mapping[str, IntArray]
    corrected_after_s: NDArray[np.float64]


def run_trial(world: TrialWorld, level: Level, make_engine: Callable[[], Associator]) -> Trial:
    """Let all `METHODS` say who is who in a world's recording."""
    recording = world.recording(level.noise)
    simple = play(recording, ThresholdAssociator(level.threshold, level.against))
    engine = play(recording, make_engine())
    identities = (
        simple.online,
        simple.revised,
        engine.online,
        engine.revised,
        clustered_offline(recording),
        whole_tracks(recording),
    )
    return Trial(dict(zip(METHODS, identities, strict=True)), correction_delays(recording, engine))
