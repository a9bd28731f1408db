"""Messages that wait for their receiver: on disk, in order, bounded."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from filelock import FileLock, Timeout

from keyreid_stream.errors import InputError, KeyReIDError
from keyreid_stream.sinks.publish.messages import Message

APPLICATION_ID = 0x4B525350
"""`KRSP`, at a fixed place of the file."""

SCHEMA_VERSION = 1

_OWNER_ONLY = 0o600
_TABLE = """
CREATE TABLE messages (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    type TEXT NOT NULL, run_id TEXT NOT NULL, event_id TEXT NOT NULL, text TEXT NOT NULL,
    dropped INTEGER NOT NULL, first_event_id TEXT NOT NULL
)
"""
_COLUMNS = "type, run_id, event_id, text, dropped, first_event_id"
_DROP_STEP = 256


class SpoolError(KeyReIDError):
    """The spool's file cannot be read or written now: a full disk, a vanished folder, damage."""


class Spool:
    """A queue of messages in one SQLite file, which survives its process being killed.

    What `append` took is with the operating system when it returns (a power cut may take the last seconds). Beyond
    the bound the oldest messages give way to one gap message that counts them, in their place. Messages that are taken
    and not yet acknowledged do not give way. Safe from several threads; one process at a time.

    Args:
        path: the file; its folder is made.
        max_messages: no more are kept; at least 2.
        max_bytes: of the messages' text; a little is added by the file's own structure.
    """

    def __init__(self, path: Path, *, max_messages: int, max_bytes: int) -> None:
        self.path = path
        self.dropped = 0
        self._max_messages = max_messages
        self._max_bytes = max_bytes
        self._lock = threading.Lock()
        self._stack = ExitStack()
        self._file: sqlite3.Connection | None = None
        self._taken: list[int] = []
        self._unwritten: list[Message] = []
        self._messages = 0
        self._bytes = 0

    def __enter__(self) -> Self:
        """Open the file; what an earlier run left comes first.

        Raises:
            InputError: it is in use, damaged or of another kind, or cannot be made.
        """
        with ExitStack() as stack:
            try:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                stack.enter_context(FileLock(f"{self.path}.lock", timeout=0, mode=_OWNER_ONLY))
                os.close(os.open(self.path, os.O_RDWR | os.O_CREAT, _OWNER_ONLY))
                self.path.chmod(_OWNER_ONLY)  # its -wal file is made with the same rights
                file = sqlite3.connect(self.path, isolation_level=None, timeout=1.0, check_same_thread=False)
                stack.callback(file.close)
                _prepare(file, self.path)
                count, size = file.execute(
                    "SELECT count(*), total(length(CAST(text AS BLOB))) FROM messages"
                ).fetchone()
            except Timeout:
                raise InputError(f"spool {self.path} is in use by another run; give this one another file") from None
            except (sqlite3.Error, OSError) as error:
                raise InputError(
                    f"spool {self.path} cannot be used ({_reason(error)}); give another file, or delete it with what "
                    "waits in it"
                ) from error
            self._file, self._messages, self._bytes = file, count, int(size)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        with self._lock:
            self._file = None
            self._stack.close()

    def __len__(self) -> int:
        """How many messages wait, gaps included."""
        return self._messages

    @property
    def size(self) -> int:
        """Bytes of the messages that wait."""
        return self._bytes

    def append(self, messages: Sequence[Message]) -> None:
        """Add messages at the end.

        Raises:
            SpoolError: they cannot be written. They are counted as dropped, and a gap will tell once that is possible.
        """
        try:
            with self._lock, self._transaction() as file:
                # What could not be written before is missing here: before these.
                gap = [Message.of_gap(self._unwritten)] if self._unwritten else []
                count, size = self._insert(file, [*gap, *messages])
                less, fewer, dropped = self._make_room(file, self._messages + count, self._bytes + size)
                file.execute("COMMIT")
                self._messages += count - less
                self._bytes += size - fewer
                self.dropped += dropped
                self._unwritten = []
        except SpoolError:
            self.dropped += len(messages)
            self._unwritten = [Message.of_gap([*self._unwritten, *messages])] if messages else self._unwritten
            raise

    def take(self, max_messages: int, max_bytes: int) -> list[Message]:
        """The oldest messages, which stay until `acknowledge`; at least one if there is any.

        Raises:
            SpoolError: they cannot be read.
        """
        taken: list[Message] = []
        with self._lock, self._opened() as file:
            self._taken = []
            rows = file.execute(f"SELECT number, {_COLUMNS} FROM messages ORDER BY number LIMIT ?", (max_messages,))  # noqa: S608
            for number, *fields in rows:
                message = Message(*fields)
                max_bytes -= len(message.text.encode())
                if taken and max_bytes < 0:
                    break
                taken.append(message)
                self._taken.append(number)
        return taken

    def acknowledge(self, count: int) -> None:
        """The receiver has the first `count` of the messages that were taken last; the others wait on.

        Raises:
            SpoolError: this cannot be written; they will be sent again.
        """
        with self._lock:
            received, self._taken = self._taken[:count], []
            if not received:
                return
            with self._transaction() as file:
                fewer = file.execute(
                    "SELECT total(length(CAST(text AS BLOB))) FROM messages WHERE number <= ?", (received[-1],)
                ).fetchone()[0]
                file.execute("DELETE FROM messages WHERE number <= ?", (received[-1],))
                file.execute("COMMIT")
                self._messages -= len(received)
                self._bytes -= int(fewer)

    def tidy(self) -> None:
        """Move what was written from the log into the file itself. Slow, and nobody waits for it."""
        try:
            other = sqlite3.connect(self.path, isolation_level=None, timeout=0.0)
            try:
                other.execute("PRAGMA synchronous = NORMAL")
                other.execute("PRAGMA wal_checkpoint(PASSIVE)")
            finally:
                other.close()
        except sqlite3.Error as error:
            raise SpoolError(f"spool {self.path} cannot be written ({_reason(error)})") from error

    def _insert(self, file: sqlite3.Connection, messages: Sequence[Message]) -> tuple[int, int]:
        """How many messages and bytes were added."""
        file.executemany(
            f"INSERT INTO messages ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?)",  # noqa: S608
            [(one.type, one.run_id, one.event_id, one.text, one.dropped, one.first_event_id) for one in messages],
        )
        return len(messages), sum(len(one.text.encode()) for one in messages)

    def _make_room(self, file: sqlite3.Connection, messages: int, size: int) -> tuple[int, int, int]:
        """Put a gap in the place of the oldest messages, as many as needed.

        Returns:
            By how many messages and bytes the spool shrank, and how many messages were dropped.
        """
        if messages <= self._max_messages and size <= self._max_bytes:
            return 0, 0, 0
        going: list[Message] = []
        last = self._taken[-1] if self._taken else 0
        less = 0
        gap: Message | None = None
        for number, message in _rows_after(file, last):
            going.append(message)
            last = number
            less += len(message.text.encode())
            if len(going) < 2:  # a gap in the place of one message would gain no room
                continue
            gap = Message.of_gap(going)
            kept = size - less + len(gap.text.encode())
            if messages - len(going) + 1 <= self._max_messages and kept <= self._max_bytes:
                break
        if gap is None:
            return 0, 0, 0
        first = self._taken[-1] if self._taken else 0
        file.execute("DELETE FROM messages WHERE number > ? AND number <= ?", (first, last))
        file.execute(
            f"INSERT INTO messages (number, {_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)",  # noqa: S608
            (last, gap.type, gap.run_id, gap.event_id, gap.text, gap.dropped, gap.first_event_id),
        )
        dropped = sum(1 for one in going if one.type != "gap")
        return len(going) - 1, less - len(gap.text.encode()), dropped

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        if self._file is None:
            raise SpoolError(f"spool {self.path} is not open; use it inside `with Spool(...)`")
        try:
            yield self._file
        except sqlite3.Error as error:
            raise SpoolError(f"spool {self.path} cannot be used ({_reason(error)}); make room and rights") from error

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        """For what commits itself; anything else is undone."""
        with self._opened() as file:
            file.execute("BEGIN IMMEDIATE")
            try:
                yield file
            finally:
                if file.in_transaction:
                    file.execute("ROLLBACK")


