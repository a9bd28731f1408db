"""What a run leaves in its folder and tells others, by its settings."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from keyreid_stream.association import DecisionLog, OnlineAssociator
from keyreid_stream.config import DeploymentConfig
from keyreid_stream.errors import ConfigError
from keyreid_stream.geometry.calibration import CameraCalibration
from keyreid_stream.interfaces import Sink
from keyreid_stream.pipeline import Pipeline
from keyreid_stream.run_notices import short_notices
from keyreid_stream.sinks import CropFilesSink, EventLogSink, MotSink, VideoSink
from keyreid_stream.sinks.pieces import MotPieces, PieceRule, PiecesSink, event_log_pieces, piece_name
from keyreid_stream.sinks.publish import make_outputs
from keyreid_stream.sinks.sightings_parquet import SightingsSink


class RunOutputs:
    """The sinks of a run. Nothing is written before they are entered.

    Args:
        pipeline: whose ticks they will take.
        config: `output` says what is wanted.
        folder: the run's.
        run_id: of the run.

    Attributes:
        tracks: the sink of the track files.
        told: the sinks that tell other systems.
        sinks: all, in the order in which they are to be written to.

    Raises:
        InputError: a camera cannot be called what it is called, or a spool is a folder.
        ConfigError: decisions are wanted and another associator makes them, or a secret is not where the settings say.
        MissingExtraError: a receiver's client is not installed.
    """

    def __init__(self, pipeline: Pipeline, config: DeploymentConfig, folder: Path, run_id: str) -> None:
        self._pipeline = pipeline
        self._output = config.output
        self._folder = folder
        self._rule = PieceRule(self._output.rotate_minutes, self._output.keep_pieces)
        self._cameras = {source.camera_id: source.fps for source in pipeline.stages.sources}
        self.tracks = self._tracks()
        self.told = make_outputs(self._output.publish, folder, run_id, self._calibrations)
        self.sinks: list[Sink] = [
            self._events(),
            *self._decisions(),
            self.tracks,
            *self._videos(),
            *self._crops(),
            *self._sightings(),
            *self.told,
        ]

    def check(self) -> None:
        """Refuse what cannot be written to, as far as it can be told without writing.

        Raises:
            InputError: a spool is in use, damaged, or of another kind.
        """
        for output in self.told:
            output.check()

    def check_camera(self, camera_id: str) -> None:
        """Refuse a camera that would overwrite an output.

        Raises:
            InputError: its name cannot be a file's, or is another file's.
        """
        VideoSink(self._folder / "videos", {camera_id: 1.0})

    def _events(self) -> Sink:
        if self._rule.minutes:
            return event_log_pieces(self._folder, self._rule)
        return EventLogSink(self._folder / "events.jsonl")

    def _decisions(self) -> list[Sink]:
        if not self._output.decisions:
            return []
        associator = self._pipeline.stages.associator
        if not isinstance(associator, OnlineAssociator):
            raise ConfigError(
                "output.decisions (--decisions) records the association engine's decisions, and "
                f"{type(associator).__name__} takes its place in this run; leave it out"
            )
        log = DecisionLog(self._folder / "decisions.jsonl")
        associator.record_decisions(log.note)
        return [log]

    def _tracks(self) -> MotSink | MotPieces:
        folder = self._folder / "tracks"
        if self._rule.minutes:
            return MotPieces(folder, self._cameras, self._rule)
        return MotSink(folder, self._cameras)

    def _videos(self) -> list[Sink]:
        wanted = self._pipeline.live is None if self._output.video is None else self._output.video
        if not wanted:
            return []
        notice = "; ".join(short_notices(self._pipeline)) or None
        plain = self._output.background == "plain"
        folder = self._folder / "videos"
        if not self._rule.minutes:
            return [VideoSink(folder, self._cameras, notice=notice, plain=plain)]

        def place(number: int) -> Path:
            return folder / piece_name(number)

        def make(number: int, cameras: Mapping[str, float]) -> Sink:
            return VideoSink(place(number), cameras, notice=notice, plain=plain)

        return [PiecesSink(self._rule, make, place, self._cameras)]

    def _crops(self) -> list[Sink]:
        heads = self._output.crops
        return [] if heads == "none" else [CropFilesSink(self._folder / "crops", heads)]

    def _sightings(self) -> list[Sink]:
        if not self._output.parquet:
            return []
        if not self._rule.minutes:
            return [SightingsSink(self._folder / "sightings.parquet", self._calibrations)]

        def place(number: int) -> Path:
            return self._folder / "sightings" / f"{piece_name(number)}.parquet"

        return [PiecesSink(self._rule, lambda number, _: SightingsSink(place(number), self._calibrations), place, {})]

    def _calibrations(self) -> Mapping[str, CameraCalibration]:
        """Those that are used now: one may be found to be wrong while the run lasts."""
        geometry = self._pipeline.geometry
        return {} if geometry is None else geometry.calibrations
