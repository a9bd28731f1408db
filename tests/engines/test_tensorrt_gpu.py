"""On a real GPU, where one is at hand: everything that the stand-ins play elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from keyreid_engines.build import obtain_engine
from keyreid_engines.cache import EngineCache
from keyreid_engines.graphs import Precision
from keyreid_engines.tensorrt_backend import TensorRtBackend, TensorRtRtxBackend
from keyreid_stream.encoders import TorchFrameEncoder
from keyreid_stream.models.load import load_model
from tests.engines.engine_models import crops_of

PRECISIONS: tuple[Precision, ...] = ("float32", "float16", "bfloat16")


@pytest.mark.gpu
@pytest.mark.slow
@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("here", [TensorRtBackend.here, TensorRtRtxBackend.here], ids=["tensorrt", "tensorrt-rtx"])
def test_an_engine_runs_on_the_gpu(here: Callable[[], TensorRtBackend], precision: Precision, tmp_path: Path) -> None:
    try:
        backend = here()
    except ImportError as error:
        pytest.skip(f"NOT RUN ON A GPU: {error}")
    if precision not in backend.precisions:
        pytest.skip(f"NOT IN THIS GPU: {precision}")
    loaded, cache = load_model("tiny", None), EngineCache(tmp_path)
    for _ in range(2):  # built, then out of the cache
        engine = obtain_engine(loaded, backend, precision, cache, threads=1, say=lambda line: None)
    encoder, head = engine.encoders(loaded.model, 64)
    wanted = TorchFrameEncoder(loaded.model)
    for count in (1, 7, 33, 100):
        crops = crops_of(loaded.model, count)
        given, true = encoder.encode(crops).appearance, wanted.encode(crops).appearance
        cosine = (given * true).sum(1) / np.linalg.norm(given, axis=1) / np.linalg.norm(true, axis=1)
        assert cosine.min() > (0.99999 if precision == "float32" else 0.999)
    assert len(head.embed([])) == 0
