"""Fetching, against a real server on this machine that fails in the ways servers do."""

import hashlib
import re
import socket
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import requests
from hypothesis import given, settings
from hypothesis import strategies as st

from keyreid_stream.errors import DownloadError
from keyreid_stream.models import fetch as fetch_module
from keyreid_stream.models.fetch import CHUNK_BYTES, FetchPolicy, fetch
from keyreid_stream.models.known_weights import KnownWeights

CONTENT = b"".join(index.to_bytes(4, "little") for index in range(200_000))
HASTY = FetchPolicy(attempts=3, pause_s=0.0, timeout_s=5.0, wait_s=10.0)


@dataclass
class Site:
    """What the server holds, how it behaves, and what it was asked."""

    files: dict[str, bytes] = field(default_factory=dict)
    etag: str | None = '"one"'
    ranges: bool = True
    honours_if_range: bool = True
    sends_length: bool = True
    redirect: str | None = None
    shift: int = 0
    """Partial answers start this many bytes off."""
    answers: list[int] = field(default_factory=list)
    """Status codes of the next answers, before it behaves."""
    cuts: list[int] = field(default_factory=list)
    """Bytes after which the next answers are cut."""
    gate: threading.Event | None = None
    """Answers wait for it."""
    asked: list[dict[str, str]] = field(default_factory=list)
    """Headers of the requests, in order."""
    paths: list[str] = field(default_factory=list)
    """What was asked for, in order."""
    url: str = ""


class _Handler(BaseHTTPRequestHandler):
    site: Site

    def do_GET(self) -> None:
        site = self.site
        site.asked.append(dict(self.headers))
        site.paths.append(self.path)
        if site.gate:
            site.gate.wait(10)
        content = site.files.get(self.path.partition("?")[0])
        if site.redirect or site.answers or content is None:
            self.send_response(302 if site.redirect else site.answers.pop(0) if site.answers else 404)
            self.send_header("Location", site.redirect or "")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self._send(site, content, self._start(site))

    def _start(self, site: Site) -> int:
        """Where the answer starts: 0 for a whole file."""
        wanted = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        if wanted is None or not site.ranges:
            return 0
        if site.honours_if_range and self.headers.get("If-Range", site.etag) != site.etag:
            return 0
        return int(wanted[1])

    def _send(self, site: Site, content: bytes, start: int) -> None:
        if start >= len(content):
            self.send_error(416)
            return
        shifted = start and start + site.shift
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {shifted}-{len(content) - 1}/{len(content)}")
        if site.sends_length:
            self.send_header("Content-Length", str(len(content) - shifted))
        if site.etag:
            self.send_header("ETag", site.etag)
        self.end_headers()
        end = shifted + site.cuts.pop(0) if site.cuts else len(content)
        self.wfile.write(content[shifted:end])

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        pass


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: Any) -> None:
        """A client that hangs up is no news."""


@pytest.fixture(scope="module")
def server() -> Iterator[_Server]:
    server = _Server(("127.0.0.1", 0), _Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def fresh_site(server: _Server, **behaviour: Any) -> Site:
    site = Site(files={"/ours.pth": CONTENT}, url=f"http://127.0.0.1:{server.server_port}", **behaviour)
    server.RequestHandlerClass = type("Handler", (_Handler,), {"site": site})
    return site


@pytest.fixture
def site(server: _Server, monkeypatch: pytest.MonkeyPatch) -> Site:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    return fresh_site(server)


def known(site: Site, content: bytes = CONTENT, **changes: Any) -> KnownWeights:
    file = {
        "file_name": "ours.pth",
        "url": f"{site.url}/ours.pth",
        "size_bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
    }
    return KnownWeights.model_validate(
        {"name": "ours", "format": "published", "description": "Ours.", "terms": "ours", "files": [file | changes]}
    )


def put_part(folder: Path, content: bytes, etag: str | None = '"one"') -> Path:
    part = folder / ".ours.pth.part"
    part.write_bytes(content)
    if etag:
        (folder / ".ours.pth.etag").write_text(etag)
    return part


def refusal(weights: KnownWeights, folder: Path, policy: FetchPolicy = HASTY) -> str:
    with pytest.raises(DownloadError) as caught:
        fetch(weights, folder, policy=policy)
    assert "\n" not in str(caught.value)
    assert not (folder / "ours.pth").exists()
    return str(caught.value)


def kept_of(sent: int) -> int:
    """Bytes kept of those that came before a cut: whole chunks."""
    return sent // CHUNK_BYTES * CHUNK_BYTES


def left_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} - {".ours.pth.lock"}


