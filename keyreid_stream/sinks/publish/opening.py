"""Outputs from their settings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from keyreid_stream.errors import InputError
from keyreid_stream.geometry.calibration import CameraCalibration
from keyreid_stream.sinks.publish.config import (
    KafkaConfig,
    MqttConfig,
    PublishConfig,
    RedisConfig,
    WebhookConfig,
    output_names,
)
from keyreid_stream.sinks.publish.publisher import Publisher
from keyreid_stream.sinks.publish.sink import PublishSink

FOLDER = "publish"
"""Of spools, in a run's folder."""


def make_publisher(config: PublishConfig) -> Publisher:
    """The client of a receiver; it connects when it is first used.

    Raises:
        ConfigError: a secret that the settings name is not there.
        MissingExtraError: the client's package is not installed.
    """
    # Each kind's package is an extra: only what is used is imported.
    if isinstance(config, WebhookConfig):
        from keyreid_stream.sinks.publish.webhook import WebhookPublisher

        return WebhookPublisher.from_config(config)
    if isinstance(config, MqttConfig):
        from keyreid_stream.sinks.publish.mqtt import MqttPublisher

        return MqttPublisher.from_config(config)
    if isinstance(config, RedisConfig):
        from keyreid_stream.sinks.publish.redis_stream import RedisPublisher

        return RedisPublisher.from_config(config)
    assert isinstance(config, KafkaConfig)  # noqa: S101
    from keyreid_stream.sinks.publish.kafka import KafkaPublisher

    return KafkaPublisher.from_config(config)


def make_outputs(
    configs: tuple[PublishConfig, ...],
    folder: Path,
    run_id: str,
    calibrations: Callable[[], Mapping[str, CameraCalibration]] = dict,
) -> list[PublishSink]:
    """The outputs of a run. Nothing is written and nobody is called before they are entered.

    Args:
        configs: their settings.
        folder: the run's; spools that are not named lie in its `publish`.
        run_id: part of every message's id.
        calibrations: tells which cameras' calibrations are used now, for places on the floor.

    Raises:
        ConfigError: a secret is not there.
        InputError: a spool is a folder.
        MissingExtraError: a client's package is not installed.
    """
    return [
        PublishSink(name, make_publisher(config), config, _spool(config, folder, name), run_id, calibrations)
        for name, config in output_names(configs).items()
    ]


def _spool(config: PublishConfig, folder: Path, name: str) -> Path:
    path = folder / FOLDER / f"{name}.spool" if config.spool is None else Path(config.spool).expanduser()
    if path.is_dir():
        raise InputError(f"spool {path} of output {name!r} is a folder; give a file")
    return path