def _rows_after(file: sqlite3.Connection, number: int) -> Iterator[tuple[int, Message]]:
    """The waiting messages, oldest first, read in steps: usually a few are enough."""
    while rows := file.execute(
        f"SELECT number, {_COLUMNS} FROM messages WHERE number > ? ORDER BY number LIMIT {_DROP_STEP}",  # noqa: S608
        (number,),
    ).fetchall():
        for number, *fields in rows:
            yield number, Message(*fields)


def _prepare(file: sqlite3.Connection, path: Path) -> None:
    """Make an empty file a spool, and refuse others'.

    Raises:
        InputError: it is a database of something else, or of another version.
    """
    application_id = file.execute("PRAGMA application_id").fetchone()[0]
    version = file.execute("PRAGMA user_version").fetchone()[0]
    if not application_id and not file.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
        file.execute("BEGIN IMMEDIATE")
        file.execute(_TABLE)
        file.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        file.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        file.execute("COMMIT")
    elif application_id != APPLICATION_ID:
        raise InputError(f"{path} is no spool but a database of something else; give another file")
    elif version != SCHEMA_VERSION:
        raise InputError(f"spool {path} is of version {version}, this is for {SCHEMA_VERSION}; use a fitting release")
    file.execute("PRAGMA journal_mode = WAL")
    file.execute("PRAGMA secure_delete = ON")
    # The thread that writes never waits for the disk: `tidy` does, in another.
    file.execute("PRAGMA synchronous = NORMAL")
    file.execute("PRAGMA wal_autocheckpoint = 0")


def _reason(error: Exception) -> str:
    return (getattr(error, "strerror", None) or str(error)).strip()
