"""Names of devices: one meaning for the detector and the model."""

from __future__ import annotations

import pytest
import torch
from pydantic import BaseModel, ValidationError

from keyreid_stream.devices import torch_device
from keyreid_stream.encoders import EncoderConfig
from keyreid_stream.errors import ConfigError
from keyreid_stream.pose import PoseConfig


def machine(monkeypatch: pytest.MonkeyPatch, *, gpus: int = 0, mps: bool = False) -> None:
    """Pretend to be a machine with these devices."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: gpus > 0)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: gpus)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)


@pytest.mark.parametrize(
    ("gpus", "mps", "name", "device"),
    [
        (0, False, "auto", "cpu"),
        (0, True, "auto", "cpu"),
        (2, False, "auto", "cuda:0"),
        (2, False, "cpu", "cpu"),
        (2, False, "cuda", "cuda"),
        (2, False, "cuda:1", "cuda:1"),
        (0, True, "mps", "mps"),
    ],
)
def test_a_name_is_a_device_that_is_there(
    monkeypatch: pytest.MonkeyPatch, gpus: int, mps: bool, name: str, device: str
) -> None:
    machine(monkeypatch, gpus=gpus, mps=mps)
    assert torch_device(name) == torch.device(device)


@pytest.mark.parametrize(
    ("gpus", "mps", "name", "choices"),
    [
        (0, False, "mps", "cpu"),
        (0, False, "cuda", "cpu"),
        (1, False, "cuda:1", "cpu, cuda"),
        (2, True, "cuda:99", "cpu, cuda:0-1, mps"),
        (1, False, "mps", "cpu, cuda"),
        (0, False, "gpu", "cpu"),
        (0, False, "meta", "cpu"),
        (1, False, "cuda:99999999999", "cpu, cuda"),
    ],
)
def test_a_device_that_is_not_there_is_refused_with_those_that_are(
    monkeypatch: pytest.MonkeyPatch, gpus: int, mps: bool, name: str, choices: str
) -> None:
    machine(monkeypatch, gpus=gpus, mps=mps)
    with pytest.raises(ConfigError) as caught:
        torch_device(name)
    assert str(caught.value) == f"device {name!r} is not on this machine; choose auto or one of: {choices}"


@pytest.mark.parametrize("config", [PoseConfig, EncoderConfig])
def test_detector_and_model_take_the_same_names(config: type[BaseModel]) -> None:
    for name in ("auto", "cpu", "cuda", "cuda:7", "mps"):
        assert config.model_validate({"device": name}).model_dump()["device"] == name
    for name in ("", "gpu", "cuda:", "cuda:-1", "cuda:1000", "mps:0", "CPU", "cpu\n", "cuda:\u0661"):
        with pytest.raises(ValidationError, match="device"):
            config.model_validate({"device": name})
