"""One demo, from its settings to its report."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from keyreid_stream.camera_names import check_distinct
from keyreid_stream.config import DeploymentConfig, deployment, merged
from keyreid_stream.demo.config import DemoConfig
from keyreid_stream.demo.judging import TRUTH, judge
from keyreid_stream.demo.truth_sink import TruthSink
from keyreid_stream.demo.weights import chosen_pose, reid_ingredient
from keyreid_stream.evaluation import RunScores
from keyreid_stream.interfaces import Sink
from keyreid_stream.pipeline import Pipeline
from keyreid_stream.report import DemoRecord, Ingredient, write_report
from keyreid_stream.run import RecordedRun, RunResult
from keyreid_stream.run_folder import RunFolder
from keyreid_stream.sinks import BestCropsSink, FloorPathsSink
from keyreid_stream.world.address import WorldAddress, open_world
from keyreid_stream.world.camera import Camera
from keyreid_stream.world.source import WorldSource
from keyreid_stream.world.writers import MotTruthWriter


@dataclass(frozen=True, slots=True)
class DemoResult:
    """How a demo ended.

    Attributes:
        run: how its run ended.
        scores: against the truth; None where nobody was there to be found.
        report: the page; None if the run was stopped before its first frame.
    """

    run: RunResult
    scores: RunScores | None
    report: Path | None


class Demo:
    """A recorded run of a world whose truth is kept, scored and shown.

    Attributes:
        run: the recorded run, for its statistics.
        detector, reid: what finds people and what tells them apart, and what to say of them.
        expected_frames: of all cameras together.
    """

    def __init__(
        self,
        config: DemoConfig,
        pipeline: Pipeline,
        cameras: Sequence[WorldSource],
        folder: Path,
        *,
        settings: DeploymentConfig | None = None,
        overwrite: bool = False,
        detector: Ingredient | None = None,
        reid: Ingredient | None = None,
    ) -> None:
        """Take a pipeline that has not run yet.

        Args:
            config: which world it is.
            pipeline: what to run.
            cameras: the pipeline's sources: the world's, keeping truth.
            folder: where to write; new, empty, or (with `overwrite`) an earlier run's.
            settings: behind the pipeline, for its report.
            overwrite: whether an earlier run's outputs may be replaced.
            detector: what to say of the detector; by default its class's name.
            reid: what to say of the re-ID weights; by default its class's name.

        Raises:
            InputError: the folder cannot be used, or a camera cannot be called what it is called.
        """
        stages = pipeline.stages
        self.detector = detector or Ingredient(type(stages.detector).__name__)
        self.reid = reid or Ingredient(type(stages.encoder).__name__)
        self.run = RecordedRun(pipeline, folder, settings, overwrite=overwrite)
        self.expected_frames = sum(camera.frame_count for camera in cameras)
        self._config = config
        self._folder = folder
        self._scene = WorldAddress.parse(config.address).described()
        self._paths = FloorPathsSink({view.name: Camera.of(view) for view in self._scene.cameras})
        self._crops = BestCropsSink()
        truth = MotTruthWriter(folder / TRUTH, {camera.camera_id: camera.fps for camera in cameras}, boxes="visible")
        self._truth = TruthSink(truth, {camera.camera_id: camera for camera in cameras})

    @classmethod
    def from_config(
        cls,
        config: DemoConfig,
        folder: Path,
        *,
        overwrite: bool = False,
        also: Mapping[str, Any] | None = None,
    ) -> Self:
        """Check the folder, then make the world and load the networks.

        Args:
            config: which world, which networks.
            folder: where to write; new, empty, or (with `overwrite`) an earlier run's.
            overwrite: whether an earlier run's outputs may be replaced.
            also: further settings, as in a deployment's file.

        Raises:
            InputError: the folder cannot be used, or a setting, scene or weights file is bad.
        """
        pose = chosen_pose(config.pose)
        destination = RunFolder(folder, overwrite=overwrite)
        destination.check()
        destination.check_inputs([config.scene, pose.weights, config.weights or ""])
        own = {
            "sources": {"cameras": [config.address]},
            "pose": {"weights": pose.weights},
            "model": {"weights": config.weights},
        }
        settings = deployment(merged(own, also or {}))
        cameras = open_world(config.address, keep_truth=True)
        check_distinct([(camera.camera_id, camera.camera_id) for camera in cameras])
        pipeline = Pipeline.from_config(settings, sources=cameras)
        return cls(
            config,
            pipeline,
            cameras,
            folder,
            settings=settings,
            overwrite=overwrite,
            detector=pose.ingredient,
            reid=reid_ingredient(pipeline.model) if pipeline.model else None,
        )

    def record(self, sinks: Sequence[Sink] = ()) -> DemoResult:
        """Run until the world ends, or until Ctrl-C; then score and report on what there is. Only once.

        Args:
            sinks: further sinks, written to after the demo's own, in this order.

        Raises:
            InputError: it has been called before, or the folder was taken since.
            Exception: whatever a stage raised; the run's files are complete up to then.
        """
        result = self.run.record([self._truth, self._paths, self._crops, *sinks])
        if not result.statistics.frames:
            return DemoResult(result, None, None)
        crops = self._crops.by_identity()
        judged = judge(self._folder, crops)
        report = write_report(
            DemoRecord(
                folder=self._folder,
                scene=self._scene,
                seed=self._config.seed,
                seconds=self._config.seconds,
                command=self._config.command,
                run=json.loads((self._folder / "run.json").read_text(encoding="utf-8")),
                detector=self.detector,
                reid=self.reid,
                paths=self._paths.paths(),
                crops=crops,
                scores=judged.scores,
                why_no_scores=judged.why_no_scores,
                true_people=judged.true_people,
                people_in_crops=judged.people_in_crops,
            )
        )
        return DemoResult(result, judged.scores, report)
