"""The folder of engines: built once, whole or not there, never used when anything about them is wrong.

FOLDER/<name>/manifest.json     what the engine is, see `manifest`
FOLDER/<name>/<graph>.<suffix>  its files
FOLDER/.<name>.lock             held while somebody reads, builds or removes it
"""

from __future__ import annotations

import hashlib
import os
import shutil
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from filelock import FileLock, Timeout
from pydantic import ValidationError

from keyreid_engines.errors import EngineError
from keyreid_engines.graphs import GraphKind
from keyreid_engines.manifest import EngineFacts, Manifest, StoredFile
from keyreid_stream.models.known_weights import weights_folder
from keyreid_stream.validation import first_fault

MANIFEST_NAME = "manifest.json"
MAX_MANIFEST_BYTES = 2**20
LOCK_WAIT_S = 1800.0
"""How long to wait for another process that builds the same engine."""

Contents: TypeAlias = dict[GraphKind, dict[str, bytes]]
"""An engine's files: by graph, then by suffix."""

Say: TypeAlias = Callable[[str], None]
"""Takes a line for the user."""


class _UnusableError(Exception):
    """An engine in the cache that must not be used; the text says why."""


@dataclass(frozen=True, slots=True, eq=False)
class StoredEngine:
    """An engine out of the cache, every byte checked."""

    manifest: Manifest
    contents: Contents
    folder: Path


@dataclass(frozen=True, slots=True)
class ListedEngine:
    """A folder in the cache.

    Attributes:
        name: of the folder.
        manifest: None where it cannot be read.
        size_bytes: of all its files.
        fault: why it is not used; None where manifest and file sizes are right (contents are checked when used).
    """

    name: str
    manifest: Manifest | None
    size_bytes: int
    fault: str | None


def engines_folder() -> Path:
    """Where engines are kept: `$KEYREID_HOME/engines`, else in the user's cache folder, beside the weights."""
    return weights_folder().with_name("engines")


