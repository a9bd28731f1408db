"""Checkpoints: all that a training needs to go on exactly as if it had not stopped."""

from __future__ import annotations

import json
import os
import pickle
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from keyreid_stream.errors import WeightsError

FORMAT = "keyreid-checkpoint-1"

_FREE = frozenset({"device", "loop.workers", "loop.log_every", "loop.validate_every", "loop.tensorboard"})
"""Settings that may change when a training resumes: they do not change what it learns."""


@dataclass(frozen=True, slots=True, eq=False)
class Checkpoint:
    """The state of a training between two epochs. Randomness needs none: it follows from the seed and the step.

    Attributes:
        epoch: the epoch to do next; those before are done.
        settings: the training's settings as JSON.
        people: who the classes are, in order.
        learner: the network and its losses.
        average: the averaged network.
        optimiser, center_optimiser: their states.
        scaler: of fp16's loss scaling; empty otherwise.
        best: the best validation score so far, and the epoch that reached it; None before the first validation.
    """

    epoch: int
    settings: str
    people: tuple[str, ...]
    learner: Mapping[str, torch.Tensor]
    average: Mapping[str, torch.Tensor]
    optimiser: dict[str, Any]
    center_optimiser: dict[str, Any]
    scaler: dict[str, Any]
    best: tuple[float, int] | None = None


def save_checkpoint(path: Path, checkpoint: Checkpoint) -> None:
    """Write a checkpoint; it replaces its predecessor at once or not at all.

    Raises:
        WeightsError: it cannot be written.
    """
    draft = path.with_name(f".{path.name}.draft")
    state = {name: getattr(checkpoint, name) for name in Checkpoint.__slots__}
    try:
        with draft.open("wb") as file:
            torch.save({"format": FORMAT} | state, file)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except OSError as error:
        raise WeightsError(
            f"cannot write checkpoint {path}: {error}; free some space or choose another --out"
        ) from error
    finally:
        draft.unlink(missing_ok=True)


def load_checkpoint(path: Path) -> Checkpoint:
    """Read a checkpoint. Nothing in it is executed.

    Raises:
        WeightsError: it is missing, damaged or not ours.
    """
    if not path.is_file():
        raise WeightsError(f"no checkpoint {path}; leave out --resume to start anew")
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, EOFError, ValueError, KeyError, pickle.UnpicklingError, zipfile.BadZipFile) as error:
        raise WeightsError(f"checkpoint {path} is damaged ({_first_line(error)}); start anew") from error
    names = {"format", *Checkpoint.__slots__}
    if not isinstance(state, dict) or state.get("format") != FORMAT or state.keys() != names:
        raise WeightsError(f"{path} is no checkpoint of keyreid train; give the --out folder of a training")
    del state["format"]
    return Checkpoint(**state)


def check_continues(path: Path, checkpoint: Checkpoint, settings: Mapping[str, Any], people: tuple[str, ...]) -> None:
    """Refuse to go on from a checkpoint of another training.

    Args:
        path: where it comes from, for the message.
        checkpoint: what was read.
        settings: of the training that would go on, as JSON values.
        people: its classes.

    Raises:
        WeightsError: naming the first difference.
    """
    if len(checkpoint.people) != len(people):
        raise WeightsError(
            f"checkpoint {path} is of {len(checkpoint.people)} people, the training data have {len(people)}; "
            "resume with the data that it was started with"
        )
    if tuple(checkpoint.people) != people:
        raise WeightsError(f"checkpoint {path} is of other people; resume with the data that it was started with")
    before, now = _flat(json.loads(checkpoint.settings)), _flat(settings)
    for name in sorted(before.keys() | now.keys()):
        if name not in _FREE and before.get(name) != now.get(name):
            raise WeightsError(
                f"checkpoint {path} was trained with {name} = {before.get(name)!r}, now it is {now.get(name)!r}; "
                "resume with the same settings, or start anew in another folder"
            )


def _flat(settings: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested settings by their dotted names."""
    flat: dict[str, Any] = {}
    for name, value in settings.items():
        if isinstance(value, Mapping):
            flat |= _flat(value, f"{prefix}{name}.")
        else:
            flat[f"{prefix}{name}"] = value
    return flat


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
