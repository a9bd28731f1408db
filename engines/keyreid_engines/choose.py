"""Which backend: what is there, what is best on a device, and why the better ones are not available."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import TypeAlias

import torch

from keyreid_engines.backend import Backend, Provider, ServesDevices
from keyreid_engines.onnxruntime_backend import OnnxRuntimeBackend
from keyreid_engines.openvino_backend import OpenVinoBackend
from keyreid_engines.tensorrt_backend import TensorRtBackend, TensorRtRtxBackend
from keyreid_engines.torch_tensorrt_backend import TorchTensorRtBackend
from keyreid_stream.errors import MissingExtraError

TORCH = "torch"

Loader: TypeAlias = Callable[[], Backend]

LOADERS: Mapping[str, Loader] = {
    "openvino": OpenVinoBackend,
    "onnxruntime": OnnxRuntimeBackend,
    "tensorrt": TensorRtBackend.here,
    "tensorrt-rtx": TensorRtRtxBackend.here,
    "torch-tensorrt": TorchTensorRtBackend.here,
}
"""Backends that compile, by name; each raises ImportError where its library is not there or not whole."""

ORDER: Mapping[str, tuple[str, ...]] = {
    "cpu": ("openvino", "onnxruntime", TORCH),
    "cuda": ("tensorrt", "tensorrt-rtx", "onnxruntime", TORCH),
}
"""Best first, by type of device; where nothing is said, PyTorch is all there is."""

ASKED_FOR: Mapping[str, tuple[str, ...]] = {"cuda": ("torch-tensorrt",)}
"""Backends that are never taken by themselves, by type of device."""


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """A backend as it is on this machine.

    Attributes:
        name: what users type.
        version: of its library; None where that cannot be used.
        fault: why it cannot be used; None where it can.
        backend: itself; None for PyTorch, and where it cannot be used.
        note: what else to know of it, such as what it lacks on other devices.
    """

    name: str
    version: str | None
    fault: str | None
    backend: Backend | None = None
    note: str | None = None


def candidates(device: torch.device, loaders: Mapping[str, Loader] = LOADERS) -> list[Candidate]:
    """Every backend, best first for this device. Never raises: what is broken says so in its `fault`."""
    order = [name for name in ORDER.get(device.type, (TORCH,)) if name == TORCH or name in loaders]
    others = [name for name in loaders if name not in order]
    with current_device(device):
        return [
            *(_candidate(name, loaders, device) for name in order),
            *(_other(name, device, loaders) for name in others),
        ]


def wrong_device(name: str, device: torch.device) -> str | None:
    """Why a backend does not run on a device; None where it does."""
    types = [kind for kind, order in ORDER.items() if name in (*order, *ASKED_FOR.get(kind, ()))]
    if name == TORCH or device.type in types:
        return None
    where = " or ".join("the CPU" if kind == "cpu" else kind.upper() for kind in types)
    return f"runs on {where} only"


def current_device(device: torch.device) -> AbstractContextManager[object]:
    """Inside, backends that run on CUDA take this GPU."""
    return torch.cuda.device(device) if device.type == "cuda" and torch.cuda.is_available() else nullcontext()


def available(found: list[Candidate]) -> list[Candidate]:
    """Those that can be used, best first."""
    return [candidate for candidate in found if candidate.fault is None]


def explanation(picked: Candidate, found: list[Candidate]) -> str:
    """In one line: what was picked, and why not a better one."""
    better = found[: [candidate.name for candidate in found].index(picked.name)]
    reasons = "; ".join(f"{candidate.name}: {candidate.fault}" for candidate in better)
    return f"backend {picked.name} {picked.version}" + (f" ({reasons})" if reasons else "")


def named_backend(name: str, loaders: Mapping[str, Loader] = LOADERS) -> Backend:
    """The backend that a user asked for.

    Raises:
        MissingExtraError: its library is not installed.
        ImportError: it is installed and broken; the message says how.
    """
    try:
        return loaders[name]()
    except ImportError as error:
        if str(error) == f"{name} is not installed":
            raise MissingExtraError(name, name) from None
        raise


def on_device(backend: Backend, device: torch.device, provider: Provider = "auto") -> Backend:
    """The same backend for this device, where it serves several.

    Raises:
        ImportError: what is installed does not serve it; the message says what to install.
        ConfigError: the provider does not compute on it.
    """
    return backend.for_device(device, provider) if isinstance(backend, ServesDevices) else backend


def _other(name: str, device: torch.device, loaders: Mapping[str, Loader]) -> Candidate:
    """One that is not taken by itself here, and why."""
    fault = wrong_device(name, device)
    if fault is not None:
        return Candidate(name, None, f"{fault}, not on {device.type}")
    found = _candidate(name, loaders, device)
    return Candidate(name, found.version, found.fault or f"only where it is asked for: --backend {name}")


def _candidate(name: str, loaders: Mapping[str, Loader], device: torch.device) -> Candidate:
    if name == TORCH:
        return Candidate(TORCH, str(torch.__version__), None)
    try:
        backend = loaders[name]()
        note = backend.providers if isinstance(backend, ServesDevices) else None
        backend = on_device(backend, device)
        return Candidate(name, backend.version, None, backend, note)
    except ImportError as error:
        hint = f'; pip install "keyreid-stream[{name}]"' if str(error) == f"{name} is not installed" else ""
        return Candidate(name, None, f"{error}{hint}")
    except Exception as error:  # noqa: BLE001 - whatever a broken library does, the table is shown
        return Candidate(name, None, f"broken ({type(error).__name__})")
