from __future__ import annotations

import numpy as np
import pytest
import torch

from keyreid_engines.backend import Backend
from keyreid_engines.build import load_graphs
from keyreid_engines.cache import Contents
from keyreid_engines.encoders import EngineClipHead, EngineFrameEncoder
from keyreid_engines.graphs import HALVES, Precision
from keyreid_engines.onnxruntime_backend import OnnxRuntimeBackend
from keyreid_engines.openvino_backend import OpenVinoBackend
from keyreid_stream.encoders import TorchClipHead, TorchFrameEncoder
from keyreid_stream.interfaces import ClipHead, FrameEncoder
from keyreid_stream.structures import Crops, EmbeddingLayout
from tests.engines.engine_models import FRAMES, clip_of, crops_of, engine_model, exported
from tests.engines.fake_engines import FakeGraph

BACKENDS = {"onnxruntime": OnnxRuntimeBackend, "openvino": OpenVinoBackend}


def compiled(
    backend: Backend, mode: str, max_batch: int, precision: Precision = "float32"
) -> tuple[FrameEncoder, ClipHead]:
    model = engine_model(mode)
    contents: Contents = {kind: dict(backend.compile(exported(mode, kind, "float32").content)) for kind in HALVES}
    graphs = load_graphs(backend, contents, precision, threads=1)
    layout = model.layout
    return (
        EngineFrameEncoder(graphs["frame_encoder"], model.crop_spec, layout.global_dim, max_batch=max_batch),
        EngineClipHead(graphs["clip_head"], layout, FRAMES, max_batch=max_batch),
    )


@pytest.mark.parametrize("mode", ["aligned", "published"])
@pytest.mark.parametrize("backend", BACKENDS)
def test_both_halves_answer_as_torch_whatever_the_batch(backend: str, mode: str) -> None:
    model = engine_model(mode)
    crops = crops_of(model, 7)
    true_encodings = TorchFrameEncoder(model).encode(crops)
    rows = [[0, 1, 2], [3], [4, 5], [6, 0, 1], [2]]
    truth = TorchClipHead(model).embed([clip_of(true_encodings, members) for members in rows])
    for max_batch in (1, 3, 64):
        encoder, head = compiled(BACKENDS[backend](), mode, max_batch)
        encodings = encoder.encode(crops)
        torch.testing.assert_close(encodings.tokens, true_encodings.tokens, rtol=1e-3, atol=1e-4)
        torch.testing.assert_close(encodings.class_rows, true_encodings.class_rows, rtol=1e-3, atol=1e-4)
        np.testing.assert_allclose(encodings.appearance, true_encodings.appearance, rtol=1e-3, atol=1e-4)
        given = head.embed([clip_of(encodings, members) for members in rows])
        np.testing.assert_allclose(given.vectors, truth.vectors, rtol=1e-3, atol=1e-3)
        np.testing.assert_allclose(given.visibility, truth.visibility, atol=1e-6)
        assert given.layout == head.layout == model.layout


@pytest.mark.parametrize("backend", BACKENDS)
def test_earlier_answers_are_not_written_over(backend: str) -> None:
    model = engine_model()
    encoder, _ = compiled(BACKENDS[backend](), "aligned", 64)
    crops = crops_of(model, 4)
    first = encoder.encode(crops)
    kept = first.tokens.clone(), first.appearance.copy()
    encoder.encode(Crops(255 - crops.images, crops.part_weights))
    assert torch.equal(first.tokens, kept[0])
    assert np.array_equal(first.appearance, kept[1])


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_same_crops_give_the_same_bits(backend: str) -> None:
    encoder, _ = compiled(BACKENDS[backend](), "aligned", 64)
    crops = crops_of(engine_model(), 3)
    assert torch.equal(encoder.encode(crops).tokens, encoder.encode(crops).tokens)


