"""Erasing people from a gallery's file, and the proof: nothing of what they looked like is in any of its bytes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from keyreid_stream.association.exemplars import Exemplar
from keyreid_stream.association.store import GalleryStore

_CHUNK = 24
"""Bytes that are searched for at once: a vector may be cut by a page's end, but most of its chunks are not."""

_STRIDE = 16
_KEY = 8
_LEAST_DISTINCT = 6
"""A key of fewer different bytes (zeros, mostly) is anybody's."""

_BLOCK = 1 << 24


@dataclass(frozen=True, slots=True)
class Erased:
    """What was erased from a gallery, and what a search for it found.

    Attributes:
        ids: all that the person went by.
        exemplars: how many views of them there were.
        searched: files that were searched, and their bytes.
        traces: how many chunks of the person's vectors were found in them; 0, or the erasure failed.
    """

    ids: tuple[int, ...]
    exemplars: int
    searched: dict[Path, int]
    traces: int


def forget(store: GalleryStore, identity_id: int) -> Erased:
    """Erase an identity and everyone merged into it: vectors, tracks, names, and log entries that name them.

    The log keeps that somebody of this id was forgotten, and when. The file is written anew, so that no free page of it
    holds anything of them; then it is searched.

    Raises:
        InputError: there is no such identity, or the file cannot be written.
    """
    known = dict(store.gallery.entries())
    views: list[Exemplar] = []
    if identity_id in known:
        ids = known[identity_id].ids
        views = [one for member in known[identity_id].member.family() for one in member.exemplars]
        views += [one for owner, one in store.gallery.state.sketches.values() if owner in ids]
    with store.tick():
        gone = store.gallery.forget(identity_id)
    store.rewrite(gone)
    files = gallery_files(store.path)
    traces = sum(count_traces(file, views) for file in files)
    return Erased(gone, len(views), {file: file.stat().st_size for file in files}, traces)


def gallery_files(path: Path) -> list[Path]:
    """A gallery's file and those that SQLite may put beside it, as far as they exist."""
    beside = (path.with_name(path.name + ending) for ending in ("", "-wal", "-shm", "-journal"))
    return [file for file in beside if file.exists()]


def count_traces(file: Path, views: Iterable[Exemplar]) -> int:
    """How many chunks of the views' vectors are among a file's bytes, in half or in single precision."""
    chunks = {chunk[:_KEY]: chunk for view in views for chunk in _chunks(view)}
    if not chunks:
        return 0
    keys = np.frombuffer(b"".join(sorted(chunks)), ">u8").astype(np.uint64)
    found = 0
    with file.open("rb") as opened:
        before = b""
        while block := opened.read(_BLOCK):
            content = before + block
            found += sum(1 for _ in _places(content, keys, chunks))
            before = content[-_CHUNK + 1 :]
    return found


def _places(content: bytes, keys: NDArray[np.uint64], chunks: dict[bytes, bytes]) -> Iterator[int]:
    """Where a chunk begins."""
    for offset in range(_KEY):
        count = (len(content) - offset) // _KEY
        words = np.frombuffer(content, ">u8", count, offset).astype(np.uint64)
        nearest = keys[np.minimum(np.searchsorted(keys, words), len(keys) - 1)]
        for word in np.flatnonzero(nearest == words).tolist():
            place = offset + _KEY * word
            if content[place : place + _CHUNK] == chunks[content[place : place + _KEY]]:
                yield place


def _chunks(view: Exemplar) -> Iterator[bytes]:
    for kind in ("<f2", "<f4"):
        numbers = view.signature.vectors[0].astype(kind).tobytes()
        for start in range(0, len(numbers) - _CHUNK + 1, _STRIDE):
            if len(set(numbers[start : start + _KEY])) >= _LEAST_DISTINCT:
                yield numbers[start : start + _CHUNK]
