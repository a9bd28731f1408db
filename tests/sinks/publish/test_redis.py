from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from keyreid_stream.sinks.publish import PublishError, PublishSink, RedisConfig, make_publisher
from keyreid_stream.structures import Event, Tick
from tests.sinks.publish.receivers import events
from tests.sinks.publish.servers import Server, redis_server

redis = pytest.importorskip("redis", reason='redis is not installed: pip install "keyreid-stream[redis]"')


@pytest.fixture
def server(tmp_path: Path, free_port: int) -> Iterator[Server]:
    running = redis_server(tmp_path, free_port)
    running.start()
    yield running
    running.kill()


def entries(port: int, stream: str = "keyreid", **account: str) -> list[dict[bytes, bytes]]:
    with redis.Redis(port=port, **account) as client:
        return [fields for _, fields in client.xrange(stream)]


def test_messages_are_entries_in_order(server: Server) -> None:
    publisher = make_publisher(RedisConfig(kind="redis", host="127.0.0.1", port=server.port, stream="people"))
    publisher.send(events(1, 50))
    publisher.send(events(51, 51))
    publisher.close()
    found = entries(server.port, "people")
    assert [json.loads(one[b"message"])["number"] for one in found] == list(range(1, 52))
    assert found[0] == {
        b"type": b"event",
        b"event_id": b"run-e1",
        b"message": events(1, 1)[0].text.encode(),
    }


def test_a_stream_can_be_trimmed(server: Server) -> None:
    config = RedisConfig(kind="redis", host="127.0.0.1", port=server.port, max_length=100)
    publisher = make_publisher(config)
    for first in range(1, 2001, 100):
        publisher.send(events(first, first + 99))
    publisher.close()
    found = entries(server.port)
    assert 100 <= len(found) < 400, "trimming is by whole nodes of 100 entries"
    assert json.loads(found[-1][b"message"])["number"] == 2000


def test_a_killed_server_gets_the_rest_when_it_is_back(server: Server, tmp_path: Path) -> None:
    config = RedisConfig(kind="redis", host="127.0.0.1", port=server.port, batch_messages=7, timeout_s=2, drain_s=20)
    sink = PublishSink("redis", make_publisher(config), config, tmp_path / "r.spool", "run")

    def write(first: int, last: int) -> None:
        for number in range(first, last + 1):
            sink.write(Tick(number, 0.0, (), (Event("seen", number, 0.0),)))

    with sink:
        write(1, 40)
        server.kill()
        write(41, 80)
        until = time.monotonic() + 10
        while not sink.gauges()["away"] and time.monotonic() < until:
            time.sleep(0.02)
        assert sink.counts["problem"] == f"redis://127.0.0.1:{server.port}/0 cannot be reached"
        server.start()
        write(81, 100)
        until = time.monotonic() + 20
        while sink.counts["waiting"] and time.monotonic() < until:
            time.sleep(0.02)
    numbers = [json.loads(one[b"message"])["number"] for one in entries(server.port)]
    assert list(dict.fromkeys(numbers)) == list(range(1, 101))
    assert len(numbers) <= 107, "more than the batch under way came twice"


def test_a_full_server_takes_none_of_a_batch(server: Server) -> None:
    publisher = make_publisher(RedisConfig(kind="redis", host="127.0.0.1", port=server.port))
    publisher.send(events(1, 3))
    with redis.Redis(port=server.port) as client:
        client.config_set("maxmemory", "1")
        with pytest.raises(PublishError, match="refused the messages") as caught:
            publisher.send(events(4, 9))
        assert caught.value.acknowledged == 0
        client.config_set("maxmemory", "0")
    publisher.send(events(4, 9))
    publisher.close()
    assert [json.loads(one[b"message"])["number"] for one in entries(server.port)] == list(range(1, 10))


@pytest.mark.parametrize(("password", "taken"), [("hunter2", True), ("wrong-hunter3", False)])
def test_accounts(tmp_path: Path, free_port: int, monkeypatch: pytest.MonkeyPatch, password: str, taken: bool) -> None:
    server = redis_server(tmp_path, free_port, "--requirepass", "hunter2")
    server.start()
    monkeypatch.setenv("REDIS_PASSWORD", password)
    publisher = make_publisher(
        RedisConfig(kind="redis", host="127.0.0.1", port=free_port, password_env="REDIS_PASSWORD")
    )
    try:
        if taken:
            publisher.send(events(1, 1))
            assert len(entries(free_port, password="hunter2")) == 1
        else:
            with pytest.raises(PublishError, match=r"refused the account$") as caught:
                publisher.send(events(1, 1))
            assert "hunter" not in str(caught.value)
    finally:
        publisher.close()
        server.kill()


def test_nobody_listens(free_port: int) -> None:
    publisher = make_publisher(RedisConfig(kind="redis", host="127.0.0.1", port=free_port))
    with pytest.raises(PublishError, match=f"^redis://127.0.0.1:{free_port}/0 cannot be reached$"):
        publisher.send(events(1, 1))
