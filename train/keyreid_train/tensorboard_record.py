"""A training's figures for TensorBoard, beside the CSV records; `tensorboard` is installed only where it is wanted."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from keyreid_stream.errors import MissingExtraError
from keyreid_train.losses.total import LossTerms

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

_PLACES = ("epoch", "step")
"""Columns that say where a line belongs, and are no figures."""


class TensorBoardRecord:
    """Event files in a folder, for `tensorboard --logdir FOLDER`. What is written is on disk at once."""

    def __init__(self, folder: Path, *, keep_before: int = 0) -> None:
        """Open them.

        Args:
            folder: where they lie; made if it is missing.
            keep_before: hide what an earlier run told of this step and later ones.

        Raises:
            MissingExtraError: tensorboard is not installed.
        """
        self._writer = _writer_class()(str(folder), purge_step=keep_before or None)

    def log(self, values: Mapping[str, object]) -> None:
        """A line of the log, at its `step`."""
        losses = {f"loss/{name}": values[name] for name in LossTerms._fields}
        others = {f"training/{name}": value for name, value in values.items() if name not in LossTerms._fields}
        self._write(losses | others, int(str(values["step"])))

    def validate(self, values: Mapping[str, object], step: int) -> None:
        """A validation after so many steps."""
        self._write({f"validation/{name}": value for name, value in values.items()}, step)

    def close(self) -> None:
        """End the files."""
        self._writer.close()

    def _write(self, values: Mapping[str, object], step: int) -> None:
        for name, value in values.items():
            if name.partition("/")[2] not in _PLACES:
                self._writer.add_scalar(name, float(str(value)), step)
        self._writer.flush()


def require_tensorboard() -> None:
    """Raise unless events can be written.

    Raises:
        MissingExtraError: tensorboard is not installed.
    """
    _writer_class()


def _writer_class() -> type[SummaryWriter]:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        raise MissingExtraError("tensorboard", "tensorboard") from error
    return SummaryWriter
