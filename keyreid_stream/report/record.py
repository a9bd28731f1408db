"""What a report is made from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from keyreid_stream.evaluation import RunScores
from keyreid_stream.sinks import BestCrop, FloorPath
from keyreid_stream.world.scene import Scene


@dataclass(frozen=True, slots=True)
class Ingredient:
    """Something that a run was made with.

    Attributes:
        name: what it is called.
        note: what a reader must know of it, in a sentence; None where there is nothing to say.
    """

    name: str
    note: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class DemoRecord:
    """A finished or interrupted run of a world, with all that was kept of it.

    Attributes:
        folder: the run's, with `run.json` and, unless it was switched off, `videos/mosaic.mp4` in it.
        scene, seed, seconds: the world.
        command: what repeats the run.
        run: the content of `run.json`.
        detector, reid: what found people and what told them apart.
        paths: where everybody walked.
        crops: how everybody looked, by identity and camera.
        scores: against the truth; None where they cannot be had.
        why_no_scores: the reason, in a sentence.
        true_people: by identity, how many of its boxes are on each person of the truth.
        people_in_crops: by identity and camera, which person of the truth its crop shows.
    """

    folder: Path
    scene: Scene
    seed: int
    seconds: float
    command: str
    run: Mapping[str, Any]
    detector: Ingredient
    reid: Ingredient
    paths: tuple[FloorPath, ...]
    crops: Mapping[int, Mapping[str, BestCrop]]
    scores: RunScores | None
    why_no_scores: str | None = None
    true_people: Mapping[int, Counter[int]] = field(default_factory=dict)
    people_in_crops: Mapping[int, Mapping[str, int | None]] = field(default_factory=dict)

    @property
    def camera_ids(self) -> tuple[str, ...]:
        """In the scene's order."""
        return tuple(view.name for view in self.scene.cameras)
