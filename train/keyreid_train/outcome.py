"""What a training leaves behind: records, validations, weights, a report."""

from __future__ import annotations

import datetime
import json
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from keyreid_stream.models.keyreid import KeyReID
from keyreid_stream.models.weights import Provenance, WeightsFile, save_weights
from keyreid_train.data.terms import terms_of
from keyreid_train.feeding import TrainingData
from keyreid_train.meter import LOG_COLUMNS
from keyreid_train.plots import plot_training
from keyreid_train.records import CsvRecord, read_record, training_seconds
from keyreid_train.retrieval import camera_to_camera
from keyreid_train.settings import TrainConfig
from keyreid_train.tensorboard_record import TensorBoardRecord
from keyreid_train.validation import embed_tracklets

GLOBAL_WEIGHT = 0.5
"""The global part's share in the visibility-aware score."""

VALIDATION_COLUMNS = (
    "epoch", "rank1", "rank5", "rank10", "mean_average_precision", "visible_rank1", "visible_mean_average_precision",
    "queries",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class TrainReport:
    """How a training ended.

    Attributes:
        weights: the file with the best validated weights; the last ones without validation.
        last: the file with the last weights.
        scores: of `weights` on the validation part, fractions; empty without validation.
        epoch: the 0-based epoch after which `weights` were taken.
        seconds: that this run took; a resumed training's earlier runs are not counted.
    """

    weights: Path
    last: Path
    scores: Mapping[str, float]
    epoch: int
    seconds: float


class Outcome:
    """Writes into a training's folder: log.csv, validation.csv, training.png, best and last weights, report.json.

    Attributes:
        best: the best selection score so far and its epoch; None before the first.
    """

    def __init__(
        self,
        config: TrainConfig,
        data: TrainingData,
        out: Path,
        parent: str | None,
        command: str | None,
        *,
        hardware: str,
        steps: int,
        first_epoch: int,
        best: tuple[float, int] | None,
    ) -> None:
        """Open the records; lines of epochs from `first_epoch` on are dropped. An epoch has so many `steps`."""
        self._config, self._data, self._out, self._parent, self._command = config, data, out, parent, command
        self.best = best
        self._hardware, self._steps = hardware, steps
        self._started = time.perf_counter()
        self._log = CsvRecord(out / "log.csv", LOG_COLUMNS, keep_before=first_epoch)
        self._validation = CsvRecord(out / "validation.csv", VALIDATION_COLUMNS, keep_before=first_epoch)
        self._board: TensorBoardRecord | None = None
        if config.loop.tensorboard:
            self._board = TensorBoardRecord(out / "tensorboard", keep_before=first_epoch * steps + 1)
        (out / "settings.json").write_text(config.model_dump_json(indent=2) + "\n", encoding="utf-8")

    def log(self, values: Mapping[str, object]) -> None:
        """A line of the log."""
        self._log.write(values)
        if self._board is not None:
            self._board.log(values)

    def validate(self, network: KeyReID, epoch: int) -> dict[str, Any]:
        """Score the network on the validation part, and keep its weights if they are the best; the line written."""
        if self._data.validation is None:
            return {}
        embedded = embed_tracklets(network, self._data.validation)
        score, visible = camera_to_camera(embedded), camera_to_camera(embedded, global_weight=GLOBAL_WEIGHT)
        values: dict[str, Any] = asdict(score) | {
            "epoch": epoch,
            "visible_rank1": visible.rank1,
            "visible_mean_average_precision": visible.mean_average_precision,
        }
        self._validation.write(values)
        if self._board is not None:
            self._board.validate(values, (epoch + 1) * self._steps)
        selection = (score.rank1 + score.mean_average_precision) / 2
        if self.best is None or selection >= self.best[0]:
            self.best = (selection, epoch)
            self._save(network, "best", epoch, values)
        plot_training(self._out / "log.csv", self._out / "validation.csv", self._out / "training.png")
        return values

    def finish(self, network: KeyReID) -> TrainReport:
        """Save the last weights and the report."""
        epochs = self._config.loop.epochs
        scores = {int(line["epoch"]): line for line in read_record(self._out / "validation.csv")}
        last = self._save(network, "last", epochs - 1, scores.get(epochs - 1, {}))
        plot_training(self._out / "log.csv", self._out / "validation.csv", self._out / "training.png")
        epoch = epochs - 1 if self.best is None else self.best[1]
        weights = last.path if self.best is None else self._out / "best.safetensors"
        best = {name: float(value) for name, value in scores.get(epoch, {}).items() if name != "epoch"}
        report = TrainReport(weights, last.path, best, epoch, time.perf_counter() - self._started)
        self._write_report(report)
        if self._board is not None:
            self._board.close()
        return report

    def _save(self, network: KeyReID, name: str, epoch: int, scores: Mapping[str, Any]) -> WeightsFile:
        """Half-precision weights without classifiers, as the command's `--weights` reads them."""
        tensors = {
            name: tensor.half() if tensor.is_floating_point() else tensor
            for name, tensor in network.state_dict().items()
            if not name.startswith("classifiers.")
        }
        provenance = Provenance(
            source="keyreid train",
            trained=True,
            created=datetime.datetime.now(tz=datetime.UTC).date(),
            data_sets=self._data.names,
            data_terms={name: terms_of(name) for name in self._data.names},
            recipe=self._config.recipe,
            command=self._command,
            hardware=self._hardware,
            hours=round(training_seconds(read_record(self._out / "log.csv")) / 3600, 4),
            parent_sha256=self._parent,
            metrics={f"validation_{key}": float(value) for key, value in scores.items() if key != "epoch"},
            notes=f"moving average after epoch {epoch + 1} of {self._config.loop.epochs}; "
            "validation: people held out of the training set, camera to camera, means over single images, cosine",
        )
        return save_weights(self._out / f"{name}.safetensors", self._config.model, tensors, provenance)

    def _write_report(self, report: TrainReport) -> None:
        lines = read_record(self._out / "log.csv")
        content = {
            "weights": report.weights.name,
            "epoch": report.epoch,
            "validation": dict(report.scores),
            "selection": "(rank1 + mAP) / 2 on people held out of the training set",
            "people": len(self._data.people),
            "tracklets": len(self._data.appearances),
            "validation_people": 0
            if self._data.validation is None
            else len(self._data.validation.tracklets.person_ids),
            "data_sets": self._data.names,
            "seconds": report.seconds,
            "seconds_per_step": float(lines[-1]["seconds_per_step"]) if lines else None,
            "seed": self._config.seed,
            "command": self._command,
            "hours_of_steps": training_seconds(lines) / 3600,
            "hardware": self._hardware,
            "versions": {name: version(name) for name in ("keyreid-stream", "torch", "timm", "accelerate", "numpy")},
            "settings": json.loads(self._config.model_dump_json()),
        }
        (self._out / "report.json").write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
