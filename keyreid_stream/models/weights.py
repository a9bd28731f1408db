"""Weights on disk: `NAME.safetensors` holds the tensors, `NAME.json` what they are and how they were made.

The JSON carries the SHA-256 of the safetensors file: a pair that was mixed up, cut short or half replaced is refused.
Nothing in either file is ever executed.
"""

from __future__ import annotations

import datetime
import hashlib
import os
import uuid
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, TypeAlias, TypeVar

import torch
from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, StringConstraints, ValidationError
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from keyreid_stream.errors import WeightsError
from keyreid_stream.models.config import ModelConfig
from keyreid_stream.validation import first_fault

MAX_WEIGHTS_BYTES = 16 * 2**30
"""The largest weights file that is read, 16 GiB: a hundred times our largest model."""

MAX_JSON_BYTES = 2**20
"""The largest JSON file that is read, 1 MiB."""

HASH_CHUNK_BYTES = 2**20

Sha256: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
PlainText: TypeAlias = Annotated[str, StringConstraints(max_length=4000, pattern=r"^[\P{Cc}\n\t]*$")]
"""Text from a file that may be shown: no control characters, so it cannot drive a terminal."""

Schema = TypeVar("Schema", bound=BaseModel)


class ScoredFigures(BaseModel):
    """What weights reached on a data set.

    Attributes:
        data: the data set.
        protocol: how it was measured, so that somebody else can.
        values: figures by name; fractions, not percent.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    data: PlainText = Field(min_length=1)
    protocol: PlainText = Field(min_length=1)
    values: dict[PlainText, FiniteFloat]


class Provenance(BaseModel):
    """How a set of weights came to be.

    Attributes:
        source: who or what made them, e.g. `keyreid train` or the name of the file they were converted from.
        trained: False while the parameters are random, so that nobody mistakes what they say for identities.
        created: the day they were written.
        data_sets: what they were trained on, pre-training included.
        data_terms: licence or terms of use of those, by name.
        recipe: the named recipe.
        command: the command that repeats it.
        hardware: what they were trained on, e.g. a processor's name.
        hours: of training steps on that hardware, validation left out.
        terms: licence or terms of use; says so where none is known.
        parent_sha256: the weights that training started from.
        source_sha256: the file that these were converted or imported from.
        metrics: figures of the training itself, by name; fractions, not percent.
        figures: what was measured afterwards.
        notes: anything else worth knowing.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: PlainText = Field(min_length=1)
    trained: bool
    created: datetime.date
    data_sets: tuple[PlainText, ...] = ()
    data_terms: dict[PlainText, PlainText] = Field(default_factory=dict)
    recipe: PlainText | None = None
    command: PlainText | None = None
    hardware: PlainText | None = None
    hours: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    terms: PlainText = "not stated"
    parent_sha256: Sha256 | None = None
    source_sha256: Sha256 | None = None
    metrics: dict[PlainText, FiniteFloat] = Field(default_factory=dict)
    figures: tuple[ScoredFigures, ...] = ()
    notes: PlainText = ""


