"""A recorded run: the pipeline's ticks into a folder that tells everything about them.

OUT/events.jsonl          what was decided about identities
OUT/tracks/<camera>.txt   MOTChallenge rows with identity ids
OUT/videos/<camera>.mp4   annotated video of each camera, and mosaic.mp4 of all
OUT/run.json              settings, versions, weights, counts, times
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, Self

from keyreid_stream.config import DeploymentConfig
from keyreid_stream.errors import InputError
from keyreid_stream.interfaces import Sink
from keyreid_stream.models.load import ModelCard
from keyreid_stream.pipeline import Pipeline
from keyreid_stream.run_report import run_report, write_report
from keyreid_stream.run_statistics import RunStatistics
from keyreid_stream.sinks import EventLogSink, MotSink, VideoSink
from keyreid_stream.structures import Tick

OUTPUTS = ("events.jsonl", "tracks", "videos", "run.json")
"""What a run leaves in its folder, and all that overwriting a run removes."""


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
            InputError: the folder cannot be used.
        """
        check_folder(folder, overwrite=overwrite)
        self.folder = folder
        self._config = config or DeploymentConfig()
        self._pipeline = pipeline
        self.statistics = RunStatistics([source.camera_id for source in pipeline.stages.sources])

    @classmethod
    def from_config(cls, config: DeploymentConfig, folder: Path, *, overwrite: bool = False) -> Self:
        """Check the folder, then open every camera and load every model.

        Raises:
            InputError: the folder cannot be used, or a setting, camera or weights file is bad.
        """
        check_folder(folder, overwrite=overwrite)
        return cls(Pipeline.from_config(config), folder, config, overwrite=overwrite)

    @property
    def model(self) -> ModelCard | None:
        """The KeyRe-ID weights that embed people in this run."""
        return self._pipeline.model

    @property
    def cameras(self) -> dict[str, float]:
        """Nominal frames per second of each camera, in the cameras' order."""
        return {source.camera_id: source.fps for source in self._pipeline.stages.sources}

    def record(self, on_tick: Callable[[Tick], None] | None = None, sinks: Sequence[Sink] = ()) -> RunResult:
        """Run until all cameras end, or until Ctrl-C or `on_tick` raises KeyboardInterrupt.

        Args:
            on_tick: called after each tick was written.
            sinks: further sinks beside the folder's own.

        Raises:
            Exception: whatever a stage raised; files are complete up to then, and `run.json` says "failed".
        """

        def count(tick: Tick) -> None:
            self.statistics.add(tick)
            if on_tick is not None:
                on_tick(tick)

        _clear(self.folder)
        started, clock = datetime.now(UTC), time.perf_counter()
        mot = MotSink(self.folder / "tracks", self.cameras)
        status = "failed"
        try:
            self._pipeline.run([EventLogSink(self.folder / "events.jsonl"), mot, *self._video(), *sinks], count)
            status = "finished"
        except KeyboardInterrupt:
            status = "interrupted"
            return RunResult(self.folder, "interrupted", self.statistics)
        finally:
            wall_s = time.perf_counter() - clock
            report = run_report(self._config, self._pipeline, self.statistics) | {
                "status": status,
                "started": started.isoformat(timespec="seconds"),
                "wall_s": round(wall_s, 3),
                "frames_per_s": round(self.statistics.frames / wall_s, 2),
                "track_rows_left_out": {"undecided": mot.undecided_rows, "duplicate": mot.duplicate_rows},
            }
            write_report(self.folder / "run.json", report)
        return RunResult(self.folder, "finished", self.statistics)

    def _video(self) -> list[Sink]:
        if not self._config.output.video:
            return []
        notice = self.model.short_notice if self.model else None
        plain = self._config.output.background == "plain"
        return [VideoSink(self.folder / "videos", self.cameras, notice=notice, plain=plain)]


def check_folder(folder: Path, *, overwrite: bool) -> None:
    """Refuse a folder that a run must not write to.

    Raises:
        InputError: it is a file, or holds something other than an earlier run that may be overwritten.
    """
    if not folder.exists():
        return
    if not folder.is_dir():
        raise InputError(f"--out {folder} is a file; give a folder that does not exist yet")
    if any(folder.iterdir()) and not (overwrite and (folder / "run.json").is_file()):
        cure = "choose another folder" + (", or add --overwrite" if (folder / "run.json").is_file() else "")
        raise InputError(f"--out {folder} is not empty; {cure}")


def _clear(folder: Path) -> None:
    """Make the folder, without an earlier run's outputs."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in OUTPUTS:
        path = folder / name
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
