"""The file of a gallery: SQLite, for its owner's eyes alone, and for one process at a time."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

from keyreid_stream.errors import InputError

APPLICATION_ID = 0x4B524944
"""`KRID`, at a fixed place of the file."""

SCHEMA_VERSION = 1

_OWNER_ONLY = 0o600
_MAGIC = b"SQLite format 3\0"

_TABLES = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE log (seq INTEGER PRIMARY KEY AUTOINCREMENT, utc_s REAL NOT NULL, text TEXT NOT NULL, numbers BLOB);
CREATE TABLE snapshot (identity_id INTEGER PRIMARY KEY, text TEXT NOT NULL, numbers BLOB NOT NULL);
CREATE TABLE runs (number INTEGER PRIMARY KEY, started_utc_s REAL NOT NULL, folder TEXT NOT NULL);
"""

_SETTINGS = (
    "PRAGMA locking_mode = EXCLUSIVE",  # before the first access: no other process, and no -shm file
    "PRAGMA secure_delete = ON",  # what is deleted is overwritten
    "PRAGMA synchronous = NORMAL",
    "PRAGMA temp_store = MEMORY",  # VACUUM leaves no copy in another place
    "PRAGMA trusted_schema = OFF",
)


def check_place(path: Path, *, must_exist: bool = False) -> None:
    """Refuse a path where there is no gallery and none can be. Changes nothing.

    Raises:
        InputError: it is a folder, a file of another kind, or its folder does not exist or cannot be written.
    """
    try:
        if path.is_dir():
            raise InputError(f"gallery {path} is a folder; give a file, such as {path / 'people.gallery'}")
        if path.exists():
            with path.open("rb") as file:
                start = file.read(len(_MAGIC))
            if start not in (_MAGIC, b""):
                raise InputError(f"{path} is no gallery but a file of another kind; give another file")
            if start:
                return
        if must_exist:
            raise InputError(f"there is no gallery at {path}; `keyreid track --gallery {path}` makes one")
        if not path.absolute().parent.is_dir() or not os.access(path.absolute().parent, os.W_OK | os.X_OK):
            raise InputError(f"gallery {path} cannot be made: its folder does not exist or cannot be written; make it")
    except OSError as error:
        raise InputError(f"gallery {path} cannot be read ({error.strerror}); give another file") from None


def open_file(path: Path) -> sqlite3.Connection:
    """Open a gallery's file; an empty or missing one becomes a new gallery.

    Raises:
        InputError: it is in use, damaged, of another kind or version, or cannot be written.
    """
    check_place(path)
    connection = None
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, _OWNER_ONLY))
        path.chmod(_OWNER_ONLY)  # its -wal file is made with the same rights
        connection = sqlite3.connect(path, isolation_level=None, timeout=0.0, check_same_thread=False)
        _prepare(connection, path)
    except (sqlite3.Error, OSError, InputError) as error:
        if connection is not None:
            connection.close()
        if isinstance(error, InputError):
            raise
        raise refusal(path, error) from error
    return connection


def refusal(path: Path, error: Exception) -> InputError:
    """What to tell a user of an error of the file."""
    reason = (getattr(error, "strerror", None) or str(error)).strip()
    if "locked" in reason:
        return InputError(f"gallery {path} is in use by another process; wait until that has ended")
    if isinstance(error, sqlite3.OperationalError | OSError) and "malformed" not in reason:
        return InputError(f"gallery {path} cannot be used ({reason}); give another file, or make room and rights")
    return InputError(f"gallery {path} is damaged ({reason}); restore a copy of it")


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    for setting in _SETTINGS:
        connection.execute(setting)
    connection.execute("BEGIN EXCLUSIVE")  # from here on it is ours until it is closed
    application_id = connection.execute("PRAGMA application_id").fetchone()[0]
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    is_new = not application_id and not connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    if is_new:
        for statement in _TABLES.strip().split("\n"):
            connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
    elif application_id != APPLICATION_ID:
        raise InputError(f"{path} is no gallery but a database of something else; give another file")
    elif version != SCHEMA_VERSION:
        raise InputError(f"gallery {path} is of version {version}, this is for {SCHEMA_VERSION}; use a fitting release")
    connection.execute("COMMIT")
    connection.execute("PRAGMA journal_mode = WAL")
