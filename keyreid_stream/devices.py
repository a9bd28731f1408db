"""Where networks run: the names that settings may give, and the torch device behind each."""

from __future__ import annotations

import re
from typing import Annotated, TypeAlias

import torch
from pydantic import StringConstraints

from keyreid_stream.errors import ConfigError

DEVICE_PATTERN = r"^(auto|cpu|mps|cuda(:[0-9]{1,2})?)$"

DeviceName: TypeAlias = Annotated[str, StringConstraints(pattern=DEVICE_PATTERN)]
"""`auto`, `cpu`, `mps`, `cuda`, or `cuda:0` and so on."""


def torch_device(name: str) -> torch.device:
    """The device of this name; `auto` is the first CUDA GPU where there is one, else the CPU.

    Raises:
        ConfigError: there is no device of this name, or this machine does not have it.
    """
    counts = {
        "cpu": 1,
        "cuda": torch.cuda.device_count() if torch.cuda.is_available() else 0,
        "mps": int(torch.backends.mps.is_available()),
    }
    if name == "auto":
        return torch.device("cuda:0" if counts["cuda"] else "cpu")
    device = torch.device(name) if re.fullmatch(DEVICE_PATTERN, name) else None
    if device is None or (device.index or 0) >= counts[device.type]:
        there = [kind if count == 1 else f"{kind}:0-{count - 1}" for kind, count in counts.items() if count]
        raise ConfigError(f"device {name!r} is not on this machine; choose auto or one of: {', '.join(there)}")
    return device
