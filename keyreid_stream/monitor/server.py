"""The monitor's HTTP server.

GET /metrics    figures for Prometheus
GET /healthz    200 while the run ticks, else 503
GET /readyz     200 once the models are loaded and a camera streams, else 503
GET /cameras    the cameras and how they are doing
POST /cameras {"camera": "NAME=ADDRESS"}, DELETE /cameras/NAME, POST /cameras/NAME/pause, …/resume, POST /stop
                change the run; they need `Authorization: Bearer TOKEN`
"""

from __future__ import annotations

import hmac
import json
import socket
import threading
from collections.abc import Callable
from dataclasses import asdict
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import unquote

from keyreid_stream.errors import InputError
from keyreid_stream.monitor.config import TOKEN_VARIABLE, host_and_port
from keyreid_stream.monitor.control import CameraControl
from keyreid_stream.monitor.metrics import RunMetrics

MAX_BODY_BYTES = 4096
CLIENT_PATIENCE_S = 5.0
_JSON = "application/json"


class MonitorServer:
    """Answers in threads of its own while it is entered.

    Args:
        listen: `HOST:PORT`.
        stall_s: a run without a tick for so long is not healthy.
        metrics: of the run.
        control: of its cameras.
        token: who sends it may change the run; None: nobody may.

    Raises:
        InputError: the address cannot be listened on.
    """

    def __init__(
        self, listen: str, metrics: RunMetrics, control: CameraControl, *, stall_s: float, token: str | None
    ) -> None:
        self.metrics = metrics
        self.control = control
        self.token = token
        self.stall_s = stall_s
        try:
            self._server = _Server(host_and_port(listen), self)
        except (OSError, OverflowError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise InputError(
                f"the monitor cannot listen on {listen} ({reason.lower()}); choose another: --monitor HOST:PORT"
            ) from None
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.1,), name="monitor", daemon=True)

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return int(self._server.server_address[1])

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False  # a client that says nothing must not keep a run from ending
    allow_reuse_address = True

    def __init__(self, address: tuple[str, int], monitor: MonitorServer) -> None:
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        self.monitor = monitor
        super().__init__(address, _Handler)


class _RefusalError(Exception):
    """An answer that is no success."""

    def __init__(self, status: HTTPStatus, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class _Handler(BaseHTTPRequestHandler):
    """One request. Nothing of it is echoed or logged: an address may hold a password."""

    server: _Server
    timeout = CLIENT_PATIENCE_S
    server_version = "keyreid"
    sys_version = ""

    def do_GET(self) -> None:
        """Tell."""
        monitor = self.server.monitor
        match self.path.partition("?")[0]:
            case "/metrics":
                self._answer(HTTPStatus.OK, monitor.metrics.text, "text/plain; version=0.0.4; charset=utf-8")
            case "/healthz":
                self._tell(_ill(monitor))
            case "/readyz":
                self._tell(_unready(monitor))
            case "/cameras":
                states = monitor.control.states()
                self._answer_json(HTTPStatus.OK, {"cameras": [asdict(state) for state in states]})
            case _:
                self._answer_json(HTTPStatus.NOT_FOUND, {"error": "ask for /metrics, /healthz, /readyz or /cameras"})

    def do_POST(self) -> None:
        """Change."""
        self._change("POST")

    def do_DELETE(self) -> None:
        """Change."""
        self._change("DELETE")

    def log_message(self, *_: object) -> None:
        """Requests are not logged."""

    def _change(self, method: str) -> None:
        try:
            body = self._body()
            control = self._allowed()
            self._answer_json(HTTPStatus.OK, _act(control, method, self.path.strip("/").split("/"), body))
        except _RefusalError as refusal:
            self._answer_json(refusal.status, {"error": str(refusal)})
        except InputError as error:
            self._answer_json(HTTPStatus.BAD_REQUEST, {"error": str(error)})

    def _allowed(self) -> CameraControl:
        """The control, if whoever asks may use it."""
        monitor = self.server.monitor
        if monitor.token is None:
            raise _RefusalError(
                HTTPStatus.FORBIDDEN, f"nothing can be changed: the run was started without {TOKEN_VARIABLE}"
            )
        given = self.headers.get("Authorization", "").encode()
        if not hmac.compare_digest(given, b"Bearer " + monitor.token.encode()):
            raise _RefusalError(HTTPStatus.UNAUTHORIZED, "send the header Authorization: Bearer TOKEN")
        return monitor.control

    def _body(self) -> dict[str, Any]:
        """The request's JSON object; none where it has no body."""
        length = self.headers.get("Content-Length", "0")
        if not length.isdigit() or int(length) > MAX_BODY_BYTES:
            self.close_connection = True
            raise _RefusalError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"a request may have {MAX_BODY_BYTES} bytes")
        content = self.rfile.read(int(length))
        if not content:
            return {}
        try:
            body = json.loads(content)
        except (ValueError, RecursionError):
            body = None
        if not isinstance(body, dict):
            raise _RefusalError(HTTPStatus.BAD_REQUEST, "the body is no JSON object")
        return body

    def _tell(self, reasons: list[str]) -> None:
        status = HTTPStatus.SERVICE_UNAVAILABLE if reasons else HTTPStatus.OK
        self._answer_json(status, {"ok": not reasons, "reasons": reasons})

    def _answer_json(self, status: HTTPStatus, content: dict[str, Any]) -> None:
        self._answer(status, (json.dumps(content) + "\n").encode(), _JSON)

    def _answer(self, status: HTTPStatus, content: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


def _ill(monitor: MonitorServer) -> list[str]:
    since_s = monitor.metrics.since_tick_s
    return [f"no tick for {since_s:.0f} s"] if monitor.metrics.has_ticked and since_s > monitor.stall_s else []


def _unready(monitor: MonitorServer) -> list[str]:
    if not monitor.metrics.has_ticked:
        return ["the first tick is not done"]
    streaming, live = monitor.metrics.streaming
    return [f"none of {live} live cameras streams"] if live and not streaming else _ill(monitor)


def _act(control: CameraControl, method: str, path: list[str], body: dict[str, Any]) -> dict[str, Any]:
    """Carry a change out; what to answer."""
    match method, [unquote(part) for part in path]:
        case "POST", ["cameras"]:
            spec = body.get("camera")
            if not isinstance(spec, str) or set(body) != {"camera"}:
                raise _RefusalError(HTTPStatus.BAD_REQUEST, 'send {"camera": "NAME=ADDRESS"}')
            return {"added": control.add(spec)}
        case "DELETE", ["cameras", camera_id]:
            control.remove(camera_id)
            return {"removed": camera_id}
        case "POST", ["cameras", camera_id, ("pause" | "resume") as what]:
            change: Callable[[str], None] = control.pause if what == "pause" else control.resume
            change(camera_id)
            return {f"{what}d": camera_id}
        case "POST", ["stop"]:
            control.stop()
            return {"stopping": True}
    raise _RefusalError(
        HTTPStatus.NOT_FOUND, "POST /cameras, /cameras/NAME/pause, …/resume, /stop, or DELETE /cameras/NAME"
    )