@pytest.mark.parametrize("backend", BACKENDS)
def test_read_only_and_strided_pictures_are_fine(backend: str) -> None:
    encoder, _ = compiled(BACKENDS[backend](), "aligned", 64)
    crops = crops_of(engine_model(), 4)
    mirrored = Crops(crops.images[:, :, ::-1], crops.part_weights)
    crops.images.flags.writeable = False
    encoder.encode(crops)
    straight = Crops(np.ascontiguousarray(mirrored.images), crops.part_weights)
    assert torch.equal(encoder.encode(mirrored).tokens, encoder.encode(straight).tokens)


def test_bfloat16_stays_close_where_the_processor_has_it() -> None:
    backend = OpenVinoBackend()
    if "bfloat16" not in backend.precisions:
        pytest.skip("NO BFLOAT16 in this processor: that precision is not checked")
    model = engine_model("published")
    crops = crops_of(model, 4)
    encoder, _ = compiled(backend, "published", 64, "bfloat16")
    given, wanted = encoder.encode(crops).appearance, TorchFrameEncoder(model).encode(crops).appearance
    assert not np.array_equal(given, wanted)
    cosine = (given * wanted).sum(1) / np.linalg.norm(given, axis=1) / np.linalg.norm(wanted, axis=1)
    assert cosine.min() > 0.999


LAYOUT = EmbeddingLayout(global_dim=64, parts=3, part_dim=5)


def fakes() -> tuple[FakeGraph, FakeGraph]:
    crop = {"tokens": np.ones((9, 64), np.float32), "class_rows": np.ones(64, np.float32)}
    return (
        FakeGraph(crop | {"appearance": np.ones(64, np.float32)}),
        FakeGraph({"embedding": np.ones(LAYOUT.size, np.float32), "visibility": np.ones(3, np.float32)}),
    )


@pytest.mark.parametrize(
    ("count", "max_batch", "batches"), [(7, 3, [3, 3, 1]), (6, 3, [3, 3]), (2, 8, [2]), (3, 1, [1, 1, 1]), (0, 4, [])]
)
def test_chunks_are_no_larger_than_allowed_and_no_row_is_added(count: int, max_batch: int, batches: list[int]) -> None:
    model = engine_model()
    on_crops, on_clips = fakes()
    encoder = EngineFrameEncoder(on_crops, model.crop_spec, 64, max_batch=max_batch)
    encodings = encoder.encode(crops_of(model, count))
    assert on_crops.batches == batches
    assert encodings.tokens.shape == (count, 9, 64)
    assert encodings.appearance.shape == (count, 64)
    head = EngineClipHead(on_clips, LAYOUT, FRAMES, max_batch=max_batch)
    embedded = head.embed([clip_of(encodings, [row]) for row in range(count)])
    assert on_clips.batches == batches
    assert embedded.vectors.shape == (count, LAYOUT.size)
    assert embedded.visibility.shape == (count, 3)


def test_what_does_not_fit_is_refused() -> None:
    model = engine_model()
    on_crops, on_clips = fakes()
    encoder = EngineFrameEncoder(on_crops, model.crop_spec, 64)
    with pytest.raises(ValueError, match="64x32 pixels, got 32x64"):
        encoder.encode(Crops(np.zeros((1, 32, 64, 3), np.uint8), np.zeros((1, 3, 8), np.float32)))
    with pytest.raises(ValueError, match="3 parts of 8 patches, got 2 of 8"):
        encoder.encode(Crops(np.zeros((1, 64, 32, 3), np.uint8), np.zeros((1, 2, 8), np.float32)))
    encodings = encoder.encode(crops_of(model, 4))
    with pytest.raises(ValueError, match="1 to 3 frames, got 4"):
        EngineClipHead(on_clips, LAYOUT, FRAMES).embed([clip_of(encodings, [0, 1, 2, 3])])
    for max_batch in (0, -1):
        with pytest.raises(ValueError, match=f"at least 1, got {max_batch}"):
            EngineFrameEncoder(on_crops, model.crop_spec, 64, max_batch=max_batch)
        with pytest.raises(ValueError, match=f"at least 1, got {max_batch}"):
            EngineClipHead(on_clips, LAYOUT, FRAMES, max_batch=max_batch)
