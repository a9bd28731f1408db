"""The server over real HTTP, with a control that notes what it is told."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import requests

from keyreid_stream.errors import InputError
from keyreid_stream.monitor import CameraState, MonitorServer, RunMetrics
from keyreid_stream.monitor.server import MAX_BODY_BYTES
from keyreid_stream.run_statistics import RunStatistics
from keyreid_stream.structures import LiveCounts, Tick
from keyreid_stream.timing import StageTimes

TOKEN = "t0ken"
LIMIT_S = 20


@dataclass
class NotingControl:
    told: list[tuple[str, ...]] = field(default_factory=list)

    def add(self, spec: str) -> list[str]:
        self.told.append(("add", spec))
        if "bad" in spec:
            raise InputError(f"camera {spec} cannot be opened; give another")
        return [spec.partition("=")[0]]

    def remove(self, camera_id: str) -> None:
        self.told.append(("remove", camera_id))

    def pause(self, camera_id: str) -> None:
        self.told.append(("pause", camera_id))

    def resume(self, camera_id: str) -> None:
        self.told.append(("resume", camera_id))

    def stop(self) -> None:
        self.told.append(("stop",))

    def states(self) -> list[CameraState]:
        return [CameraState("door", live=True, paused=False, counts=LiveCounts("streaming", frames_in=9), frames_out=5)]


class Site:
    """A server and what is behind it."""

    def __init__(self, token: str | None = TOKEN, stall_s: float = 30.0) -> None:
        self.control = NotingControl()
        self.live: dict[str, LiveCounts] = {}
        self.metrics = RunMetrics(StageTimes(), RunStatistics(["door"]), lambda: self.live)
        self.server = MonitorServer("127.0.0.1:0", self.metrics, self.control, stall_s=stall_s, token=token)

    def ask(self, method: str, path: str, *, token: str | None = TOKEN, **given: Any) -> requests.Response:
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        address = f"http://127.0.0.1:{self.server.port}{path}"
        return requests.request(method, address, headers=headers, timeout=LIMIT_S, **given)


@pytest.fixture
def site() -> Iterator[Site]:
    made = Site()
    with made.server:
        yield made


def test_figures_are_told(site: Site) -> None:
    answer = site.ask("GET", "/metrics", token=None)
    assert answer.status_code == 200
    assert "keyreid_frames_total" in answer.text
    assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")


def test_a_run_is_ready_after_its_first_tick_while_a_camera_streams(site: Site) -> None:
    assert site.ask("GET", "/healthz").status_code == 200  # loading is no illness
    assert site.ask("GET", "/readyz").json() == {"ok": False, "reasons": ["the first tick is not done"]}
    site.metrics.write(Tick(0, 0.0, (), ()))
    assert site.ask("GET", "/readyz").status_code == 200
    site.live["door"] = LiveCounts("waiting")
    answer = site.ask("GET", "/readyz")
    assert (answer.status_code, answer.json()["reasons"]) == (503, ["none of 1 live cameras streams"])
    site.live["yard"] = LiveCounts("streaming")
    assert site.ask("GET", "/readyz").status_code == 200


def test_a_run_that_does_not_tick_is_not_healthy() -> None:
    site = Site(stall_s=0.05)
    with site.server:
        site.metrics.write(Tick(0, 0.0, (), ()))
        time.sleep(0.1)
        assert site.ask("GET", "/healthz").status_code == 503
        assert site.ask("GET", "/healthz").json()["reasons"] == ["no tick for 0 s"]


def test_cameras_are_listed(site: Site) -> None:
    (camera,) = site.ask("GET", "/cameras", token=None).json()["cameras"]
    assert (camera["camera_id"], camera["frames_out"], camera["counts"]["state"]) == ("door", 5, "streaming")


def test_whoever_has_the_token_changes_the_run(site: Site) -> None:
    answers = [
        site.ask("POST", "/cameras", json={"camera": "gate=rtsp://ann:s3cret@host/1"}),
        site.ask("POST", "/cameras/front%20door/pause"),
        site.ask("POST", "/cameras/front%20door/resume"),
        site.ask("DELETE", "/cameras/gate"),
        site.ask("POST", "/stop"),
    ]
    assert [answer.status_code for answer in answers] == [200] * 5
    assert [answer.json() for answer in answers] == [
        {"added": ["gate"]},
        {"paused": "front door"},
        {"resumed": "front door"},
        {"removed": "gate"},
        {"stopping": True},
    ]
    assert site.control.told == [
        ("add", "gate=rtsp://ann:s3cret@host/1"),
        ("pause", "front door"),
        ("resume", "front door"),
        ("remove", "gate"),
        ("stop",),
    ]


@pytest.mark.parametrize("token", [None, "", "wrong", TOKEN + " ", "ünï"])
def test_nobody_else_does(site: Site, token: str | None) -> None:
    headers = {} if token is None else {"Authorization": f"Bearer {token}".encode()}
    address = f"http://127.0.0.1:{site.server.port}/stop"
    assert requests.post(address, headers=headers, timeout=LIMIT_S).status_code == 401
    assert site.control.told == []


def test_without_a_token_nothing_can_be_changed() -> None:
    site = Site(token=None)
    with site.server:
        answer = site.ask("POST", "/stop", token="")
    assert answer.status_code == 403
    assert "KEYREID_MONITOR_TOKEN" in answer.json()["error"]
    assert site.control.told == []


@pytest.mark.parametrize(
    ("method", "path", "given", "status"),
    [
        ("POST", "/cameras", {"data": b"{"}, 400),
        ("POST", "/cameras", {"data": b"[1]"}, 400),
        ("POST", "/cameras", {"json": {"camera": 3}}, 400),
        ("POST", "/cameras", {"json": {"camera": "a", "more": 1}}, 400),
        ("POST", "/cameras", {"data": b"[" * 4000}, 400),
        ("POST", "/cameras", {"data": b"x" * (MAX_BODY_BYTES + 1)}, 413),
        ("POST", "/cameras", {"json": {"camera": "bad=rtsp://ann:s3cret@host/1"}}, 400),
        ("POST", "/nothing", {}, 404),
        ("POST", "/cameras/a/b/pause", {}, 404),
        ("DELETE", "/cameras", {}, 404),
        ("GET", "/../../etc/passwd", {}, 404),
        ("PUT", "/stop", {}, 501),
    ],
)
def test_bad_requests_are_answered_and_nothing_secret_is_told(
    site: Site, method: str, path: str, given: dict[str, Any], status: int
) -> None:
    answer = site.ask(method, path, **given)
    assert answer.status_code == status
    assert "s3cret" not in answer.text
    assert "Traceback" not in answer.text


def test_a_client_that_says_nothing_keeps_nobody_waiting() -> None:
    site = Site()
    with site.server:
        silent = socket.create_connection(("127.0.0.1", site.server.port))
        silent.sendall(b"GET /met")
        assert site.ask("GET", "/metrics").status_code == 200
        began = time.monotonic()
    assert time.monotonic() - began < 1
    silent.close()


def test_many_ask_at_once(site: Site) -> None:
    codes: list[int] = []
    threads = [
        threading.Thread(target=lambda: codes.append(site.ask("GET", "/metrics").status_code)) for _ in range(20)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert codes == [200] * 20


def test_a_port_that_is_taken_is_named(site: Site) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        listen = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(InputError, match=rf"cannot listen on {listen} \(address already in use\)"):
            MonitorServer(listen, site.metrics, site.control, stall_s=1, token=None)


def test_a_host_that_is_not_ours_is_named(site: Site) -> None:
    with pytest.raises(InputError, match=r"cannot listen on 192\.0\.2\.1:9464"):
        MonitorServer("192.0.2.1:9464", site.metrics, site.control, stall_s=1, token=None)
