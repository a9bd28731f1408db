"""Compiled models of OpenVINO behind the seam `Graph`: one batch after another, or in pieces side by side."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from itertools import pairwise
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from keyreid_engines.backend import Arrays, as_contiguous
from keyreid_engines.errors import EngineError

Hint: TypeAlias = Literal["latency", "throughput"]


class OpenVinoGraph:
    """A compiled model that takes a batch as a whole."""

    def __init__(self, compiled: Any) -> None:
        """Make its only request."""
        self._outputs = [output.any_name for output in compiled.outputs]
        self._request = compiled.create_infer_request()

    def __call__(self, inputs: Mapping[str, NDArray[Any]]) -> Arrays:
        """Outputs for one batch; copies, since the next call writes over the originals."""
        results = self._request.infer(as_contiguous(inputs), share_inputs=True)
        return {name: results[name].copy() for name in self._outputs}


class OpenVinoQueue:
    """A compiled model that cuts a batch into as many even pieces as it has requests, which run side by side."""

    def __init__(self, compiled: Any, make_queue: Callable[[Any, int], Any], requests: int = 0) -> None:
        """Make its requests.

        Args:
            compiled: the model.
            make_queue: `openvino.AsyncInferQueue`.
            requests: how many; 0 for as many as OpenVINO finds best.
        """
        self._outputs = [output.any_name for output in compiled.outputs]
        self._make: Callable[[], Any] = lambda: make_queue(compiled, requests)
        self._queue = self._make()

    @property
    def requests(self) -> int:
        """How many pieces run side by side."""
        return len(self._queue)

    def __call__(self, inputs: Mapping[str, NDArray[Any]]) -> Arrays:
        """Outputs for one batch, its rows in their order.

        Raises:
            EngineError: a piece failed; the next call begins anew.
        """
        rows = as_contiguous(inputs)
        pieces = _pieces(len(next(iter(rows.values()))), self.requests)
        # Rows of a contiguous array are contiguous: nothing is copied, and `rows` outlives every request.
        answers: dict[int, Arrays] = {}
        self._queue.set_callback(self._noting(answers))
        try:
            for number, piece in enumerate(pieces):
                self._queue.start_async({name: array[piece] for name, array in rows.items()}, number, share_inputs=True)
            self._queue.wait_all()
        except Exception as error:
            self._begin_anew()
            raise EngineError(f"OpenVINO failed on a batch ({last_line(error)}); use --backend onnxruntime") from error
        return {
            name: np.concatenate([answers[number][name] for number in range(len(pieces))]) for name in self._outputs
        }

    def _noting(self, answers: dict[int, Arrays]) -> Callable[[Any, int], None]:
        """Called as each piece is done, in any order."""

        def note(request: Any, number: int) -> None:
            answers[number] = {name: request.get_tensor(name).data.copy() for name in self._outputs}

        return note

    def _begin_anew(self) -> None:
        """A queue keeps its first error for ever; pieces that still run must end before their inputs go."""
        broken = self._queue
        for request in broken:
            with suppress(Exception):  # the first error is the one that is told
                request.wait()
        self._queue = self._make()


def last_line(error: BaseException) -> str:
    """OpenVINO tells where in its own source first, and what is wrong last."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else type(error).__name__


def _pieces(rows: int, most: int) -> list[slice]:
    """At most so many slices that cover all rows and differ by one row at most."""
    count = min(rows, max(most, 1))
    edges = [rows * edge // count for edge in range(count + 1)]
    return [slice(first, last) for first, last in pairwise(edges)]
