"""Fetching known weights: streamed, resumed after a cut connection, and never trusted before their hash is right.

A download grows as `.NAME.part`; it takes its name only when its SHA-256 is the recorded one. The server's ETag is kept
beside the part, so that a resumed download never joins two different files.
"""

from __future__ import annotations

import os
import re
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import urlsplit

import requests
from filelock import FileLock, Timeout
from requests.adapters import HTTPAdapter

from keyreid_stream.errors import DownloadError
from keyreid_stream.models.known_weights import KnownWeights, RemoteFile, is_loopback
from keyreid_stream.models.weights import file_sha256

CHUNK_BYTES = 2**15
"""Read at once. Small, because a cut connection loses the chunk that it was in the middle of."""

Progress: TypeAlias = Callable[[int, int], None]
"""Called with the bytes that are here and the bytes there will be."""


@dataclass(frozen=True, slots=True)
class FetchPolicy:
    """How patient a download is.

    Attributes:
        attempts: connections made for one file before giving up.
        pause_s: wait before the second one; doubled before each further one.
        timeout_s: longest silence of a server.
        wait_s: longest wait for another process that fetches the same file.
    """

    attempts: int = 5
    pause_s: float = 1.0
    timeout_s: float = 30.0
    wait_s: float = 3600.0


DEFAULT_POLICY = FetchPolicy()


def fetch(
    weights: KnownWeights, folder: Path, *, progress: Progress | None = None, policy: FetchPolicy = DEFAULT_POLICY
) -> Path:
    """Bring known weights to this machine. Files that are already there and right cost no request.

    Args:
        weights: what to fetch.
        folder: where to; made if missing. An interrupted download stays there as `.NAME.part` and is resumed.
        progress: told about every chunk, over all files together.
        policy: retries and timeouts.

    Returns:
        The file that holds the parameters.

    Raises:
        DownloadError: a server cannot be reached, refuses, or sends something else than was recorded; or the folder
            cannot be written.
    """
    before = 0
    for file in weights.files:
        _fetch_file(file, folder, _shifted(progress, before, weights.size_bytes), policy)
        before += file.size_bytes
    return weights.path_in(folder)


class _CutShortError(Exception):
    """This connection did not bring the rest of the file; another one may."""


_PASSING_FAULTS = (
    _CutShortError,
    requests.ConnectionError,
    requests.Timeout,
    requests.exceptions.ChunkedEncodingError,
)


@dataclass(frozen=True, slots=True)
class _Part:
    """A download that is not finished."""

    path: Path

    @property
    def size(self) -> int:
        return self.path.stat().st_size if self.path.exists() else 0

    @property
    def _etag_path(self) -> Path:
        return self.path.with_suffix(".etag")

    @property
    def etag(self) -> str | None:
        return self._etag_path.read_text(encoding="latin-1") if self._etag_path.exists() else None

    def begin(self, etag: str | None) -> None:
        """Start an empty part of the file that has this ETag."""
        self.drop()
        # A weak ETag (W/...) does not promise the same bytes, so it cannot guard a resumed download.
        if etag and not etag.startswith("W/"):
            self._etag_path.write_text(etag, encoding="latin-1")

    def drop(self) -> None:
        self.path.unlink(missing_ok=True)
        self._etag_path.unlink(missing_ok=True)

    def become(self, target: Path) -> None:
        with self.path.open("r+b") as file:
            os.fsync(file.fileno())
        self.path.replace(target)
        self.drop()


class _ThisMachineOnly(HTTPAdapter):
    """Plain http is for this machine alone, whoever asks: a redirect may not lead to it either."""

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        if not is_loopback(urlsplit(request.url or "").hostname):
            raise requests.exceptions.InvalidURL("the server redirects to plain http, only https is allowed")
        return super().send(request, *args, **kwargs)


def _fetch_file(file: RemoteFile, folder: Path, progress: Callable[[int], None], policy: FetchPolicy) -> None:
    target = folder / file.file_name
    with _plain_errors(file, folder):
        # Looked at before the lock too: a folder that only others may write serves what it holds.
        if not _is_right(target, file):
            folder.mkdir(parents=True, exist_ok=True)
            with FileLock(folder / f".{file.file_name}.lock", timeout=policy.wait_s):
                _bring(file, target, progress, policy)
    progress(file.size_bytes)


def _bring(file: RemoteFile, target: Path, progress: Callable[[int], None], policy: FetchPolicy) -> None:
    """Download one file, unless another process brought it while this one waited for the lock."""
    if _is_right(target, file):
        return
    part = _Part(target.with_name(f".{target.name}.part"))
    _complete(file, part, progress, policy)
    _check_hash(file, part)
    part.become(target)


def _complete(file: RemoteFile, part: _Part, progress: Callable[[int], None], policy: FetchPolicy) -> None:
    """Let the part grow to the file's size, over as many connections as the policy allows."""
    if part.size > file.size_bytes:
        part.drop()
    free = shutil.disk_usage(part.path.parent).free
    if part.size + free < file.size_bytes:
        raise DownloadError(
            f"{file.file_name} needs {file.size_bytes - part.size:,} more bytes in {str(part.path.parent)!r}, "
            f"{free:,} are free; make room or set KEYREID_HOME to another disk"
        )
    attempt = 0
    with _session() as session:
        while part.size < file.size_bytes:
            attempt += 1
            try:
                _receive(session, file, part, progress, policy.timeout_s)
            except _PASSING_FAULTS as cut:
                if attempt >= policy.attempts or isinstance(cut, requests.exceptions.SSLError):
                    raise
                time.sleep(policy.pause_s * 2 ** (attempt - 1))


