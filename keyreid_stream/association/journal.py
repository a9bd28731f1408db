"""A gallery's operations and its state as bytes: JSON for what is plain, half precision for what people look like."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from keyreid_stream.association.gallery import Exemplar, Gallery, Operation
from keyreid_stream.association.similarity import Signatures
from keyreid_stream.errors import InputError


def encoded(operation: Operation) -> tuple[str, bytes]:
    """An operation as text and the numbers of its exemplar, empty without one."""
    if operation.exemplar is None:
        return _text([operation.name, list(operation.arguments)]), b""
    fields, numbers = _exemplar_record(operation.exemplar)
    return _text([operation.name, list(operation.arguments), fields]), numbers


def decoded(text: str, numbers: bytes) -> Operation:
    """The operation that `encoded` made this of.

    Raises:
        InputError: the text or the numbers are damaged.
    """
    try:
        name, arguments, *rest = json.loads(text)
        exemplar = _exemplar(rest[0], numbers) if rest else None
        return Operation(str(name), tuple(arguments), exemplar)
    except (ValueError, TypeError, KeyError) as error:
        raise InputError(
            f"an entry of the gallery's log is damaged ({len(text)} characters, {len(numbers)} bytes); "
            "restore a copy of the file"
        ) from error


def state(gallery: Gallery) -> bytes:
    """All that a gallery holds; equal for equal galleries: a line of JSON, then the exemplars' numbers in its order."""
    entries: list[Any] = []
    blobs: list[bytes] = []
    for identity_id, entry in gallery.entries():
        records = [_exemplar_record(one) for one in entry.exemplars]
        blobs += [numbers for _, numbers in records]
        entries.append(
            {
                "id": identity_id,
                "first_seen_s": entry.first_seen_s,
                "last_seen_s": entry.last_seen_s,
                "tracks": [[key.camera_id, key.track_id] for key in entry.tracks],
                "others": list(entry.others),
                "exemplars": [fields for fields, _ in records],
            }
        )
    return _text({"next_id": gallery.next_id, "entries": entries}).encode() + b"\n" + b"".join(blobs)


def _exemplar_record(exemplar: Exemplar) -> tuple[list[int | float], bytes]:
    rows = exemplar.signature
    numbers = np.concatenate([rows.vectors[0], rows.visibility[0]]).astype("<f2").tobytes()
    size = rows.vectors.shape[1]
    return [exemplar.camera, exemplar.clips, exemplar.first_s, exemplar.last_s, size], numbers


def _exemplar(fields: list[Any], numbers: bytes) -> Exemplar:
    camera, clips, first_s, last_s, size = fields
    row = np.frombuffer(numbers, "<f2").astype(np.float32)[None]
    if not 0 < size <= row.shape[1]:
        raise ValueError("fewer numbers than the exemplar has")
    return Exemplar(Signatures(row[:, :size], row[:, size:]), camera, clips, first_s, last_s)


def _text(value: object) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
