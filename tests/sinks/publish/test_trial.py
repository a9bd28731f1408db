"""Receivers reached without a message: real brokers on loopback, and librdkafka's mock cluster."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from keyreid_stream.sinks.publish import KafkaConfig, MqttConfig, RedisConfig, WebhookConfig, make_publisher
from keyreid_stream.sinks.publish.trial import OutputTrial, try_output
from tests.sinks.publish.receivers import events
from tests.sinks.publish.servers import mosquitto, redis_server

PASSWORD = "a-secret-word"
LOCAL = "127.0.0.1"


def test_mqtt(tmp_path: Path, free_port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("paho.mqtt.client", reason='paho-mqtt is not installed: pip install "keyreid-stream[mqtt]"')
    monkeypatch.setenv("RIGHT", PASSWORD)
    monkeypatch.setenv("WRONG", f"{PASSWORD}!")
    broker = mosquitto(tmp_path, free_port, password=PASSWORD)
    config = MqttConfig(kind="mqtt", host=LOCAL, port=free_port, username="keyreid", password_env="RIGHT", timeout_s=5)
    broker.start()
    try:
        assert try_output("site", config) == OutputTrial("site", "mqtt", f"mqtt://{LOCAL}:{free_port}")
        refused = try_output("site", config.model_copy(update={"password_env": "WRONG"}))
    finally:
        broker.kill()
    assert "refused the connection" in refused.fault
    assert "cannot be reached" in try_output("site", config).fault
    assert PASSWORD not in repr(refused)


def test_redis(tmp_path: Path, free_port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    redis = pytest.importorskip("redis", reason='redis is not installed: pip install "keyreid-stream[redis]"')
    monkeypatch.setenv("RIGHT", PASSWORD)
    server = redis_server(tmp_path, free_port, "--requirepass", PASSWORD)
    config = RedisConfig(kind="redis", host=LOCAL, port=free_port, password_env="RIGHT", timeout_s=5)
    server.start()
    try:
        assert try_output("site", config).fault == ""
        refused = try_output("site", config.model_copy(update={"password_env": None}))
        with redis.Redis(port=free_port, password=PASSWORD) as client:
            assert client.dbsize() == 0
    finally:
        server.kill()
    assert "refused" in refused.fault
    assert "cannot be reached" in try_output("site", config).fault


def test_kafka() -> None:
    confluent = pytest.importorskip(
        "confluent_kafka", reason='confluent-kafka is not installed: pip install "keyreid-stream[kafka]"'
    )
    owner = confluent.Producer({"test.mock.num.brokers": 1})
    brokers = owner.list_topics(timeout=10).brokers.values()
    servers = tuple(f"{one.host}:{one.port}" for one in brokers)
    trial = try_output("site", KafkaConfig(kind="kafka", servers=servers, timeout_s=5))
    assert (trial.fault, trial.address) == ("", f"kafka://{servers[0]}")
    assert "keyreid" not in owner.list_topics(timeout=10).topics
    away = try_output("site", KafkaConfig(kind="kafka", servers=(f"{LOCAL}:1",), timeout_s=1))
    assert away.fault.startswith(f"kafka://{LOCAL}:1 cannot be reached (_")


def test_a_webhook_nobody_answers_at(free_port: int) -> None:
    trial = try_output("site", WebhookConfig(kind="webhook", url=f"http://{LOCAL}:{free_port}/secret-path"))
    assert trial.fault.startswith(f"http://{LOCAL}:{free_port} cannot be reached; check the receiver")
    assert "secret-path" not in repr(trial)


def test_a_secret_that_is_not_there_is_a_fault_and_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_SUCH", raising=False)
    trial = try_output("site", WebhookConfig(kind="webhook", url="http://host/", token_env="NO_SUCH"))
    assert trial == OutputTrial(
        "site", "webhook", fault="token_env names NO_SUCH, which the environment does not have; set it"
    )


def test_what_was_reached_can_still_be_sent_to(tmp_path: Path, free_port: int) -> None:
    redis = pytest.importorskip("redis", reason='redis is not installed: pip install "keyreid-stream[redis]"')
    server = redis_server(tmp_path, free_port)
    server.start()
    publisher = make_publisher(RedisConfig(kind="redis", host=LOCAL, port=free_port))
    try:
        publisher.reach()
        publisher.send(events(1, 2))
        with redis.Redis(port=free_port) as client:
            numbers = [json.loads(fields[b"message"])["number"] for _, fields in client.xrange("keyreid")]
    finally:
        publisher.close()
        server.kill()
    assert numbers == [1, 2]
