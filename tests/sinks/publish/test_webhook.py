from __future__ import annotations

import base64
import hashlib
import hmac
import json
import socket
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from keyreid_stream.errors import ConfigError
from keyreid_stream.sinks.publish import PublishError, PublishSink, WebhookConfig
from keyreid_stream.sinks.publish.credentials import Secret
from keyreid_stream.sinks.publish.webhook import WebhookPublisher, signing_key
from keyreid_stream.structures import Event, Tick
from tests.sinks.publish.receivers import WebReceiver, events


@pytest.fixture
def web() -> Iterator[WebReceiver]:
    receiver = WebReceiver()
    yield receiver
    receiver.close()


def test_a_batch_is_one_request(web: WebReceiver) -> None:
    publisher = WebhookPublisher(Secret(web.url))
    publisher.send(events(1, 3))
    publisher.send(events(4, 4))
    publisher.close()
    (headers, body), _ = web.requests
    assert headers["Content-Type"] == "application/json"
    assert "webhook-signature" not in headers
    assert "Authorization" not in headers
    assert json.loads(body)["schema"] == "keyreid.messages/1"
    assert [one["number"] for one in web.messages] == [1, 2, 3, 4]


def test_requests_are_signed_as_standard_webhooks_says(web: WebReceiver) -> None:
    text = "whsec_" + base64.b64encode(b"0123456789abcdef01234567").decode()
    publisher = WebhookPublisher(Secret(web.url), key=signing_key(Secret(text)), token=Secret("letmein"))
    publisher.send(events(1, 2))
    publisher.send(events(1, 2))
    publisher.close()
    (headers, body), (again, _) = web.requests
    assert headers["webhook-id"] == again["webhook-id"] == "run-e1.2"
    assert abs(int(headers["webhook-timestamp"]) - time.time()) < 60
    signed = b".".join([headers["webhook-id"].encode(), headers["webhook-timestamp"].encode(), body])
    expected = hmac.new(b"0123456789abcdef01234567", signed, hashlib.sha256).digest()
    assert headers["webhook-signature"] == "v1," + base64.b64encode(expected).decode()
    assert headers["Authorization"] == "Bearer letmein"


def test_a_secret_of_another_form_is_the_key_itself() -> None:
    assert signing_key(Secret("plain words")) == b"plain words"
    with pytest.raises(ConfigError, match="no base64 follows") as caught:
        signing_key(Secret("whsec_hunter2!"))
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("status", [300, 301, 400, 404, 413, 429, 500, 503])
def test_only_2xx_acknowledges(web: WebReceiver, status: int) -> None:
    web.answers = [(status, {"Location": web.url})]
    publisher = WebhookPublisher(Secret(web.url))
    with pytest.raises(PublishError, match=f"^http://127.0.0.1:{web.port} answered {status}$") as caught:
        publisher.send(events(1, 1))
    publisher.close()
    assert (caught.value.acknowledged, caught.value.retry_after_s) == (0, None)
    assert len(web.requests) == 1, "a redirect was followed"


def test_retry_after_is_read_as_number_and_as_date(web: WebReceiver) -> None:
    later = format_datetime(datetime.now(UTC) + timedelta(seconds=100), usegmt=True)
    web.answers = [(503, {"Retry-After": text}) for text in ("7", later, "soon", "-5", "Wed, 21 Oct 2015 07:28:00 GMT")]
    publisher = WebhookPublisher(Secret(web.url))
    asked = []
    for _ in range(5):
        with pytest.raises(PublishError) as caught:
            publisher.send(events(1, 1))
        asked.append(caught.value.retry_after_s)
    publisher.close()
    assert asked[0] == 7.0
    assert 60 < asked[1] <= 101
    assert asked[2:] == [None, None, 0.0]


def test_a_slow_receiver_is_given_up(web: WebReceiver) -> None:
    web.hang.clear()
    publisher = WebhookPublisher(Secret(web.url), timeout_s=0.2)
    with pytest.raises(PublishError, match="did not answer in time"):
        publisher.send(events(1, 1))
    web.hang.set()
    publisher.send(events(1, 1))
    publisher.close()


def test_a_receiver_that_is_not_there_and_no_secret_told(free_port: int) -> None:
    url = Secret(f"http://user:hunter2@127.0.0.1:{free_port}/hunter2?token=hunter2")
    publisher = WebhookPublisher(url, token=Secret("hunter2"))
    with pytest.raises(PublishError) as caught:
        publisher.send(events(1, 1))
    assert str(caught.value) == f"http://127.0.0.1:{free_port} cannot be reached"
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__
    assert "hunter2" not in repr(url)


@pytest.mark.parametrize("answer", [b"", b"\x00\xff garbage\r\n\r\n", b"HTTP/1.1 abc\r\n\r\n", b"HTTP/1.1 200"])
def test_what_answers_in_no_http_is_survived(answer: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(answer)
                connection.shutdown(socket.SHUT_WR)
                while connection.recv(65536):  # closed over unread bytes, it would take its answer back
                    pass

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        publisher = WebhookPublisher(Secret(f"http://127.0.0.1:{server.getsockname()[1]}"), timeout_s=2)
        if answer == b"HTTP/1.1 200":
            publisher.send(events(1, 1))  # short, but an answer
        else:
            with pytest.raises(PublishError):
                publisher.send(events(1, 1))
        publisher.close()
        thread.join(5)


def test_a_receiver_that_comes_and_goes_has_all_in_order(tmp_path: Path, web: WebReceiver) -> None:
    web.answers = [(500, {}), (200, {}), (503, {}), (429, {"Retry-After": "0"})]
    config = WebhookConfig(kind="webhook", url=web.url, batch_messages=5, drain_s=20, timeout_s=5)
    sink = PublishSink("web", WebhookPublisher.from_config(config), config, tmp_path / "w.spool", "run")
    with sink:
        for number in range(60):
            event = Event("seen", number, number / 10, "gate", number)
            sink.write(Tick(number, number / 10, (), (event,)))
        until = time.monotonic() + 20
        while sink.counts["waiting"] and time.monotonic() < until:
            time.sleep(0.02)
    first_time = list(dict.fromkeys(one["number"] for one in web.messages))
    assert first_time == list(range(1, 61))
    assert (sink.counts["sent"], sink.counts["waiting"], sink.counts["failures"]) == (60, 0, 3)
