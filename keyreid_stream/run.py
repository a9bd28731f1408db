"""A recorded run: the pipeline's ticks into a folder that tells everything about them.

OUT/events.jsonl          what was decided about identities
OUT/tracks/<camera>.txt   MOTChallenge rows with identity ids
OUT/videos/<camera>.mp4   annotated video of each camera, and mosaic.mp4 of all; of live cameras if asked for
OUT/decisions.jsonl       why, if asked for
OUT/crops/<camera>/*.jpg  the best crop of every track, if asked for
OUT/run.json              settings, versions, weights, counts, times
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, Self

from keyreid_stream.association import DecisionLog, OnlineAssociator, StoredAssociator
from keyreid_stream.config import DeploymentConfig
from keyreid_stream.errors import ConfigError, InputError
from keyreid_stream.interfaces import Sink
from keyreid_stream.models.load import ModelCard
from keyreid_stream.pipeline import MakeEncoders, Pipeline
from keyreid_stream.run_folder import RunFolder
from keyreid_stream.run_notices import notices, short_notices
from keyreid_stream.run_report import run_counts, run_facts
from keyreid_stream.run_statistics import RunStatistics
from keyreid_stream.sinks import CropFilesSink, EventLogSink, MotSink, VideoSink
from keyreid_stream.structures import LiveCounts


@dataclass(frozen=True, slots=True)
class RunResult:
    """How a recorded run ended."""

    folder: Path
    status: Literal["finished", "interrupted"]
    statistics: RunStatistics


class RecordedRun:
    """A pipeline and the folder it writes to. Nothing is written before `record`, so bad input leaves no trace."""

    def __init__(
        self, pipeline: Pipeline, folder: Path, config: DeploymentConfig | None = None, *, overwrite: bool = False
    ) -> None:
        """Take a pipeline that has not run yet.

        Args:
            pipeline: what to run.
            folder: where to write; new, empty, or (with `overwrite`) an earlier run's.
            config: the settings behind the pipeline, for the report; `output` says what is written.
            overwrite: whether an earlier run's outputs may be replaced.

        Raises:
            InputError: the folder cannot be used, or a camera cannot be called what it is called.
            ConfigError: decisions are to be recorded, and another associator than the package's makes them.
        """
        self._folder = RunFolder(folder, overwrite=overwrite)
        self._folder.check()
        self._pipeline = pipeline
        self._config = config
        self._recorded = False
        self.statistics = RunStatistics(list(self.cameras))
        self._mot = MotSink(folder / "tracks", self.cameras)
        self._sinks: list[Sink] = [
            EventLogSink(folder / "events.jsonl"),
            *self._decisions(),
            self._mot,
            *self._video(),
            *self._crops(),
        ]

    @classmethod
    def from_config(
        cls,
        config: DeploymentConfig,
        folder: Path,
        *,
        overwrite: bool = False,
        make_encoders: MakeEncoders | None = None,
    ) -> Self:
        """Check the folder, then open every camera and load every model; `make_encoders` as `Pipeline` takes it.

        Raises:
            InputError: the folder cannot be used, or a setting, camera or weights file is bad.
        """
        destination = RunFolder(folder, overwrite=overwrite)
        destination.check()
        given = (config.model.weights, config.sources.calibration, config.association.gallery)
        files = (config.pose.weights, *(file or "" for file in given))
        destination.check_inputs([*config.sources.cameras, *(str(file) for file in files)])
        return cls(Pipeline.from_config(config, make_encoders=make_encoders), folder, config, overwrite=overwrite)

    @property
    def model(self) -> ModelCard | None:
        """The KeyRe-ID weights that embed people in this run."""
        return self._pipeline.model

    @property
    def notices(self) -> list[str]:
        """What whoever looks at the results must know, a line each."""
        return notices(self._pipeline)

    @property
    def short_notices(self) -> list[str]:
        """The same for the corner of a picture, in ASCII."""
        return short_notices(self._pipeline)

    @property
    def calibration_faults(self) -> list[str]:
        """Calibrations that were found to be wrong so far, and not used since, a line each."""
        geometry = self._pipeline.geometry
        return [] if geometry is None else [str(fault) for fault in geometry.faults]

    @property
    def cameras(self) -> dict[str, float]:
        """Nominal frames per second of each camera, in the cameras' order."""
        return {source.camera_id: source.fps for source in self._pipeline.stages.sources}

    @property
    def live_counts(self) -> dict[str, LiveCounts]:
        """How the live cameras are doing that are in the run now; empty for files."""
        return self._pipeline.live_counts

    def record(self, sinks: Sequence[Sink] = ()) -> RunResult:
        """Run until all cameras end, or until Ctrl-C or a sink raises KeyboardInterrupt. Only once.

        Args:
            sinks: further sinks, written to after the folder's own, in this order.

        Raises:
            InputError: it has been called before, or the folder was taken since.
            Exception: whatever a stage raised; files are complete up to then, and `run.json` says "failed".
        """
        if self._recorded:
            raise InputError("this run was recorded already; make another RecordedRun with a pipeline of its own")
        self._folder.check()
        self._recorded = True
        facts = run_facts(self._config, self._pipeline)
        started, clock = datetime.now(UTC).isoformat(timespec="seconds"), time.perf_counter()
        self._folder.clear()
        if isinstance(associator := self._pipeline.stages.associator, StoredAssociator):
            associator.record_in(self._folder.path)
        self._folder.write_report({"status": "running", "started": started} | facts)
        status = "failed"
        try:
            self._pipeline.run([self.statistics, *self._sinks, *sinks])
            status = "finished"
        except KeyboardInterrupt:
            status = "interrupted"
            return RunResult(self._folder.path, "interrupted", self.statistics)
        finally:
            wall_s = time.perf_counter() - clock
            counts = run_counts(self._pipeline, self.statistics, self._mot, wall_s)
            self._folder.write_report({"status": status, "started": started} | counts | facts)
            if isinstance(associator, StoredAssociator):
                associator.close()
        return RunResult(self._folder.path, "finished", self.statistics)

    def _video(self) -> list[Sink]:
        output = (self._config or DeploymentConfig()).output
        wanted = self._pipeline.live is None if output.video is None else output.video
        if not wanted:
            return []
        notice = "; ".join(self.short_notices) or None
        plain = output.background == "plain"
        return [VideoSink(self._folder.path / "videos", self.cameras, notice=notice, plain=plain)]

    def _crops(self) -> list[Sink]:
        heads = (self._config or DeploymentConfig()).output.crops
        return [] if heads == "none" else [CropFilesSink(self._folder.path / "crops", heads)]

    def _decisions(self) -> list[Sink]:
        if not (self._config or DeploymentConfig()).output.decisions:
            return []
        associator = self._pipeline.stages.associator
        if not isinstance(associator, OnlineAssociator):
            raise ConfigError(
                "output.decisions (--decisions) records the association engine's decisions, and "
                f"{type(associator).__name__} takes its place in this run; leave it out"
            )
        log = DecisionLog(self._folder.path / "decisions.jsonl")
        associator.record_decisions(log.note)
        return [log]
