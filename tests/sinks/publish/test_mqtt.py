from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from keyreid_stream.sinks.publish import MqttConfig, PublishError, PublishSink, make_publisher
from keyreid_stream.structures import Event, Tick
from tests.sinks.publish.receivers import events
from tests.sinks.publish.servers import Server, mosquitto

paho = pytest.importorskip("paho.mqtt.client", reason='paho-mqtt is not installed: pip install "keyreid-stream[mqtt]"')
from paho.mqtt.enums import CallbackAPIVersion  # noqa: E402


class Subscriber:
    """Keeps what comes under `keyreid/`; the broker keeps it meanwhile, should one of both be away."""

    def __init__(self, port: int, **account: str) -> None:
        self.got: list[tuple[str, dict[str, Any]]] = []
        self._ready = threading.Event()
        self._client = paho.Client(CallbackAPIVersion.VERSION2, client_id="subscriber", clean_session=False)
        self._client.reconnect_delay_set(0.1, 0.2)
        if account:
            self._client.username_pw_set(account["username"], account["password"])
        self._client.on_connect = lambda client, *_: client.subscribe("keyreid/#", qos=1)
        self._client.on_subscribe = lambda *_: self._ready.set()
        self._client.on_message = lambda *given: self.got.append((given[-1].topic, json.loads(given[-1].payload)))
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        assert self._ready.wait(10)

    def wait_for(self, last: int) -> list[int]:
        until = time.monotonic() + 20
        while (not self.got or self.got[-1][1]["number"] < last) and time.monotonic() < until:
            time.sleep(0.02)
        return [body["number"] for _, body in self.got]

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


@pytest.fixture
def broker(tmp_path: Path, free_port: int) -> Iterator[Server]:
    running = mosquitto(tmp_path, free_port)
    running.start()
    yield running
    running.kill()


def config(port: int, **settings: Any) -> MqttConfig:
    return MqttConfig(kind="mqtt", host="127.0.0.1", port=port, **({"timeout_s": 5.0} | settings))


@pytest.mark.parametrize("version", ["5", "3.1.1"])
def test_messages_come_in_order_under_their_topics(broker: Server, version: str) -> None:
    subscriber = Subscriber(broker.port)
    publisher = make_publisher(config(broker.port, version=version))
    publisher.send(events(1, 100))
    publisher.send(events(101, 101))
    publisher.close()
    assert subscriber.wait_for(101) == list(range(1, 102))
    assert {topic for topic, _ in subscriber.got} == {"keyreid/event"}
    assert subscriber.got[0][1] == json.loads(events(1, 1)[0].text)
    subscriber.close()


def test_a_broker_that_was_away_gets_the_rest_when_it_is_back(broker: Server, tmp_path: Path) -> None:
    subscriber = Subscriber(broker.port)
    settings = config(broker.port, batch_messages=7, drain_s=20.0)
    sink = PublishSink("mqtt", make_publisher(settings), settings, tmp_path / "m.spool", "run")

    def write(first: int, last: int) -> None:
        for number in range(first, last + 1):
            sink.write(Tick(number, 0.0, (), (Event("seen", number, 0.0),)))

    with sink:
        write(1, 30)
        subscriber.wait_for(30)
        broker.stop()
        write(31, 60)
        until = time.monotonic() + 10
        while not sink.gauges()["away"] and time.monotonic() < until:
            time.sleep(0.02)
        assert 30 <= int(sink.counts["waiting"]) <= 37
        broker.start()
        write(61, 70)
        numbers = subscriber.wait_for(70)
    assert list(dict.fromkeys(numbers)) == list(range(1, 71))
    subscriber.close()


@pytest.mark.parametrize("password", ["hunter2", "wrong-hunter3"])
def test_accounts(tmp_path: Path, free_port: int, monkeypatch: pytest.MonkeyPatch, password: str) -> None:
    broker = mosquitto(tmp_path, free_port, password="hunter2")
    broker.start()
    monkeypatch.setenv("MQTT_PASSWORD", password)
    publisher = make_publisher(config(free_port, username="keyreid", password_env="MQTT_PASSWORD"))
    try:
        if password == "hunter2":
            subscriber = Subscriber(free_port, username="keyreid", password=password)
            publisher.send(events(1, 1))
            assert subscriber.wait_for(1) == [1]
            subscriber.close()
        else:
            with pytest.raises(PublishError, match="refused the connection") as caught:
                publisher.send(events(1, 1))
            assert "hunter" not in str(caught.value)
    finally:
        publisher.close()
        broker.kill()


def test_a_message_that_the_broker_refuses_is_not_taken_for_sent(tmp_path: Path, free_port: int) -> None:
    rights = tmp_path / "rights"
    rights.write_text("topic write keyreid/sightings\n")
    broker = mosquitto(tmp_path, free_port, f"acl_file {rights}")
    broker.start()
    publisher = make_publisher(config(free_port))
    try:
        with pytest.raises(PublishError, match=r"refused a message \(Not authorized\)"):
            publisher.send(events(1, 3))
    finally:
        publisher.close()
        broker.kill()


def test_a_broker_that_stops_answering_is_given_up(broker: Server) -> None:
    publisher = make_publisher(config(broker.port, timeout_s=0.5))
    publisher.send(events(1, 1))
    assert broker._process is not None
    os.kill(broker._process.pid, signal.SIGSTOP)
    with pytest.raises(PublishError, match="did not acknowledge in time"):
        publisher.send(events(2, 3))
    with pytest.raises(PublishError, match="did not answer in time"):
        publisher.send(events(2, 3))
    os.kill(broker._process.pid, signal.SIGCONT)
    publisher.send(events(2, 3))
    publisher.close()


def test_nobody_listens(free_port: int) -> None:
    with pytest.raises(PublishError, match=f"^mqtt://127.0.0.1:{free_port} cannot be reached"):
        make_publisher(config(free_port)).send(events(1, 1))


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\x20\x02\x00\x01"])
def test_what_is_no_broker_is_survived(answer: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(answer)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        with pytest.raises(PublishError):
            make_publisher(config(server.getsockname()[1], timeout_s=1.0)).send(events(1, 1))
        thread.join(5)


def test_encryption_checks_the_certificate(tmp_path: Path, free_port: int) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=127.0.0.1"),
            *("-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(certificate)),
        ],
        check=True,
        capture_output=True,
    )
    broker = mosquitto(tmp_path, free_port, f"certfile {certificate}", f"keyfile {key}")
    broker.start()
    try:
        trusting = make_publisher(config(free_port, tls=True, ca_file=str(certificate)))
        trusting.send(events(1, 3))
        trusting.close()
        with pytest.raises(PublishError, match=r"^mqtts://127\.0\.0\.1"):
            make_publisher(config(free_port, tls=True)).send(events(1, 1))
    finally:
        broker.kill()