class EngineCache:
    """A folder of engines. Any number of processes may use one at the same time."""

    def __init__(self, folder: Path | None = None, *, lock_wait_s: float = LOCK_WAIT_S) -> None:
        """Take a folder, which need not exist yet; by default `engines_folder()`."""
        self.folder = engines_folder() if folder is None else folder
        self._lock_wait_s = lock_wait_s

    def obtain(self, facts: EngineFacts, build: Callable[[], tuple[Manifest, Contents]], say: Say) -> StoredEngine:
        """The engine with these facts: from the cache if it is there and right, else built and kept.

        Args:
            facts: what it must be.
            build: makes it; called at most once, with the lock held, so only one process builds.
            say: is told when and why something is built.

        Raises:
            EngineError: the folder cannot be written, or another process builds for too long.
        """
        with self._locked(facts.name):
            target = self.folder / facts.name
            try:
                return self._read(target, facts)
            except FileNotFoundError:
                say(f"building engine {facts.name}{self._predecessor(facts)}")
            except _UnusableError as reason:
                say(f"engine {facts.name} is not used: {reason}; building it again")
            manifest, contents = build()
            with self._plain_errors():
                self._write(target, manifest, contents)
            return StoredEngine(manifest, contents, target)

    def amend(self, manifest: Manifest, contents: Contents) -> StoredEngine:
        """Keep more of an engine that is there: what became of its check, or what it finished on this device.

        Raises:
            EngineError: the folder cannot be written.
        """
        target = self.folder / manifest.facts.name
        with self._locked(manifest.facts.name), self._plain_errors():
            self._write(target, manifest, contents)
        return StoredEngine(manifest, contents, target)

    def read(self, name: str) -> StoredEngine:
        """An engine by the name of its folder, every byte checked.

        Raises:
            EngineError: there is none, or it is damaged.
        """
        self._check_name(name)
        with self._locked(name):
            try:
                return self._read(self.folder / name, None)
            except FileNotFoundError:
                raise self._unknown(name) from None
            except _UnusableError as reason:
                raise EngineError(
                    f"engine {name} cannot be used: {reason}; remove it with: keyreid engine clean {name}"
                ) from None

    def entries(self) -> list[ListedEngine]:
        """Everything in the folder, by name."""
        if not self.folder.is_dir():
            return []
        return [_listed(path) for path in sorted(self.folder.iterdir()) if _is_entry(path)]

    def remove(self, name: str) -> int:
        """Remove one engine; bytes that this freed.

        Raises:
            EngineError: there is none, or it cannot be removed.
        """
        self._check_name(name)
        target = self.folder / name
        with self._locked(name), self._plain_errors():
            if not target.is_dir():
                raise self._unknown(name)
            size = _size(target)
            _discard(target)
            return size

    def remove_drafts(self) -> int:
        """Remove what interrupted builds left behind; bytes that this freed. Builds that still run are left alone."""
        freed = 0
        with self._plain_errors():
            drafts = sorted(self.folder.glob(".*.draft")) if self.folder.is_dir() else []
            for draft in drafts:
                owner = draft.name.removeprefix(".").rsplit(".", 2)[0]
                try:
                    with FileLock(self.folder / f".{owner}.lock", timeout=0):
                        freed += _size(draft)
                        shutil.rmtree(draft)
                except Timeout:
                    continue
        return freed

    def _read(self, target: Path, wanted: EngineFacts | None) -> StoredEngine:
        """Raises FileNotFoundError where there is no engine and `_UnusableError` where it is wrong in any way."""
        if not target.is_dir():
            raise FileNotFoundError(target)
        manifest = _read_manifest(target)
        if wanted is not None and manifest.facts != wanted:
            raise _UnusableError("it was made for something else: " + "; ".join(wanted.differences(manifest.facts)))
        if manifest.facts.name != target.name:
            raise _UnusableError(f"its folder has the name of another, it is {manifest.facts.name}")
        contents: Contents = {}
        for stored in manifest.files:
            contents.setdefault(stored.graph, {})[stored.suffix] = _read_file(target, stored)
        return StoredEngine(manifest, contents, target)

    def _write(self, target: Path, manifest: Manifest, contents: Contents) -> None:
        """Under another name first, then renamed: whoever looks sees the whole engine or none."""
        draft = target.with_name(f".{target.name}.{uuid.uuid4().hex}.draft")
        draft.mkdir(parents=True)
        try:
            for stored in manifest.files:
                _write_through(draft / stored.name, contents[stored.graph][stored.suffix])
            _write_through(draft / MANIFEST_NAME, (manifest.model_dump_json(indent=2) + "\n").encode())
            if target.exists():
                _discard(target)
            draft.rename(target)
        finally:
            shutil.rmtree(draft, ignore_errors=True)

    def _predecessor(self, facts: EngineFacts) -> str:
        """Why an engine of these weights, backend and precision is there and does not do."""
        alike = ("weights_sha256", "backend", "precision")
        for entry in self.entries():
            if entry.manifest is not None:
                older = entry.manifest.facts
                if older != facts and all(getattr(older, name) == getattr(facts, name) for name in alike):
                    return f" ({entry.name} is for something else: {'; '.join(facts.differences(older))})"
        return ""

    @contextmanager
    def _locked(self, name: str) -> Iterator[None]:
        with self._plain_errors():
            self.folder.mkdir(parents=True, exist_ok=True)
            lock = FileLock(self.folder / f".{name}.lock", timeout=self._lock_wait_s)
            try:
                lock.acquire()
            except Timeout:
                raise EngineError(
                    f"another process has been building {name} for more than {self._lock_wait_s:.0f} s; "
                    "end it, or choose another folder with KEYREID_HOME"
                ) from None
        try:
            yield
        finally:
            lock.release()

    @contextmanager
    def _plain_errors(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise EngineError(
                f"engines cannot be kept in {str(self.folder)!r} ({error.strerror}); set KEYREID_HOME to a folder that "
                "can be written"
            ) from error

    def _check_name(self, name: str) -> None:
        if not name or name.startswith(".") or Path(name).name != name:
            raise self._unknown(name)

    def _unknown(self, name: str) -> EngineError:
        there = ", ".join(entry.name for entry in self.entries()) or "none"
        return EngineError(f"no engine {name!r} in {str(self.folder)!r}; there: {there}")


def stored_files(contents: Mapping[GraphKind, Mapping[str, bytes]]) -> tuple[StoredFile, ...]:
    """Sizes and hashes of an engine's files, for its manifest."""
    return tuple(
        StoredFile.model_validate(
            {
                "graph": graph,
                "suffix": suffix,
                "size_bytes": len(content),
                "sha256": hashlib.sha256(content).hexdigest(),
            }
        )
        for graph, files in contents.items()
        for suffix, content in files.items()
    )


def _read_manifest(target: Path) -> Manifest:
    try:
        with (target / MANIFEST_NAME).open("rb") as file:
            content = file.read(MAX_MANIFEST_BYTES + 1)
        if len(content) > MAX_MANIFEST_BYTES:
            raise _UnusableError("its manifest is far too large")
        return Manifest.model_validate_json(content)
    except OSError as error:
        raise _UnusableError(f"its manifest cannot be read ({error.strerror})") from None
    except ValidationError as error:
        raise _UnusableError(f"its manifest is damaged ({first_fault(error)})") from None


def _read_file(target: Path, stored: StoredFile) -> bytes:
    path = target / stored.name
    try:
        size = path.stat().st_size
        if size != stored.size_bytes:
            raise _UnusableError(f"{stored.name} has {size:,} bytes, its manifest says {stored.size_bytes:,}")
        content = path.read_bytes()
    except OSError as error:
        raise _UnusableError(f"{stored.name} cannot be read ({error.strerror})") from None
    if hashlib.sha256(content).hexdigest() != stored.sha256:
        raise _UnusableError(f"{stored.name} is not what its manifest describes")
    return content


def _write_through(path: Path, content: bytes) -> None:
    """On disk before the folder takes its name: after a power cut the engine is whole or not there."""
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _discard(target: Path) -> None:
    """Renamed first, so that nobody sees half of it."""
    gone = target.with_name(f".{target.name}.{uuid.uuid4().hex}.draft")
    target.rename(gone)
    if gone.is_dir():
        shutil.rmtree(gone)
    else:
        gone.unlink()


def _listed(path: Path) -> ListedEngine:
    try:
        manifest = _read_manifest(path)
    except _UnusableError as reason:
        return ListedEngine(path.name, None, _size(path), str(reason))
    if manifest.refused is not None:
        return ListedEngine(path.name, manifest, _size(path), f"refused: {manifest.refused}")
    for stored in manifest.files:
        file = path / stored.name
        if not file.is_file() or file.stat().st_size != stored.size_bytes:
            return ListedEngine(path.name, manifest, _size(path), f"{stored.name} is missing or of another size")
    return ListedEngine(path.name, manifest, _size(path), None)


def _is_entry(path: Path) -> bool:
    return path.is_dir() and not path.name.startswith(".")


def _size(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
