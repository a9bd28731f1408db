"""The fake with what only TensorRT for RTX has: capabilities, a runtime's settings and its cache of kernels."""

from __future__ import annotations

import enum
from typing import Any

from tests.engines import fake_tensorrt
from tests.engines.fake_tensorrt import *  # noqa: F403

__version__ = "1.99"

KERNELS: list[bytes] = []
"""Kernel caches that were handed in."""


class ComputeCapability(enum.IntEnum):
    NONE = 0
    CURRENT = 1
    SM75 = 75
    SM80 = 80
    SM89 = 89
    SM120 = 120


class CudaGraphStrategy(enum.IntEnum):
    DISABLED = 0
    WHOLE_GRAPH_CAPTURE = 1


class IBuilderConfig(fake_tensorrt.IBuilderConfig):
    num_compute_capabilities = 0

    def set_compute_capability(self, capability: ComputeCapability, index: int) -> bool:
        return capability > ComputeCapability.CURRENT and index < self.num_compute_capabilities


class Builder(fake_tensorrt.Builder):
    def create_builder_config(self) -> IBuilderConfig:
        return IBuilderConfig()


class IRuntimeCache:
    def deserialize(self, content: bytes) -> bool:
        KERNELS.append(content)
        return True

    def serialize(self) -> bytes:
        return b"kernels"


class IRuntimeConfig:
    cuda_graph_strategy = CudaGraphStrategy.DISABLED
    cache: IRuntimeCache | None = None

    def create_runtime_cache(self) -> IRuntimeCache:
        return IRuntimeCache()

    def set_runtime_cache(self, cache: IRuntimeCache) -> bool:
        self.cache = cache
        return True


class ICudaEngine(fake_tensorrt.ICudaEngine):
    def create_runtime_config(self) -> IRuntimeConfig:
        return IRuntimeConfig()

    def create_execution_context(self, settings: Any = None) -> fake_tensorrt.IExecutionContext:
        assert settings.cuda_graph_strategy is CudaGraphStrategy.WHOLE_GRAPH_CAPTURE
        assert settings.cache is not None
        return super().create_execution_context(settings)


class Runtime(fake_tensorrt.Runtime):
    def deserialize_cuda_engine(self, plan: bytes) -> ICudaEngine | None:
        return ICudaEngine(plan) if super().deserialize_cuda_engine(plan) else None
