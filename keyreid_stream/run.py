"""A recorded run: the pipeline's ticks into a folder that tells everything about them.

OUT/events.jsonl          what was decided about identities
OUT/tracks/<camera>.txt   MOTChallenge rows with identity ids
OUT/videos/<camera>.mp4   annotated video of each camera, and mosaic.mp4 of all; of live cameras if asked for
OUT/decisions.jsonl       why, if asked for
OUT/crops/<camera>/*.jpg  the best crop of every track, if asked for
OUT/sightings.parquet     who was where in every frame, if asked for
OUT/publish/<name>.spool  what other systems are still to be told, if they are told of the run
OUT/run.json              settings, versions, weights, counts, times
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, Self

from keyreid_stream.association import StoredAssociator
from keyreid_stream.config import DeploymentConfig
from keyreid_stream.errors import InputError
from keyreid_stream.interfaces import Sink, Source
from keyreid_stream.models.load import ModelCard
from keyreid_stream.monitor import MonitorConfig, MonitorServer, RunMetrics
from keyreid_stream.monitor.config import LOOPBACK, TOKEN_VARIABLE, host_and_port
from keyreid_stream.pipeline import MakeEncoders, Pipeline
from keyreid_stream.run_control import RunControl
from keyreid_stream.run_folder import RunFolder
from keyreid_stream.run_notices import notices, short_notices
from keyreid_stream.run_outputs import RunOutputs
from keyreid_stream.run_report import run_counts, run_facts
from keyreid_stream.run_statistics import RunStatistics
from keyreid_stream.sinks.publish import new_run_id
from keyreid_stream.sources import open_sources
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
        self.run_id = new_run_id()
        self._outputs = RunOutputs(pipeline, config or DeploymentConfig(), folder, self.run_id)
        self.control = RunControl(pipeline, self.statistics, self._open_cameras, self._outputs.check_camera)

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
        return [*notices(self._pipeline), *_exposed((self._config or DeploymentConfig()).monitor)]

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
        self._outputs.check()
        server, metrics = self._monitor()  # may fail, so before anything is removed
        self._recorded = True
        facts = {"run_id": self.run_id} | run_facts(self._config, self._pipeline)
        started, clock = datetime.now(UTC).isoformat(timespec="seconds"), time.perf_counter()
        self._folder.clear()
        if isinstance(associator := self._pipeline.stages.associator, StoredAssociator):
            associator.record_in(self._folder.path)
        self._folder.write_report({"status": "running", "started": started} | facts)
        status = "failed"
        try:
            with server:
                self._pipeline.run([self.statistics, *self._outputs.sinks, *metrics, *sinks])
            status = "finished"
        except KeyboardInterrupt:
            status = "interrupted"
            return RunResult(self._folder.path, "interrupted", self.statistics)
        finally:
            wall_s = time.perf_counter() - clock
            counts = run_counts(self._pipeline, self.statistics, self._outputs.tracks, wall_s)
            counts["publish"] = {output.name: output.counts for output in self._outputs.told}
            self._folder.write_report({"status": status, "started": started} | counts | facts)
            if isinstance(associator, StoredAssociator):
                associator.close()
        return RunResult(self._folder.path, "finished", self.statistics)

    def _monitor(self) -> tuple[AbstractContextManager[object], list[Sink]]:
        """What the run is watched through from outside, and the sink that feeds it; neither, if that is not wanted."""
        monitor = (self._config or DeploymentConfig()).monitor
        if monitor.listen is None:
            return nullcontext(), []
        live = self._pipeline.live
        metrics = RunMetrics(
            self._pipeline.times,
            self.statistics,
            lambda: self._pipeline.live_counts,
            dict if live is None else lambda: live.late,
            {output.name: output.gauges for output in self._outputs.told},
            lambda: self._pipeline.encoded_and_reused,
        )
        token = os.environ.get(TOKEN_VARIABLE) or None
        server = MonitorServer(monitor.listen, metrics, self.control, stall_s=monitor.stall_s, token=token)
        return server, [metrics]

    def _open_cameras(self, spec: str) -> list[Source]:
        sources = (self._config or DeploymentConfig()).sources
        return open_sources([spec], max_fps=sources.max_fps, live=sources.live)


def _exposed(monitor: MonitorConfig) -> list[str]:
    """A line, if others than this machine can watch the run."""
    if monitor.listen is None or host_and_port(monitor.listen)[0] in LOOPBACK:
        return []
    return [
        f"The monitor listens on {monitor.listen}: whoever reaches this machine can read where how many people are. "
        "127.0.0.1 is for this machine alone."
    ]