class WeightsRecord(BaseModel):
    """What `NAME.json` holds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal["keyreid-weights-1"] = "keyreid-weights-1"
    config: ModelConfig
    provenance: Provenance
    sha256: Sha256
    size_bytes: int = Field(ge=1, le=MAX_WEIGHTS_BYTES)


@dataclass(frozen=True, slots=True, eq=False)
class WeightsFile:
    """A pair of files, read and checked.

    Attributes:
        config: the model that the tensors fit.
        provenance: how they came to be.
        tensors: the state dict, on the host.
        sha256: of the safetensors file.
        path: the safetensors file.
    """

    config: ModelConfig
    provenance: Provenance
    tensors: dict[str, torch.Tensor]
    sha256: str
    path: Path


def weights_pair(path: Path | str) -> tuple[Path, Path]:
    """The safetensors file and the JSON file of a pair, given either one (neither needs to exist).

    Raises:
        WeightsError: the name ends in neither `.safetensors` nor `.json`.
    """
    path = Path(path)
    if path.suffix not in (".safetensors", ".json"):
        raise WeightsError(
            f"weights are a pair NAME.safetensors and NAME.json, got {str(path)!r}; "
            "convert a published .pth with: keyreid weights import FILE --name NAME"
        )
    return path.with_suffix(".safetensors"), path.with_suffix(".json")


def save_weights(
    path: Path | str, config: ModelConfig, tensors: Mapping[str, torch.Tensor], provenance: Provenance
) -> WeightsFile:
    """Write a pair of files. Each replaces its predecessor at once or not at all.

    Args:
        path: either file of the pair; missing folders are made.
        config: the model that the tensors fit.
        tensors: its state dict, on any device; aliases of one tensor are stored once per name.
        provenance: how they came to be.

    Raises:
        WeightsError: `path` has the wrong ending or cannot be written.
    """
    tensors_path, record_path = weights_pair(path)
    stored = _independent(tensors)
    try:
        tensors_path.parent.mkdir(parents=True, exist_ok=True)
        with _replacing(tensors_path) as draft:
            save_file(stored, draft)
            record = WeightsRecord(
                config=config, provenance=provenance, sha256=file_sha256(draft), size_bytes=draft.stat().st_size
            )
        with _replacing(record_path) as draft:
            draft.write_text(_as_text(record), encoding="utf-8")
    except (OSError, SafetensorError) as error:
        raise WeightsError(
            f"cannot write {str(tensors_path)!r}: {error}; choose a folder that can be written"
        ) from error
    return WeightsFile(config, provenance, stored, record.sha256, tensors_path)


def load_weights(path: Path | str) -> WeightsFile:
    """Read a pair of files and check that they belong together.

    Args:
        path: either file of the pair.

    Raises:
        WeightsError: a file is missing, too large, cut short, not ours, or not the one that the JSON describes.
    """
    tensors_path, record_path = weights_pair(path)
    if not tensors_path.is_file():
        raise WeightsError(f"no weights file {str(tensors_path)!r}; see what is there with: keyreid weights list")
    record = read_record(record_path)
    _check_belongs(tensors_path, record)
    try:
        tensors: dict[str, torch.Tensor] = load_file(tensors_path)
    except (SafetensorError, OSError, ValueError, KeyError, RuntimeError) as error:
        raise WeightsError(
            f"{str(tensors_path)!r} is not a safetensors file ({_one_line(error)}); use another"
        ) from error
    return WeightsFile(record.config, record.provenance, tensors, record.sha256, tensors_path)


def read_record(path: Path) -> WeightsRecord:
    """Read the JSON file of a pair, without its tensors.

    Raises:
        WeightsError: it is missing, too large or not ours.
    """
    if not path.is_file():
        raise WeightsError(
            f"{str(path)!r} is missing; it must lie beside its safetensors file, fetch or import both again"
        )
    return read_json(path, WeightsRecord)


def read_json(path: Path, schema: type[Schema]) -> Schema:
    """Read an untrusted JSON file into a pydantic model.

    Raises:
        WeightsError: it cannot be read, is too large, or does not fit the schema; names the first fault.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MAX_JSON_BYTES + 1)
    except OSError as error:
        raise WeightsError(f"cannot read {str(path)!r}: {error.strerror}; check the path") from error
    if len(content) > MAX_JSON_BYTES:
        raise WeightsError(f"{str(path)!r} is larger than {MAX_JSON_BYTES:,} bytes; that is no {schema.__name__} file")
    try:
        return schema.model_validate_json(content)
    except ValidationError as error:
        raise WeightsError(f"{str(path)!r} is not a valid {schema.__name__}: {first_fault(error)}") from error


def add_figures(path: Path | str, figures: Iterable[ScoredFigures]) -> WeightsRecord:
    """Note what weights reached; figures of the same data and protocol are replaced, the tensors stay untouched.

    Args:
        path: either file of a pair.
        figures: what was measured.

    Raises:
        WeightsError: the JSON file is missing, not ours, or cannot be written.
    """
    _, record_path = weights_pair(path)
    record = read_record(record_path)
    known = {(one.data, one.protocol): one for one in (*record.provenance.figures, *figures)}
    provenance = record.provenance.model_copy(update={"figures": tuple(known.values())})
    noted = record.model_copy(update={"provenance": provenance})
    try:
        with _replacing(record_path) as draft:
            draft.write_text(_as_text(noted), encoding="utf-8")
    except OSError as error:
        raise WeightsError(
            f"cannot write {str(record_path)!r}: {error}; copy the weights to a folder of yours"
        ) from error
    return noted


def _as_text(record: WeightsRecord) -> str:
    return record.model_dump_json(indent=2) + "\n"


def file_sha256(path: Path) -> str:
    """The SHA-256 of a file of any size, as 64 hexadecimal digits."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(HASH_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def _check_belongs(path: Path, record: WeightsRecord) -> None:
    """Raise WeightsError unless this is the file that the record was written with."""
    size = path.stat().st_size
    if size != record.size_bytes:
        fault = "cut short" if size < record.size_bytes else "too long"
        raise WeightsError(
            f"{str(path)!r} is {fault}: {size:,} bytes, its JSON file says {record.size_bytes:,}; "
            "fetch or copy both files again"
        )
    found = file_sha256(path)
    if found != record.sha256:
        raise WeightsError(
            f"{str(path)!r} is not what its JSON file describes: sha256 {found}, expected {record.sha256}; "
            "fetch or copy both files again"
        )


def _independent(tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The tensors on the host, no two sharing memory: safetensors stores no aliases."""
    storages: set[int] = set()
    independent: dict[str, torch.Tensor] = {}
    for name, tensor in tensors.items():
        plain = tensor.detach().cpu().contiguous()
        storage = plain.untyped_storage().data_ptr()
        independent[name] = plain.clone() if storage in storages else plain
        storages.add(storage)
    return independent


@contextmanager
def _replacing(path: Path) -> Iterator[Path]:
    """A draft beside `path` that takes its place if the block succeeds, and vanishes if it does not."""
    draft = path.with_name(f".{path.name}.{uuid.uuid4().hex}.draft")
    try:
        yield draft
        # On disk before it takes the name: after a power cut there is the old file or the new one, never an empty one.
        with draft.open("r+b") as file:
            os.fsync(file.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def _one_line(text: object) -> str:
    return " ".join(str(text).split())
