"""Against the mock cluster that librdkafka brings: the real client and protocol, no real broker."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from keyreid_stream.errors import ConfigError
from keyreid_stream.sinks.publish import KafkaConfig, PublishError, PublishSink, make_publisher
from keyreid_stream.structures import Event, Tick
from tests.sinks.publish.receivers import events

confluent = pytest.importorskip(
    "confluent_kafka", reason='confluent-kafka is not installed: pip install "keyreid-stream[kafka]"'
)
from keyreid_stream.sinks.publish.kafka import KafkaPublisher  # noqa: E402


class Cluster:
    """A mock cluster, which lives in a producer of its own, so that ours can be thrown away and made again."""

    def __init__(self) -> None:
        self._owner = confluent.Producer({"test.mock.num.brokers": 3, "client.id": "owner"})
        brokers = self._owner.list_topics(timeout=10).brokers.values()
        self.servers = tuple(f"{one.host}:{one.port}" for one in brokers)

    def messages(self, count: int, topic: str = "keyreid") -> list[Any]:
        consumer = confluent.Consumer(
            {"bootstrap.servers": ",".join(self.servers), "group.id": "test", "auto.offset.reset": "earliest"}
        )
        consumer.subscribe([topic])
        got: list[Any] = []
        until = time.monotonic() + 30
        while len(got) < count and time.monotonic() < until:
            message = consumer.poll(0.2)
            if message is not None and message.error() is None:
                got.append(message)
        consumer.close()
        return got


@pytest.fixture
def cluster() -> Cluster:
    return Cluster()


def test_messages_stay_in_order_in_one_partition(cluster: Cluster) -> None:
    publisher = make_publisher(KafkaConfig(kind="kafka", servers=cluster.servers))
    publisher.send(events(1, 60))
    publisher.send(events(61, 61))
    publisher.close()
    got = cluster.messages(61)
    assert [json.loads(one.value())["number"] for one in got] == list(range(1, 62))
    assert len({one.partition() for one in got}) == 1
    assert dict(got[0].headers()) == {"event_id": b"run-e1", "type": b"event"}


def test_a_cluster_that_is_away_gets_the_rest_when_it_is_back(
    tmp_path: Path, cluster: Cluster, caplog: pytest.LogCaptureFixture
) -> None:
    """Its address is wrong at first: a mock cluster cannot be killed and come back."""
    config = KafkaConfig(kind="kafka", servers=cluster.servers, timeout_s=1.0, drain_s=20.0, batch_messages=7)
    publisher = KafkaPublisher(config, properties={"bootstrap.servers": "127.0.0.1:1"})
    sink = PublishSink("kafka", publisher, config, tmp_path / "k.spool", "run")
    with sink:
        for number in range(1, 41):
            sink.write(Tick(number, 0.0, (), (Event("seen", number, 0.0),)))
        until = time.monotonic() + 20
        while not sink.gauges()["away"] and time.monotonic() < until:
            time.sleep(0.02)
        assert sink.counts["waiting"] == 40
        assert "did not acknowledge (_" in str(sink.counts["problem"])
        assert "librdkafka" not in {record.name for record in caplog.records}
        publisher._properties.clear()
        until = time.monotonic() + 20
        while sink.counts["waiting"] and time.monotonic() < until:
            time.sleep(0.02)
    assert [json.loads(one.value())["number"] for one in cluster.messages(40)] == list(range(1, 41))


def test_nobody_listens(free_port: int) -> None:
    publisher = make_publisher(KafkaConfig(kind="kafka", servers=(f"127.0.0.1:{free_port}",), timeout_s=0.5))
    with pytest.raises(PublishError, match=rf"^kafka://127.0.0.1:{free_port} did not acknowledge \(_\w+\)$"):
        publisher.send(events(1, 2))
    publisher.close()


def test_accounts_reach_the_client_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("KAFKA_PASSWORD", "hunter2")
    config = KafkaConfig(
        kind="kafka", servers=("127.0.0.1:1",), username="u", password_env="KAFKA_PASSWORD", timeout_s=0.3
    )
    publisher = make_publisher(config)
    assert isinstance(publisher, KafkaPublisher)
    settings = publisher._settings()
    assert settings["security.protocol"] == "SASL_PLAINTEXT"
    assert (settings["sasl.username"], settings["sasl.password"]) == ("u", "hunter2")
    with pytest.raises(PublishError) as caught:
        publisher.send(events(1, 1))
    publisher.close()
    said = f"{caught.value} {config!r} {publisher!r} {caplog.text} {capfd.readouterr()} {config.model_dump_json()}"
    assert "hunter2" not in said
    monkeypatch.delenv("KAFKA_PASSWORD")
    with pytest.raises(ConfigError, match="KAFKA_PASSWORD"):
        make_publisher(config)
