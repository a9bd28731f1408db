"""Receivers for tests: one in memory, and a web server that can be slow, refuse or be down."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from keyreid_stream.sinks.publish import Message, PublishError
from keyreid_stream.structures import Event


class Receiver:
    """Takes messages; `refusal` is raised instead while it is set, after `taken_before` messages of the batch."""

    shown = "memory://receiver"

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.refusal: Exception | None = None
        self.batches: list[int] = []
        self.closed = 0
        self.during: Callable[[], None] = lambda: None

    def send(self, messages: Sequence[Message]) -> None:
        self.batches.append(len(messages))
        self.during()
        if self.refusal is not None:
            if isinstance(self.refusal, PublishError):
                self.texts += [one.text for one in messages[: self.refusal.acknowledged]]
            raise self.refusal
        self.texts += [one.text for one in messages]

    def reach(self) -> None:
        if self.refusal is not None:
            raise self.refusal

    def close(self) -> None:
        self.closed += 1

    @property
    def messages(self) -> list[dict[str, Any]]:
        return [json.loads(text) for text in self.texts]


def events(first: int, last: int, run_id: str = "run") -> list[Message]:
    """Event messages of these numbers, both included."""
    return [Message.of_event(run_id, n, Event("seen", n, float(n), "gate", n)) for n in range(first, last + 1)]


class WebReceiver:
    """A web server on a free port of loopback; `answers` are given one by one, then 200."""

    def __init__(self, port: int = 0) -> None:
        self.requests: list[tuple[dict[str, str], bytes]] = []
        self.answers: list[tuple[int, dict[str, str]]] = []
        self.hang = threading.Event()
        self.hang.set()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.requests.append((dict(self.headers), body))
                receiver.hang.wait(20)
                status, headers = receiver.answers.pop(0) if receiver.answers else (200, {})
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}/hook"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    @property
    def messages(self) -> list[dict[str, Any]]:
        return [message for _, body in self.requests for message in json.loads(body)["messages"]]

    def close(self) -> None:
        self.hang.set()
        self._server.shutdown()
        self._server.server_close()
