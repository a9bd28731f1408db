"""Climbing the ladder: the same run rung by rung, each judged against the truth."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from keyreid_stream.config import DeploymentConfig
from keyreid_stream.errors import InputError
from keyreid_stream.evaluation import MIN_VISIBILITY
from keyreid_stream.interfaces import Sink, Source
from keyreid_stream.ladder.clock_file import ClockRecord
from keyreid_stream.ladder.inputs import LadderCameras
from keyreid_stream.ladder.record import (
    LADDER_FILE,
    FiguresRecord,
    LadderRecord,
    RungRecord,
    losses_of,
    read_ladder,
    write_ladder,
)
from keyreid_stream.ladder.rungs import RUNGS, Rung, figures_of
from keyreid_stream.pipeline import MakeEncoders, Pipeline
from keyreid_stream.report.judged import JudgedRun, judge_run, read_run
from keyreid_stream.run import RecordedRun, RunResult
from keyreid_stream.run_folder import RunFolder
from keyreid_stream.run_report import run_facts

MakePipeline: TypeAlias = Callable[[DeploymentConfig, Sequence[Source]], Pipeline]

_SAME = ("oracle", "model", "backend", "pose_weights", "settings", "stage_classes", "versions")
"""What of `run.json` must be as it would be now for a rung to be kept."""


class Step:
    """A rung that is next.

    Attributes:
        rung: which.
        run: the run that is to be recorded; None where the rung is whole already and kept.
    """

    def __init__(self, rung: Rung, run: RecordedRun | None, sinks: Sequence[Sink] = ()) -> None:
        self.rung = rung
        self.run = run
        self.is_whole = run is None
        self._sinks = list(sinks)

    def record(self, sinks: Sequence[Sink] = ()) -> RunResult:
        """Run it; the rung is whole if that is not interrupted. Only once, and not where the rung is kept.

        Args:
            sinks: further sinks, written to after the run's own.

        Raises:
            InputError: the rung is kept, or what `RecordedRun.record` raises.
        """
        if self.run is None:
            raise InputError(f"the rung {self.rung.name} is whole already; there is nothing to record")
        result = self.run.record([*self._sinks, *sinks])
        self.is_whole = result.status == "finished"
        return result


class Ladder:
    """A ladder over some cameras, in a folder with a run for each rung and `ladder.json`.

    Rungs that an earlier, interrupted climb left whole are kept where nothing has changed since: cameras, truth,
    settings, weights and versions.

    Attributes:
        record: what there is so far.
        judged: the rungs' runs so far, from the lowest up.
    """

    def __init__(
        self,
        settings: DeploymentConfig,
        folder: Path,
        *,
        truth: Path | None = None,
        min_visibility: float = MIN_VISIBILITY,
        command: str = "",
        overwrite: bool = False,
        make_encoders: MakeEncoders | None = None,
        make_pipeline: MakePipeline | None = None,
    ) -> None:
        """Check what can be checked without a network.

        Args:
            settings: of the lowest rung.
            folder: where to write; new, empty, or a ladder's.
            truth: a folder with the truth of recordings; None for a world, which knows its own.
            min_visibility: as `score_run` takes it.
            command: what repeats the ladder, for its record.
            overwrite: replace all of an earlier ladder.
            make_encoders: as `Pipeline.from_config` takes it.
            make_pipeline: makes a rung's pipeline instead of `Pipeline.from_config`.

        Raises:
            InputError: the folder cannot be used, or cameras have no truth.
            ConfigError: a setting makes rungs that cannot be compared.
        """
        self._settings = settings
        self._folder = folder
        self._cameras = LadderCameras.checked(settings, truth, min_visibility)
        self._overwrite = overwrite
        self._make_encoders = make_encoders
        self._make_pipeline = make_pipeline or self._pipeline
        self.judged: list[JudgedRun] = []
        self.record = LadderRecord(status="unfinished", inputs=self._cameras.described(), command=command)
        self._check_folder()

    def steps(self) -> Iterator[Step]:
        """Rung by rung: record each step that has a run before asking for the next; ends early if one is not whole.

        Raises:
            InputError: a rung's folder holds a run of other settings, or its run saw other frames.
        """
        for rung in RUNGS:
            step = self._step(rung)
            # Not before the first rung's networks are loaded: bad input leaves no trace.
            write_ladder(self._folder, self.record)
            yield step
            if not step.is_whole:
                return
            self._judge(rung)

    def _step(self, rung: Rung) -> Step:
        config = self._settings.model_copy(update={"oracle": rung.oracle})
        sources = self._cameras.open()
        pipeline = self._make_pipeline(config, sources)
        folder = self._folder / rung.name
        before = None if self._overwrite else _whole_run(folder)
        if before is not None:
            self._check_same(rung, before, run_facts(config, pipeline))
            return Step(rung, None)
        destination = RunFolder(folder, overwrite=True)
        destination.check_inputs([*config.sources.cameras, str(config.pose.weights), config.model.weights or ""])
        run = RecordedRun(pipeline, folder, config, overwrite=True)
        return Step(rung, run, self._cameras.truth_sinks(folder, sources))

    def _pipeline(self, config: DeploymentConfig, sources: Sequence[Source]) -> Pipeline:
        return Pipeline.from_config(config, sources=sources, make_encoders=self._make_encoders)

    def _judge(self, rung: Rung) -> None:
        folder = self._folder / rung.name
        truth = self._cameras.truth_of(folder)
        judged = judge_run(folder, truth, min_visibility=self.record.inputs.min_visibility)
        frames = {name: int(camera["frames"]) for name, camera in judged.run["cameras"].items()}
        self._check_frames(rung, frames)
        self._check_length(judged, frames)
        reached = RungRecord(
            name=rung.name,
            oracle=rung.oracle,
            wall_s=judged.run["wall_s"],
            frames=frames,
            figures=FiguresRecord.of(figures_of(judged.scores)),
            clock=ClockRecord.of(judged.clock),
        )
        self.judged.append(judged)
        rungs = (*self.record.rungs, reached)
        lowest = self.judged[0].run
        self.record = self.record.model_copy(
            update={
                "status": "finished" if len(rungs) == len(RUNGS) else "unfinished",
                **{name: lowest[name] for name in ("model", "pose_weights", "settings", "versions")},
                "rungs": rungs,
                "losses": losses_of(rungs, [one.stage for one in RUNGS[1:]]),
            }
        )
        write_ladder(self._folder, self.record)

    def _check_folder(self) -> None:
        """Refuse a folder that holds something else, or a ladder of something else."""
        if self._folder.exists() and not self._folder.is_dir():
            raise InputError(f"--out {self._folder} is a file; give a folder that does not exist yet")
        if not self._folder.exists() or not any(self._folder.iterdir()):
            return
        before = read_ladder(self._folder)
        if before is None:
            raise InputError(f"--out {self._folder} is not empty and holds no ladder; choose another folder")
        if before.inputs != self.record.inputs and not self._overwrite:
            raise InputError(
                f"--out {self._folder} holds a ladder of other cameras or other truth ({LADDER_FILE} tells); "
                "choose another folder, or add --overwrite"
            )

    def _check_same(self, rung: Rung, before: dict[str, Any], facts: dict[str, Any]) -> None:
        now = json.loads(json.dumps(facts))
        if other := [name for name in _SAME if before.get(name) != now[name]]:
            raise InputError(
                f"{self._folder / rung.name} is a run with other {' and '.join(other)}; choose another --out, or add "
                "--overwrite to run all rungs again"
            )

    def _check_frames(self, rung: Rung, frames: dict[str, int]) -> None:
        """Rungs may only be compared where all saw the same: as many frames, and of a world the same truth."""
        if not self.judged:
            return
        lowest, this = (self._cameras.truth_of(self._folder / name) for name in (RUNGS[0].name, rung.name))
        same_truth = lowest == this or _content(lowest) == _content(this)
        if frames != self.record.rungs[0].frames or not same_truth:
            raise InputError(
                f"the rung {rung.name} saw other frames than {RUNGS[0].name}; climb again with --overwrite"
            )

    def _check_length(self, judged: JudgedRun, frames: dict[str, int]) -> None:
        """Truth of another recording would only look like people who were missed."""
        for name, true in judged.truth.items():
            last = int(true.frames.max(initial=0))
            if self._cameras.truth is not None and last > frames[name]:
                raise InputError(
                    f"the truth of {name} has frame {last}, and the recording has {frames[name]} frames; give the "
                    "truth of these recordings"
                )


def _whole_run(folder: Path) -> dict[str, Any] | None:
    """What an earlier climb's run of a rung tells; None where there is none that came to its end."""
    try:
        run = read_run(folder)
    except InputError:
        return None
    return run if run["status"] == "finished" else None


def _content(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*.txt"))}
