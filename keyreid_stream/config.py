"""One TOML file describes one deployment. Unknown settings are errors, never ignored."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from keyreid_stream.association import AssociationConfig
from keyreid_stream.encoders import EncoderConfig
from keyreid_stream.errors import ConfigError
from keyreid_stream.geometry.zones import Zone
from keyreid_stream.monitor import MonitorConfig
from keyreid_stream.oracle import OracleNames
from keyreid_stream.pose import PoseConfig
from keyreid_stream.sinks import OutputConfig
from keyreid_stream.sources import SourcesConfig
from keyreid_stream.tracking import ClipConfig, TrackingConfig
from keyreid_stream.validation import first_fault

MAX_CONFIG_BYTES = 1_000_000


class DeploymentConfig(BaseModel):
    """Every setting of a run; each section is documented where its component lives.

    Attributes:
        sources: cameras and how their frames are merged.
        pose: the person and keypoint detector.
        model: the KeyRe-ID model.
        tracking: the tracker inside each camera.
        clips: how a track's crops become clips.
        association: who is who across cameras.
        output: what a run leaves in its folder.
        zones: where in cameras' pictures people count.
        monitor: whether a run can be watched and controlled over HTTP.
        oracle: what is taken from the truth of a synthetic world, instead of from a stage: any of `detections`,
            `keypoints`, `tracks` and `identities`, as a list or in one string with commas.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    sources: SourcesConfig = Field(default_factory=SourcesConfig)
    pose: PoseConfig = Field(default_factory=PoseConfig)
    model: EncoderConfig = Field(default_factory=EncoderConfig)
    tracking: TrackingConfig = Field(default_factory=TrackingConfig)
    clips: ClipConfig = Field(default_factory=ClipConfig)
    association: AssociationConfig = Field(default_factory=AssociationConfig)
    output: OutputConfig = Field(default_factory=OutputConfig)
    zones: tuple[Zone, ...] = ()
    monitor: MonitorConfig = Field(default_factory=MonitorConfig)
    oracle: OracleNames = ()


def deployment(settings: Mapping[str, Any]) -> DeploymentConfig:
    """Check settings given as nested tables.

    Raises:
        ConfigError: naming the first setting that is unknown, of the wrong type or out of range.
    """
    try:
        return DeploymentConfig.model_validate(settings)
    except ValidationError as error:
        raise ConfigError(first_fault(error, DeploymentConfig)) from None


def read_settings(path: Path) -> dict[str, Any]:
    """The tables of a TOML file, not yet checked by `deployment`.

    Raises:
        ConfigError: there is no such file, or it is not TOML.
    """
    try:
        if not path.is_file():
            raise ConfigError(f"no configuration file at {path}; give the path of a TOML file")
        if path.stat().st_size > MAX_CONFIG_BYTES:
            raise ConfigError(f"{path} is larger than {MAX_CONFIG_BYTES} bytes; this is no configuration file")
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise ConfigError(f"{path} cannot be read ({error.strerror}); give the path of a TOML file") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ConfigError(f"{path} is not valid TOML: {error}") from None


def merged(settings: Mapping[str, Any], overrides: Mapping[str, Any]) -> dict[str, Any]:
    """`settings` with the values of `overrides` put over them, table by table."""
    result = dict(settings)
    for name, value in overrides.items():
        below = result.get(name)
        if isinstance(value, Mapping) and isinstance(below, Mapping):
            result[name] = merged(below, value)
        else:
            result[name] = value
    return result
