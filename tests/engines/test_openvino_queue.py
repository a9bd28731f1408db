from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyreid_engines.cache import EngineCache
from keyreid_engines.errors import EngineError
from keyreid_engines.openvino_backend import OpenVinoBackend
from keyreid_engines.openvino_graph import OpenVinoGraph, OpenVinoQueue, _pieces
from keyreid_engines.seam import EngineEncoders
from keyreid_stream.encoders import EncoderConfig
from keyreid_stream.errors import ConfigError
from tests.engines.engine_models import crops_of, engine_model, exported, loaded_model


@pytest.fixture(scope="module")
def pair() -> tuple[OpenVinoGraph, OpenVinoQueue]:
    """The same frame encoder, as a whole and in pieces."""
    backend = OpenVinoBackend()
    files = backend.compile(exported("aligned", "frame_encoder", "float32").content)
    whole = backend.load(files, "float32", 2)
    pieces = backend.hinted("throughput").load(files, "float32", 2)
    assert isinstance(whole, OpenVinoGraph)
    assert isinstance(pieces, OpenVinoQueue)
    return whole, pieces


def test_throughput_has_several_requests(pair: tuple[OpenVinoGraph, OpenVinoQueue]) -> None:
    assert pair[1].requests >= 2


@pytest.mark.parametrize("count", [1, 2, 3, 7, 16])
def test_pieces_answer_as_the_whole_in_the_same_order(pair: tuple[OpenVinoGraph, OpenVinoQueue], count: int) -> None:
    images = crops_of(engine_model(), count).images
    wanted, answered = pair[0]({"images": images}), pair[1]({"images": images})
    assert list(answered) == list(wanted)
    for name, array in wanted.items():
        assert answered[name].shape == array.shape
        np.testing.assert_allclose(answered[name], array, rtol=1e-6, atol=1e-6 * float(np.abs(array).max()))


def test_earlier_answers_are_not_written_over(pair: tuple[OpenVinoGraph, OpenVinoQueue]) -> None:
    images = crops_of(engine_model(), 5).images
    first = pair[1]({"images": images})["tokens"]
    kept = first.copy()
    pair[1]({"images": 255 - images})
    assert np.array_equal(first, kept)


def test_a_failing_batch_is_told_and_the_next_one_answered(pair: tuple[OpenVinoGraph, OpenVinoQueue]) -> None:
    images = crops_of(engine_model(), 4).images
    with pytest.raises(EngineError, match="OpenVINO failed on a batch"):
        pair[1]({"images": images[:, :-1]})
    wanted = pair[0]({"images": images})["tokens"]
    np.testing.assert_allclose(pair[1]({"images": images})["tokens"], wanted, rtol=1e-6, atol=1e-5)


class Output:
    any_name = "doubled"


class Compiled:
    outputs = (Output(),)


class Tensor:
    def __init__(self, data: np.ndarray) -> None:
        self.data = data


class Request:
    def __init__(self, inputs: dict[str, np.ndarray]) -> None:
        self.inputs = inputs
        self.waited = False

    def get_tensor(self, name: str) -> Tensor:
        assert name == "doubled"
        return Tensor(2 * self.inputs["rows"])

    def wait(self) -> None:
        self.waited = True


class BackwardsQueue:
    """Finishes its requests last one first; one that holds a negative row fails, as OpenVINO tells it: at the end."""

    made: ClassVar[list[BackwardsQueue]] = []

    def __init__(self, compiled: object, requests: int) -> None:
        self.size = requests
        self.started: list[tuple[Request, int]] = []
        self.made.append(self)

    def __len__(self) -> int:
        return self.size

    def __iter__(self) -> Iterator[Request]:
        return iter([request for request, _ in self.started])

    def set_callback(self, callback: Any) -> None:
        self.callback = callback

    def start_async(self, inputs: dict[str, np.ndarray], userdata: int, share_inputs: bool) -> None:
        assert share_inputs
        self.started.append((Request(inputs), userdata))

    def wait_all(self) -> None:
        for request, number in reversed(self.started):
            if (request.inputs["rows"] < 0).any():
                raise RuntimeError("Exception from src/cpu.cpp:7:\nnegative row")
            self.callback(request, number)
        self.started = []


def test_rows_keep_their_order_whichever_piece_is_done_first() -> None:
    queue = OpenVinoQueue(Compiled(), BackwardsQueue, 3)
    rows = np.arange(10)
    assert queue({"rows": rows})["doubled"].tolist() == (2 * rows).tolist()
    assert queue({"rows": rows[:2]})["doubled"].tolist() == [0, 2]


def test_the_error_of_one_request_reaches_the_caller_and_all_are_waited_for() -> None:
    BackwardsQueue.made.clear()
    queue = OpenVinoQueue(Compiled(), BackwardsQueue, 3)
    with pytest.raises(EngineError, match=r"\(negative row\); use --backend onnxruntime"):
        queue({"rows": np.array([1, 2, -3, 4, 5])})
    broken, fresh = BackwardsQueue.made
    assert [request.waited for request in broken] == [True, True, True]
    assert queue({"rows": np.array([4])})["doubled"].tolist() == [8]
    assert fresh.started == []


@given(rows=st.integers(1, 200), most=st.integers(1, 9))
def test_pieces_cover_every_row_once_and_are_even(rows: int, most: int) -> None:
    pieces = _pieces(rows, most)
    assert [row for piece in pieces for row in range(rows)[piece]] == list(range(rows))
    sizes = [piece.stop - piece.start for piece in pieces]
    assert len(pieces) == min(rows, most)
    assert max(sizes) - min(sizes) <= 1


def test_the_hint_is_a_setting_and_shares_the_engine(tmp_path: Any) -> None:
    lines: list[str] = []
    cache = EngineCache(tmp_path)
    crops = crops_of(engine_model(), 4)
    given_by = []
    for hint in ("latency", "throughput"):
        config = EncoderConfig.model_validate(
            {"backend": "openvino", "precision": "float32", "device": "cpu", "hint": hint}
        )
        given_by.append(EngineEncoders(lines.append, cache)(loaded_model(), config)[0].encode(crops).appearance)
    assert [line.split()[0] for line in lines] == ["building"]
    np.testing.assert_allclose(given_by[1], given_by[0], rtol=1e-5, atol=1e-6 * float(np.abs(given_by[0]).max()))


def test_a_hint_for_another_backend_is_refused() -> None:
    with pytest.raises((ConfigError, ValueError), match="hint throughput is for openvino, not for onnxruntime"):
        EncoderConfig.model_validate({"backend": "onnxruntime", "hint": "throughput"})