def _receive(
    session: requests.Session, file: RemoteFile, part: _Part, progress: Callable[[int], None], timeout_s: float
) -> None:
    """Append what one connection brings; raise _CutShortError if it is not all."""
    with session.get(file.url, headers=_headers(part), stream=True, timeout=timeout_s) as response:
        _prepare(response, file, part)
        size = part.size
        with part.path.open("ab") as out:
            for chunk in response.iter_content(CHUNK_BYTES):
                size += len(chunk)
                if size > file.size_bytes:
                    break
                out.write(chunk)
                progress(size)
    if size > file.size_bytes:
        raise _wrong_size(file, part, f"more than {file.size_bytes:,}")
    if size < file.size_bytes:
        raise _CutShortError("the connection was cut")


def _headers(part: _Part) -> dict[str, str]:
    # Sizes and ranges count the file's own bytes, so the server must not compress them.
    headers = {"Accept-Encoding": "identity"}
    if part.size:
        headers["Range"] = f"bytes={part.size}-"
        if part.etag:
            headers["If-Range"] = part.etag
    return headers


def _prepare(response: requests.Response, file: RemoteFile, part: _Part) -> None:
    """Read the head of an answer: keep the part and go on, begin it anew, or refuse."""
    status = response.status_code
    if status == requests.codes.partial_content and _continues(response, part):
        return
    if status in (requests.codes.partial_content, requests.codes.requested_range_not_satisfiable):
        part.drop()
        raise _CutShortError("the server could not continue where the last connection ended")
    if status in (requests.codes.request_timeout, requests.codes.too_many_requests) or status >= 500:
        raise _CutShortError(f"the server answered {status}")
    if status != requests.codes.ok:
        raise DownloadError(
            f"{file.shown_url} answered {status}; check the address in the manifest of weights and your access to it"
        )
    # 200 after a request for a range: the server knows no ranges, or the file has changed since.
    offered = response.headers.get("Content-Length", "")
    if offered.isdecimal() and int(offered) != file.size_bytes:
        raise _wrong_size(file, part, offered)
    part.begin(response.headers.get("ETag"))


def _continues(response: requests.Response, part: _Part) -> bool:
    """Whether a partial answer starts where the part ends, and is of the same file."""
    start = re.match(r"bytes (\d+)-", response.headers.get("Content-Range", ""))
    same_file = part.etag is None or response.headers.get("ETag", part.etag) == part.etag
    return start is not None and int(start[1]) == part.size and same_file


def _check_hash(file: RemoteFile, part: _Part) -> None:
    found = file_sha256(part.path)
    if found != file.sha256:
        part.drop()
        raise DownloadError(
            f"{file.file_name} from {file.shown_url} is not the recorded file: sha256 {found}, expected "
            f"{file.sha256}; the bad copy was removed, try again or get the file from its publisher"
        )


def _wrong_size(file: RemoteFile, part: _Part, offered: str) -> DownloadError:
    part.drop()
    return DownloadError(
        f"{file.file_name} from {file.shown_url} is not the recorded file: {offered} bytes, expected "
        f"{file.size_bytes:,}; nothing of it was kept, try again or get the file from its publisher"
    )


def _is_right(path: Path, file: RemoteFile) -> bool:
    return path.is_file() and path.stat().st_size == file.size_bytes and file_sha256(path) == file.sha256


def _session() -> requests.Session:
    session = requests.Session()
    session.mount("http://", _ThisMachineOnly())
    return session


@contextmanager
def _plain_errors(file: RemoteFile, folder: Path) -> Iterator[None]:
    """Turn what networks and disks raise into a DownloadError of one line."""
    try:
        yield
    except Timeout as error:
        raise DownloadError(
            f"another process is still fetching {file.file_name} into {str(folder)!r}; end it or wait for it"
        ) from error
    except requests.exceptions.SSLError as error:
        raise DownloadError(
            f"{file.shown_url} has no valid certificate; check the address and this machine's clock"
        ) from error
    except (requests.RequestException, _CutShortError) as error:
        raise DownloadError(
            f"could not fetch {file.file_name} from {file.shown_url}: {_reason(error, file)}; "
            "what has arrived is kept, the same command resumes"
        ) from error
    except OSError as error:
        raise DownloadError(
            f"cannot write {file.file_name} into {str(folder)!r}: {error.strerror}; set KEYREID_HOME to another folder"
        ) from error


def _reason(error: Exception, file: RemoteFile) -> str:
    """Why a download failed, in one line; requests' own texts of connection errors are a page long."""
    if isinstance(error, requests.Timeout):
        return "the server is silent"
    if isinstance(error, requests.exceptions.ChunkedEncodingError):
        return "the connection was cut"
    if isinstance(error, requests.ConnectionError):
        return "the connection failed"
    # The address that a server redirects to is part of some texts: nothing in it may drive a terminal.
    return "".join(letter for letter in str(error).replace(file.url, file.shown_url) if letter.isprintable())


def _shifted(progress: Progress | None, before: int, total: int) -> Callable[[int], None]:
    """Progress within one file as progress within all of them."""

    def report(done: int) -> None:
        if progress is not None:
            progress(before + done, total)

    return report