def test_a_file_is_fetched_whole_and_nothing_else_is_left(site: Site, tmp_path: Path) -> None:
    path = fetch(known(site), tmp_path / "new" / "folder", policy=HASTY)
    assert path == tmp_path / "new" / "folder" / "ours.pth"
    assert path.read_bytes() == CONTENT
    assert left_in(path.parent) == {"ours.pth"}
    assert [request.get("Range") for request in site.asked] == [None]
    assert site.asked[0]["Accept-Encoding"] == "identity"


def test_progress_grows_to_the_whole(site: Site, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    fetch(known(site), tmp_path, progress=lambda done, total: seen.append((done, total)), policy=HASTY)
    assert len(seen) > len(CONTENT) // CHUNK_BYTES
    assert all(before[0] <= after[0] for before, after in pairwise(seen))
    assert seen[-1] == (len(CONTENT), len(CONTENT))
    assert {total for _, total in seen} == {len(CONTENT)}


def test_a_file_that_is_there_and_right_costs_no_request(site: Site, tmp_path: Path) -> None:
    (tmp_path / "ours.pth").write_bytes(CONTENT)
    seen: list[tuple[int, int]] = []
    fetch(known(site), tmp_path, progress=lambda done, total: seen.append((done, total)))
    assert site.asked == []
    assert seen == [(len(CONTENT), len(CONTENT))]
    assert left_in(tmp_path) == {"ours.pth"}


@pytest.mark.parametrize("wrong", [b"short", CONTENT[:-1] + b"\xff"])
def test_a_file_that_is_there_but_wrong_is_replaced(site: Site, tmp_path: Path, wrong: bytes) -> None:
    (tmp_path / "ours.pth").write_bytes(wrong)
    assert fetch(known(site), tmp_path, policy=HASTY).read_bytes() == CONTENT


def test_a_pair_is_fetched_with_progress_over_both_files(site: Site, tmp_path: Path) -> None:
    contents = {"own.safetensors": b"t" * 1000, "own.json": b"{}"}
    site.files = {f"/{name}": content for name, content in contents.items()}
    files = [
        {
            "file_name": name,
            "url": f"{site.url}/{name}",
            "size_bytes": len(content),
            "sha256": hashlib.sha256(content).hexdigest(),
        }
        for name, content in contents.items()
    ]
    entry = {"name": "own", "format": "keyreid", "description": "", "terms": "own", "files": files}
    seen: list[tuple[int, int]] = []
    path = fetch(
        KnownWeights.model_validate(entry),
        tmp_path,
        progress=lambda done, total: seen.append((done, total)),
        policy=HASTY,
    )
    assert path == tmp_path / "own.safetensors"
    assert {name: (tmp_path / name).read_bytes() for name in contents} == contents
    assert (1000, 1002) in seen
    assert seen[-1] == (1002, 1002)


@pytest.mark.parametrize("sends_length", [True, False])
def test_a_cut_connection_is_resumed_where_it_ended(site: Site, tmp_path: Path, sends_length: bool) -> None:
    site.cuts, site.sends_length = [kept_of(300_000)], sends_length
    assert fetch(known(site), tmp_path, policy=HASTY).read_bytes() == CONTENT
    assert [request.get("Range") for request in site.asked] == [None, f"bytes={kept_of(300_000)}-"]
    assert [request.get("If-Range") for request in site.asked] == [None, '"one"']


@pytest.mark.parametrize("sends_length", [True, False])
def test_a_connection_that_is_always_cut_is_given_up_and_resumed_by_the_next_command(
    site: Site, tmp_path: Path, sends_length: bool
) -> None:
    site.cuts, site.sends_length = [kept_of(100_000)] * HASTY.attempts, sends_length
    assert "the same command resumes" in refusal(known(site), tmp_path)
    assert len(site.asked) == HASTY.attempts
    kept = HASTY.attempts * kept_of(100_000)
    assert (tmp_path / ".ours.pth.part").read_bytes() == CONTENT[:kept]
    assert fetch(known(site), tmp_path, policy=HASTY).read_bytes() == CONTENT
    assert site.asked[-1]["Range"] == f"bytes={kept}-"


def test_a_cut_loses_less_than_a_chunk(site: Site, tmp_path: Path) -> None:
    site.cuts = [CHUNK_BYTES + 1000]
    assert "the same command resumes" in refusal(known(site), tmp_path, FetchPolicy(attempts=1))
    assert (tmp_path / ".ours.pth.part").stat().st_size >= CHUNK_BYTES


def test_an_interruption_leaves_a_part_that_is_resumed(site: Site, tmp_path: Path) -> None:
    def interrupt(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch(known(site), tmp_path, progress=interrupt, policy=HASTY)
    kept = (tmp_path / ".ours.pth.part").stat().st_size
    assert 0 < kept < len(CONTENT)
    assert not (tmp_path / "ours.pth").exists()
    assert fetch(known(site), tmp_path, policy=HASTY).read_bytes() == CONTENT
    assert site.asked[-1]["Range"] == f"bytes={kept}-"


def test_a_server_without_ranges_starts_again(site: Site, tmp_path: Path) -> None:
    site.cuts, site.ranges = [300_000], False
    assert fetch(known(site), tmp_path, policy=HASTY).read_bytes() == CONTENT
    assert len(site.asked) == 2


def test_a_part_of_an_older_file_is_not_joined_to_the_new_one(site: Site, tmp_path: Path) -> None:
    put_part(tmp_path, b"old" * 1000, etag='"zero"')
    assert fetch(known(site), tmp_path, policy=HASTY).read_bytes() == CONTENT
    assert len(site.asked) == 1


def test_a_server_that_ignores_if_range_is_caught_by_the_etag(site: Site, tmp_path: Path) -> None:
    put_part(tmp_path, b"old" * 1000, etag='"zero"')
    site.honours_if_range = False
    assert fetch(known(site), tmp_path, policy=HASTY).read_bytes() == CONTENT
    assert [request.get("Range") for request in site.asked] == ["bytes=3000-", None]


@pytest.mark.parametrize("etag", [None, 'W/"weak"'])
def test_without_a_strong_etag_the_hash_alone_guards(site: Site, tmp_path: Path, etag: str | None) -> None:
    site.etag, site.cuts = etag, [300_000]
    assert fetch(known(site), tmp_path, policy=HASTY).read_bytes() == CONTENT
    assert all("If-Range" not in request for request in site.asked)

    (tmp_path / "ours.pth").unlink()
    put_part(tmp_path, b"old" * 1000, etag=None)
    assert "is not the recorded file" in refusal(known(site), tmp_path)
    assert left_in(tmp_path) == set()


def test_a_partial_answer_from_the_wrong_place_is_not_appended(site: Site, tmp_path: Path) -> None:
    put_part(tmp_path, CONTENT[:1000])
    site.shift = 8
    assert fetch(known(site), tmp_path, policy=HASTY).read_bytes() == CONTENT
    assert [request.get("Range") for request in site.asked] == ["bytes=1000-", None]


@pytest.mark.parametrize("status", [416, 500, 503, 429, 408])
def test_a_passing_refusal_is_tried_again(site: Site, tmp_path: Path, status: int) -> None:
    put_part(tmp_path, CONTENT[:1000])
    site.answers = [status]
    assert fetch(known(site), tmp_path, policy=HASTY).read_bytes() == CONTENT
    # Only "range not satisfiable" says that the part itself is at fault.
    assert site.asked[1].get("Range") == (None if status == 416 else "bytes=1000-")


def test_refusals_without_end_are_given_up(site: Site, tmp_path: Path) -> None:
    site.answers = [503] * 9
    assert "the server answered 503" in refusal(known(site), tmp_path)
    assert len(site.asked) == HASTY.attempts


@pytest.mark.parametrize("status", [401, 403, 404, 410])
def test_a_final_refusal_is_not_repeated_and_keeps_the_part(site: Site, tmp_path: Path, status: int) -> None:
    put_part(tmp_path, CONTENT[:1000])
    site.answers = [status]
    assert f"answered {status}" in refusal(known(site), tmp_path)
    assert len(site.asked) == 1
    assert (tmp_path / ".ours.pth.part").read_bytes() == CONTENT[:1000]


def test_a_wrong_hash_is_told_and_the_file_removed(site: Site, tmp_path: Path) -> None:
    site.files["/ours.pth"] = CONTENT[:-1] + b"\xff"
    message = refusal(known(site), tmp_path)
    assert hashlib.sha256(CONTENT).hexdigest() in message
    assert hashlib.sha256(site.files["/ours.pth"]).hexdigest() in message
    assert left_in(tmp_path) == set()
    assert len(site.asked) == 1


@pytest.mark.parametrize("offered", [CONTENT[:-1], CONTENT + b"more", b"version https://git-lfs.github.com/spec/v1"])
def test_a_wrong_size_is_refused_before_anything_is_written(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, offered: bytes
) -> None:
    site.files["/ours.pth"] = offered
    monkeypatch.setattr(requests.Response, "iter_content", lambda *_: pytest.fail("the body was read"))
    assert f"{len(offered)} bytes, expected {len(CONTENT):,}" in refusal(known(site), tmp_path)
    assert left_in(tmp_path) == set()


def test_a_server_that_does_not_stop_cannot_fill_the_disk(site: Site, tmp_path: Path) -> None:
    site.files["/ours.pth"], site.sends_length = CONTENT * 4, False
    sizes: list[int] = []
    with pytest.raises(DownloadError, match="more than"):
        fetch(known(site), tmp_path, progress=lambda done, _: sizes.append(done), policy=HASTY)
    assert max(sizes) <= len(CONTENT)
    assert left_in(tmp_path) == set()


def test_a_part_that_is_complete_needs_no_request(site: Site, tmp_path: Path) -> None:
    put_part(tmp_path, CONTENT)
    assert fetch(known(site), tmp_path, policy=HASTY).read_bytes() == CONTENT
    assert site.asked == []
    assert left_in(tmp_path) == {"ours.pth"}


def test_a_part_that_is_too_long_is_started_again(site: Site, tmp_path: Path) -> None:
    put_part(tmp_path, CONTENT + b"more")
    assert fetch(known(site), tmp_path, policy=HASTY).read_bytes() == CONTENT
    assert [request.get("Range") for request in site.asked] == [None]


def test_a_redirect_to_plain_http_elsewhere_is_not_followed(site: Site, tmp_path: Path) -> None:
    site.redirect = "http://192.0.2.1/ours.pth"
    assert "only https is allowed" in refusal(known(site), tmp_path)
    assert len(site.asked) == 1


@pytest.mark.parametrize("target", ["file:///etc/passwd", "ftp://127.0.0.1/x", "x\x1b[2J://y"])
def test_a_redirect_to_another_protocol_is_not_followed(site: Site, tmp_path: Path, target: str) -> None:
    site.redirect = target
    message = refusal(known(site), tmp_path)
    assert "could not fetch" in message
    assert message.isprintable()


def test_redirects_without_end_are_given_up(site: Site, tmp_path: Path) -> None:
    site.redirect = f"{site.url}/ours.pth"
    assert "could not fetch" in refusal(known(site), tmp_path)


def test_secrets_in_a_url_that_requests_itself_refuses_are_not_shown(site: Site, tmp_path: Path) -> None:
    message = refusal(known(site, url="https://user:secret@127.0.0.1:99999/ours.pth?token=secret"), tmp_path)
    assert "secret" not in message
    assert "https://127.0.0.1:99999/ours.pth" in message


def test_secrets_in_a_url_are_sent_but_not_shown(site: Site, tmp_path: Path) -> None:
    site.answers = [403]
    address = f"{site.url.replace('//', '//user:secret@')}/ours.pth?token=secret"
    message = refusal(known(site, url=address), tmp_path)
    assert "secret" not in message
    assert f"{site.url}/ours.pth" in message
    assert site.asked[0]["Authorization"].startswith("Basic ")
    assert site.paths == ["/ours.pth?token=secret"]


def test_a_server_that_is_not_there_is_told(site: Site, tmp_path: Path) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/ours.pth"
        assert "the connection failed" in refusal(known(site, url=url), tmp_path)


def test_a_bad_certificate_is_not_tried_again(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def refuse(_: object, url: str, **__: object) -> None:
        asked.append(url)
        raise requests.exceptions.SSLError("page\nlong")

    monkeypatch.setattr(requests.Session, "get", refuse)
    assert "no valid certificate" in refusal(known(site), tmp_path)
    assert len(asked) == 1


def test_a_silent_server_is_left_after_the_timeout(site: Site, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/ours.pth"
        policy = FetchPolicy(attempts=2, pause_s=0.0, timeout_s=0.05)
        assert "the server is silent" in refusal(known(site, url=url), tmp_path, policy)


def test_pauses_between_attempts_double(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    monkeypatch.setattr(fetch_module.time, "sleep", pauses.append)
    site.answers = [503] * 9
    refusal(known(site), tmp_path, FetchPolicy(attempts=4, pause_s=1.5))
    assert pauses == [1.5, 3.0, 6.0]


def test_a_full_disk_is_told_before_anything_is_asked(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = fetch_module.shutil.disk_usage(tmp_path)
    put_part(tmp_path, CONTENT[:1000])
    with monkeypatch.context() as patch:
        patch.setattr(fetch_module.shutil, "disk_usage", lambda _: usage._replace(free=len(CONTENT) - 1001))
        assert f"needs {len(CONTENT) - 1000:,} more bytes" in refusal(known(site), tmp_path)
        assert site.asked == []
        patch.setattr(fetch_module.shutil, "disk_usage", lambda _: usage._replace(free=len(CONTENT) - 1000))
        assert fetch(known(site), tmp_path, policy=HASTY).read_bytes() == CONTENT


def test_a_folder_that_cannot_be_made_is_told(site: Site, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(DownloadError, match="cannot write"):
        fetch(known(site), tmp_path / "file" / "folder", policy=HASTY)
    assert site.asked == []


def test_two_fetches_at_once_download_once(site: Site, tmp_path: Path) -> None:
    site.gate = threading.Event()
    results: list[bytes] = []
    threads = [
        threading.Thread(target=lambda: results.append(fetch(known(site), tmp_path, policy=HASTY).read_bytes()))
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    threading.Timer(0.2, site.gate.set).start()
    for thread in threads:
        thread.join()
    assert results == [CONTENT, CONTENT]
    assert len(site.asked) == 1


def test_waiting_for_another_fetch_ends(site: Site, tmp_path: Path) -> None:
    impatient = FetchPolicy(wait_s=0.05)
    with fetch_module.FileLock(tmp_path / ".ours.pth.lock"):
        assert "another process is still fetching" in refusal(known(site), tmp_path, impatient)
    assert site.asked == []


@settings(max_examples=30, deadline=None)
@given(
    cuts=st.lists(st.integers(0, 5000), max_size=8),
    ranges=st.booleans(),
    etag=st.sampled_from([None, '"one"', 'W/"weak"']),
    sends_length=st.booleans(),
    part=st.integers(0, 5000),
)
def test_however_the_connection_is_cut_the_file_comes_out_right_or_not_at_all(
    server: _Server, cuts: list[int], ranges: bool, etag: str | None, sends_length: bool, part: int
) -> None:
    content = CONTENT[:5000]
    site = fresh_site(server, cuts=list(cuts), ranges=ranges, etag=etag, sends_length=sends_length)
    site.files = {"/ours.pth": content}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        put_part(folder, content[:part], etag=None)
        policy = FetchPolicy(attempts=len(cuts) + 1, pause_s=0.0, timeout_s=5.0)
        assert fetch(known(site, content), folder, policy=policy).read_bytes() == content
        assert left_in(folder) == {"ours.pth"}
