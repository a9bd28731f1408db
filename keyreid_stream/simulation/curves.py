"""Curves of global IDF1 against the error rate of embeddings, one per method."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from keyreid_stream.interfaces import Associator
from keyreid_stream.simulation.replay import idf1
from keyreid_stream.simulation.trial import FIRST_SEED, METHODS, Level, TrialConfig, TrialWorld, levels, run_trial

ERROR_RATES = (0.02, 0.05, 0.1, 0.2, 0.3, 0.4)
"""Where curves are measured."""

_STYLES = {
    "threshold, online": ("tab:red", ":"),
    "threshold": ("tab:red", "-"),
    "engine, online": ("tab:blue", ":"),
    "engine, revised": ("tab:blue", "-"),
    "offline": ("tab:green", "--"),
    "whole tracks": ("tab:grey", "--"),
}


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """All methods at one level of noise; means over the worlds.

    Attributes:
        level: noise and threshold, from the tuning worlds.
        measured_error_rate: in the worlds that count.
        idf1: global IDF1 by method, 0 to 1.
        worst_gain: the engine's IDF1 less the threshold method's, both in the end, in the world where that is least.
        corrected_share: share of sightings of which the engine took back what it said at once.
        corrected_after_s: median and 90th percentile of how late; None if it took nothing back.
    """

    level: Level
    measured_error_rate: float
    idf1: dict[str, float]
    worst_gain: float
    corrected_share: float
    corrected_after_s: tuple[float, float] | None


@dataclass(frozen=True, slots=True)
class SceneCurves:
    """The curves of one scene.

    Attributes:
        config: what was recorded.
        seeds: of the worlds that count.
        people, stretches, swaps: in all these worlds together.
        points: by error rate.
    """

    config: TrialConfig
    seeds: tuple[int, ...]
    people: int
    stretches: int
    swaps: int
    points: tuple[CurvePoint, ...]


def scene_curves(
    config: TrialConfig,
    make_engine: Callable[[], Associator],
    *,
    error_rates: Sequence[float] = ERROR_RATES,
    seeds: int = 3,
    cache: Path | None = None,
) -> SceneCurves:
    """Measure one scene's curves.

    Args:
        config: what to record.
        make_engine: a fresh associator, for every recording.
        error_rates: of embeddings.
        seeds: how many worlds.
        cache: folder for what cameras see, which takes longest to make.

    Raises:
        ConfigError: there is no such scene, or an error rate cannot be had.
    """
    numbers = tuple(range(FIRST_SEED, FIRST_SEED + seeds))
    worlds = [TrialWorld(config, seed, cache) for seed in numbers]
    return SceneCurves(
        config=config,
        seeds=numbers,
        people=sum(len(np.unique(world.sightings.person_id)) for world in worlds),
        stretches=sum(len(np.unique(world.tracks.stretch)) for world in worlds),
        swaps=sum(world.tracks.swaps for world in worlds),
        points=tuple(_points(worlds, levels(config, sorted(error_rates), cache), make_engine)),
    )


def _points(
    worlds: Sequence[TrialWorld], noise_levels: Sequence[Level], make_engine: Callable[[], Associator]
) -> Iterator[CurvePoint]:
    for level in noise_levels:
        trials = [run_trial(world, level, make_engine) for world in worlds]
        scores = np.array(
            [
                [idf1(world.sightings.person_id, trial.identities[method]) for method in METHODS]
                for world, trial in zip(worlds, trials, strict=True)
            ]
        )
        delays = np.concatenate([trial.corrected_after_s for trial in trials])
        gains = scores[:, METHODS.index("engine, revised")] - scores[:, METHODS.index("threshold")]
        yield CurvePoint(
            level=level,
            measured_error_rate=float(np.mean([world.error_rate(level.noise) for world in worlds])),
            idf1=dict(zip(METHODS, scores.mean(axis=0).tolist(), strict=True)),
            worst_gain=float(gains.min()),
            corrected_share=len(delays) / max(sum(len(world.sightings) for world in worlds), 1),
            corrected_after_s=_middle_and_most(delays),
        )


def _middle_and_most(delays: NDArray[np.float64]) -> tuple[float, float] | None:
    return (float(np.median(delays)), float(np.quantile(delays, 0.9))) if len(delays) else None


def curves_json(scenes: Sequence[SceneCurves]) -> str:
    """All figures as JSON, with a newline at the end; shares from 0 to 1, times in seconds."""
    found = [{**asdict(one), "config": one.config.model_dump(), "name": one.config.name} for one in scenes]
    return json.dumps({"version": 1, "scenes": found}, indent=2) + "\n"


def plot_curves(curves: SceneCurves, target: Path) -> None:
    """Draw one scene's curves into a PNG file."""
    figure = Figure(figsize=(7, 5), layout="constrained")
    axes = figure.subplots()
    errors = [100 * point.measured_error_rate for point in curves.points]
    for method in METHODS:
        colour, line = _STYLES[method]
        values = [100 * point.idf1[method] for point in curves.points]
        axes.plot(errors, values, color=colour, linestyle=line, marker="o", markersize=3, label=method)
    axes.set(
        title=f"{curves.config.name}: {len(curves.seeds)} worlds of {curves.config.seconds:g} s",
        xlabel="rank-1 error of single clips across cameras, %",
        ylabel="global IDF1, %",
        ylim=(0, 101),
    )
    axes.grid(alpha=0.3)
    axes.legend()
    figure.savefig(target, dpi=110, metadata={"Software": None})
