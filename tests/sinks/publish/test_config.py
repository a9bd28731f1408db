from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from keyreid_stream.config import DeploymentConfig, deployment
from keyreid_stream.errors import ConfigError, InputError, MissingExtraError
from keyreid_stream.sinks.publish import make_outputs
from keyreid_stream.sinks.publish.credentials import read_secret

HOOK = {"kind": "webhook", "url": "https://hook.example/keyreid"}


def settings(*outputs: dict[str, Any]) -> DeploymentConfig:
    return deployment({"output": {"publish": list(outputs)}})


def test_outputs_are_named_and_spooled_in_the_run(tmp_path: Path) -> None:
    other = HOOK | {"name": "other", "spool": str(tmp_path / "kept.spool")}
    sinks = make_outputs(settings(HOOK, other).output.publish, tmp_path / "run", "run")
    assert [one.name for one in sinks] == ["webhook", "other"]
    assert [one._spool.path for one in sinks] == [tmp_path / "run/publish/webhook.spool", tmp_path / "kept.spool"]
    assert list(tmp_path.iterdir()) == [], "something was written before the run"


@pytest.mark.parametrize(
    ("output", "said"),
    [
        ({"kind": "pigeon"}, "pigeon"),
        ({"kind": "pigeon", "password": "hunter2"}, "does not match any of the expected tags"),
        ({"url": "https://u:hunter2@hook.example", "token": "hunter2"}, "kind"),
        ({"kind": "webhook"}, "needs url or url_env"),
        (HOOK | {"token_env": "hunter2"}, "token_env is no name of a variable"),
        ({"kind": "mqtt", "username": "u", "password_env": "hunter2"}, "password_env is no name"),
        (HOOK | {"url_env": "HOOK"}, "url and url_env are both given"),
        ({"kind": "webhook", "url": "hook.example"}, "no web address"),
        ({"kind": "webhook", "url": "https://u:hunter2@hook.example"}, "url_env"),
        ({"kind": "webhook", "url": "https://hunter2@hook.example"}, "url_env"),
        ({"kind": "webhook", "url": "https://u:hunt/hunter2@hook.example"}, "no web address"),
        ({"kind": "webhook", "url": "https://hook.example/?token=hunter2"}, "url_env"),
        ({"kind": "webhook", "url": "https://hook.example:port"}, "no web address"),
        (HOOK | {"events": False}, "sends nothing"),
        (HOOK | {"name": "Två"}, "name"),
        (HOOK | {"password": "hunter2"}, "unknown setting"),
        ({"kind": "mqtt", "password": "hunter2"}, "unknown setting"),
        ({"kind": "mqtt", "host": "mqtt://u:hunter2@broker"}, "host is no host's name"),
        ({"kind": "mqtt", "password_env": "P"}, "without a username"),
        ({"kind": "mqtt", "username": "u", "password_env": "P", "password_file": "f"}, "keep one"),
        ({"kind": "mqtt", "topic": "keyreid/#"}, "topic"),
        ({"kind": "mqtt", "ca_file": "ca.pem"}, "without tls"),
        ({"kind": "redis", "port": 0}, "port"),
        ({"kind": "kafka"}, "servers"),
        ({"kind": "kafka", "servers": []}, "servers"),
        ({"kind": "kafka", "servers": ["k:9092"], "username": "u"}, "both or neither"),
        ({"kind": "kafka", "servers": ["sasl://u:hunter2@k:9092"]}, "host:port"),
        ({"kind": "kafka", "servers": ["k:9092"], "sasl.password": "hunter2"}, "unknown setting"),
    ],
)
def test_a_wrong_setting_is_refused_in_one_line_without_secrets(output: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said) as caught:
        settings(output)
    assert "\n" not in str(caught.value)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("second", "said"), [(HOOK, "two outputs are named 'webhook'"), (HOOK | {"name": "b", "spool": "s"}, "the spool s")]
)
def test_outputs_must_differ(second: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        settings(HOOK | ({"spool": "s"} if "spool" in second else {}), second)


def test_a_spool_that_is_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is a folder; give a file"):
        make_outputs(settings(HOOK | {"spool": str(tmp_path)}).output.publish, tmp_path, "run")


def test_a_secret_comes_from_the_environment_or_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOK_SECRET", "hunter2 ")
    file = tmp_path / "secret"
    file.write_text("hunter2 \r\n")
    file.chmod(0o600)
    for secret in (read_secret("token", "HOOK_SECRET", None), read_secret("token", None, str(file))):
        assert secret is not None
        assert secret.text == "hunter2 "
        assert "hunter2" not in f"{secret!r}{secret}"
    assert read_secret("token", None, None) is None


def write(path: Path, content: bytes, mode: int = 0o600) -> str:
    path.write_bytes(content)
    path.chmod(mode)
    return str(path)


def test_a_secret_that_is_not_there_is_told_without_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HOOK_SECRET", raising=False)
    cases = [
        ("HOOK_SECRET", None, "token_env names HOOK_SECRET, which the environment does not have"),
        (None, str(tmp_path / "gone"), "cannot be read"),
        (None, write(tmp_path / "open", b"hunter2", 0o644), "chmod 600"),
        (None, write(tmp_path / "empty", b"\n"), "is empty"),
        (None, write(tmp_path / "latin", b"hunter2\xff"), "not UTF-8"),
        (None, write(tmp_path / "large", b"hunter2" * 20_000), "no file with a secret"),
    ]
    for env, file, said in cases:
        with pytest.raises(ConfigError, match=said) as caught:
            read_secret("token", env, file)
        assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("address", ["nowhere", "ftp://hunter2@host/"])
def test_an_address_from_the_environment_is_checked_and_not_told(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOOK", address)
    with pytest.raises(ConfigError, match="HOOK is no web address") as caught:
        make_outputs(settings({"kind": "webhook", "url_env": "HOOK"}).output.publish, tmp_path, "run")
    assert address not in str(caught.value)


@pytest.mark.parametrize(
    ("kind", "package", "extra"),
    [("mqtt", "paho.mqtt", "mqtt"), ("redis", "redis", "redis"), ("kafka", "confluent_kafka", "kafka")],
)
def test_a_missing_client_is_told_with_the_command_that_installs_it(
    kind: str, package: str, extra: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = {"redis": "redis_stream"}.get(kind, kind)
    monkeypatch.delitem(sys.modules, f"keyreid_stream.sinks.publish.{module}", raising=False)
    monkeypatch.setitem(sys.modules, package, None)
    output = {"kind": kind} | ({"servers": ["k:9092"]} if kind == "kafka" else {})
    with pytest.raises(MissingExtraError, match=rf"keyreid-stream\[{extra}\]"):
        make_outputs(settings(output).output.publish, tmp_path, "run")
