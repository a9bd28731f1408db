"""Where a pipeline gets its encoders from when its settings name a backend."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch

from keyreid_engines.backend import Backend, TakesHint
from keyreid_engines.build import obtain_engine, prepare_engine
from keyreid_engines.cache import EngineCache, Say, StoredEngine
from keyreid_engines.calibration import Calibration
from keyreid_engines.choose import (
    LOADERS,
    TORCH,
    Candidate,
    available,
    candidates,
    current_device,
    explanation,
    named_backend,
    on_device,
    wrong_device,
)
from keyreid_engines.errors import EngineError
from keyreid_engines.graphs import Precision
from keyreid_engines.int8 import Int8Backend
from keyreid_engines.policy import passed_over, precisions_to_try
from keyreid_engines.tensorrt_backend import TensorRtRtxBackend
from keyreid_stream.devices import torch_device
from keyreid_stream.encoders import EncoderConfig, torch_encoders
from keyreid_stream.errors import ConfigError, KeyReIDError, MissingExtraError
from keyreid_stream.interfaces import ClipHead, FrameEncoder
from keyreid_stream.models.load import LoadedModel


class EngineEncoders:
    """Makes both halves of a model on the backend that the settings name: give it to `Pipeline.from_config`.

    `auto` takes the best backend that this machine has. One that cannot be built, or differs from float32 on PyTorch,
    is told and passed over; PyTorch always remains.
    """

    def __init__(self, say: Say, cache: EngineCache | None = None) -> None:
        """Say where engines are kept and who is told of choices and builds."""
        self._say = say
        self._cache = EngineCache() if cache is None else cache

    def __call__(self, loaded: LoadedModel, config: EncoderConfig) -> tuple[FrameEncoder, ClipHead]:
        """The encoders of a model.

        Raises:
            ConfigError: the backend does not run on the device, or not in the precision.
            InputError: there are not enough pictures to calibrate int8 on.
            MissingExtraError: its library is not installed, or what int8 needs.
            EngineError: it was asked for by name and cannot be used.
        """
        device = torch_device(config.device)
        if config.backend == TORCH:
            return torch_encoders(loaded.model, config)
        if config.backend == "auto":
            return self._best(loaded, config, device)
        fault = wrong_device(config.backend, device)
        if fault is not None:
            other = "cuda" if device.type == "cpu" else "cpu"
            raise ConfigError(f"backend {config.backend} {fault}, not on {device}; use --device {other}")
        try:
            with current_device(device):
                backend = named_backend(config.backend)
        except KeyReIDError:
            raise
        except ImportError as error:
            raise EngineError(f"{error}; install it again, or use --backend torch") from error
        if config.precision == "int8" and device.type != "cpu":
            raise ConfigError(f"int8 of {config.backend} runs on the CPU only, not on {device}; use --device cpu")
        try:
            backend = on_device(_configured(backend, config), device, config.provider)
        except ImportError as error:
            raise ConfigError(f"backend {config.backend} does not run on {device}: {error}") from error
        if config.precision == "int8" and config.calibration is not None:
            backend = Int8Backend.calibrated(backend, Calibration(Path(config.calibration)))
        precision = precisions_to_try(backend, config.precision, loaded.card.sha256)[0]
        left_out = passed_over(backend, config.precision, loaded.card.sha256)
        if left_out is not None:
            self._say(f"backend {backend.name} in {precision}: {left_out}")
        return self._engine(loaded, config, backend, precision, reason=None)

    def _best(self, loaded: LoadedModel, config: EncoderConfig, device: torch.device) -> tuple[FrameEncoder, ClipHead]:
        found = candidates(device, LOADERS)
        for candidate in available(found):
            reason = explanation(candidate, found)
            try:
                encoders = self._from_candidate(loaded, config, candidate, reason)
            except KeyReIDError as error:
                found[found.index(candidate)] = replace(candidate, fault=str(error))
                continue
            self._say(_reason_of(encoders, reason))
            return encoders
        raise AssertionError("PyTorch is always available")

    def _from_candidate(
        self, loaded: LoadedModel, config: EncoderConfig, candidate: Candidate, reason: str
    ) -> tuple[FrameEncoder, ClipHead]:
        if candidate.backend is None:
            return _on_torch(loaded, config, reason)
        backend = _configured(candidate.backend, config)
        *lower, last = precisions_to_try(backend, config.precision, loaded.card.sha256)
        left_out = passed_over(backend, config.precision, loaded.card.sha256)
        reason = reason if left_out is None else f"{reason} ({left_out})"
        for precision in lower:
            try:
                return self._engine(loaded, config, backend, precision, reason=reason)
            except EngineError as error:
                self._say(f"backend {candidate.name} cannot be used in {precision}: {error}")
        return self._engine(loaded, config, backend, last, reason=reason)

    def _engine(
        self,
        loaded: LoadedModel,
        config: EncoderConfig,
        backend: Backend,
        precision: Precision,
        *,
        reason: str | None,
    ) -> tuple[FrameEncoder, ClipHead]:
        engine = obtain_engine(loaded, backend, precision, self._cache, threads=torch.get_num_threads(), say=self._say)
        return engine.encoders(loaded.model, config.batch_on(torch_device(config.device)), reason=reason)


def build_elsewhere(
    loaded: LoadedModel, cache: EngineCache, precision: str, capabilities: tuple[str, ...], say: Say
) -> StoredEngine:
    """Build with TensorRT for RTX for GPUs that need not be here.

    Args:
        loaded: the model, in float32 on the CPU.
        cache: where the engine is kept; a folder that is carried to the other machine, for example.
        precision: auto, float32, bfloat16 or float16.
        capabilities: compute capabilities such as "8.9"; none for all from Ampere on.
        say: is told what is built and why.

    Raises:
        MissingExtraError: the library is not installed.
        ConfigError: the precision does not run on all of these GPUs.
        EngineError: it cannot be built.
    """
    try:
        backend = TensorRtRtxBackend.elsewhere(capabilities)
    except ImportError as error:
        if str(error) == "tensorrt-rtx is not installed":
            raise MissingExtraError("tensorrt-rtx", "tensorrt-rtx") from error
        raise EngineError(f"{error}; install it again") from error
    return prepare_engine(loaded, backend, precisions_to_try(backend, precision, loaded.card.sha256)[0], cache, say=say)


def _reason_of(encoders: tuple[FrameEncoder, ClipHead], reason: str) -> str:
    """What the encoders' card says, which may add why not in another precision."""
    card = getattr(encoders[0], "backend", None)
    return reason if card is None or card.reason is None else str(card.reason)


def _configured(backend: Backend, config: EncoderConfig) -> Backend:
    """The same backend, with the options that the settings give it."""
    return backend.hinted(config.hint) if config.hint != "auto" and isinstance(backend, TakesHint) else backend


def _on_torch(loaded: LoadedModel, config: EncoderConfig, reason: str) -> tuple[FrameEncoder, ClipHead]:
    encoder, head = torch_encoders(loaded.model, config)
    encoder.backend = replace(encoder.backend, reason=reason)
    return encoder, head
