"""A gallery's operations and its state as bytes: JSON for what is plain, half precision for what people look like."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from keyreid_stream.association.entries import Member, RunTrack
from keyreid_stream.association.exemplars import Exemplar
from keyreid_stream.association.gallery import Gallery
from keyreid_stream.association.operations import GalleryState, Operation, SketchKey
from keyreid_stream.association.similarity import Signatures
from keyreid_stream.errors import InputError
from keyreid_stream.structures import TrackKey


def encoded(operation: Operation) -> tuple[str, bytes]:
    """An operation as text and the numbers of its exemplar or members, empty without."""
    if operation.members:
        records = [encoded_member(member) for member in operation.members]
        family = {"members": [_member_fields(member) for member in operation.members]}
        text = _text([operation.name, list(operation.arguments), family])
        return text, b"".join(numbers for _, numbers in records)
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
        if rest and isinstance(rest[0], dict):
            return Operation(str(name), tuple(arguments), members=_members(rest[0]["members"], numbers))
        exemplar = _exemplar(rest[0], numbers) if rest else None
        return Operation(str(name), tuple(arguments), exemplar)
    except (ValueError, TypeError, KeyError) as error:
        raise InputError(
            f"an entry of the gallery's log is damaged ({len(text)} characters, {len(numbers)} bytes); "
            "restore a copy of the file"
        ) from error


def state(gallery: Gallery) -> bytes:
    """All that a gallery holds; equal for equal galleries."""
    records = [encoded_head(gallery.state)]
    records += [encoded_member(entry.member) for _, entry in gallery.entries()]
    return b"".join(text.encode() + b"\n" + numbers for text, numbers in records)


def encoded_head(held: GalleryState) -> tuple[str, bytes]:
    """All that a gallery holds besides its identities: counters, clock and sketches."""
    sketches = [(key, owner, _exemplar_record(exemplar)) for key, (owner, exemplar) in held.sketches.items()]
    fields = {
        "next_id": held.next_id,
        "run": held.run,
        "offset_s": held.offset_s,
        "sketches": [
            [owner, key.track.camera_id, key.track.track_id, key.first_frame, record[0]]
            for key, owner, record in sketches
        ],
    }
    return _text(fields), b"".join(record[1] for _, _, record in sketches)


def encoded_member(member: Member) -> tuple[str, bytes]:
    """A member with its family."""
    records = [_exemplar_record(exemplar) for one in member.family() for exemplar in one.exemplars]
    return _text(_member_fields(member)), b"".join(numbers for _, numbers in records)


def decode_head(held: GalleryState, text: str, numbers: bytes) -> None:
    """Put what `encoded_head` made this of into an empty state.

    Raises:
        InputError: it is damaged.
    """
    try:
        fields, rest = json.loads(text), _Numbers(numbers)
        for owner, camera_id, track_id, first_frame, record in fields["sketches"]:
            key = SketchKey(TrackKey(camera_id, track_id), first_frame)
            held.sketches[key] = owner, rest.exemplar(record)
        held.next_id, held.run, held.offset_s = fields["next_id"], fields["run"], fields["offset_s"]
        rest.finish()
    except (ValueError, TypeError, KeyError) as error:
        raise _damaged_snapshot() from error


def decoded_member(text: str, numbers: bytes) -> Member:
    """The member, with its family, that `encoded_member` made this of.

    Raises:
        InputError: it is damaged.
    """
    try:
        rest = _Numbers(numbers)
        member = _member(json.loads(text), rest)
        rest.finish()
    except (ValueError, TypeError, KeyError) as error:
        raise _damaged_snapshot() from error
    return member


class _Numbers:
    """Exemplars' numbers, one after the other."""

    def __init__(self, numbers: bytes) -> None:
        self._numbers = numbers
        self._place = 0

    def exemplar(self, fields: list[Any]) -> Exemplar:
        size = 2 * (fields[-2] + fields[-1])
        piece = self._numbers[self._place : self._place + size]
        if len(piece) != size:
            raise ValueError("fewer numbers than there are exemplars")
        self._place += size
        return _exemplar(fields, piece)

    def finish(self) -> None:
        if self._place != len(self._numbers):
            raise ValueError("more numbers than there are exemplars")


def _member_fields(member: Member) -> dict[str, Any]:
    return {
        "id": member.identity_id,
        "first_seen_s": member.first_seen_s,
        "last_seen_s": member.last_seen_s,
        "name": member.name,
        "tracks": [[one.run, one.key.camera_id, one.key.track_id] for one in member.tracks],
        "others": list(member.others),
        "folded": list(member.folded),
        "exemplars": [_exemplar_record(one)[0] for one in member.exemplars],
        "merged": [_member_fields(one) for one in member.merged],
    }


def _member(fields: dict[str, Any], numbers: _Numbers) -> Member:
    tracks = (RunTrack(run, TrackKey(camera_id, track_id)) for run, camera_id, track_id in fields["tracks"])
    return Member(
        fields["id"],
        fields["first_seen_s"],
        fields["last_seen_s"],
        fields["name"],
        # In the order of `Member.family`: its own first, then those of the merged.
        [numbers.exemplar(one) for one in fields["exemplars"]],
        dict.fromkeys(tracks),
        dict.fromkeys(fields["others"]),
        dict.fromkeys(fields["folded"]),
        [_member(one, numbers) for one in fields["merged"]],
    )


def _exemplar_record(exemplar: Exemplar) -> tuple[list[int | float | str], bytes]:
    rows = exemplar.signature
    numbers = np.concatenate([rows.vectors[0], rows.visibility[0]]).astype("<f2").tobytes()
    sizes = rows.vectors.shape[1], rows.visibility.shape[1]
    return [exemplar.camera_id, exemplar.clips, exemplar.first_s, exemplar.last_s, *sizes], numbers


def _exemplar(fields: list[Any], numbers: bytes) -> Exemplar:
    camera_id, clips, first_s, last_s, size, parts = fields
    row = np.frombuffer(numbers, "<f2").astype(np.float32)[None]
    if not 0 < size == row.shape[1] - parts:
        raise ValueError("other numbers than the exemplar has")
    return Exemplar(Signatures(row[:, :size], row[:, size:]), str(camera_id), clips, first_s, last_s)


def _members(fields: list[dict[str, Any]], numbers: bytes) -> tuple[Member, ...]:
    rest = _Numbers(numbers)
    members = tuple(_member(one, rest) for one in fields)
    rest.finish()
    return members


def _damaged_snapshot() -> InputError:
    return InputError("the gallery's snapshot is damaged; restore a copy of the file")


def _text(value: object) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
