"""What a training ran on, by name."""

from __future__ import annotations

import platform
from pathlib import Path

import torch


def hardware_name(device: torch.device, processes: int = 1) -> str:
    """The GPU's name, or the processor's and how many threads compute; and how many processes, if several."""
    if device.type == "cuda":
        name = torch.cuda.get_device_name(device)
    else:
        name = f"{processor_name()}, {torch.get_num_threads()} threads"
    return name if processes == 1 else f"{processes} x {name}"


def processor_name() -> str:
    """The processor's name, as exactly as the system tells it."""
    information = Path("/proc/cpuinfo")
    if information.exists():
        for line in information.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
