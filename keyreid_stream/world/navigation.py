"""Ways across a floor plan, around what stands on it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import dijkstra

from keyreid_stream.world.scene import FOOTROOM_M
from keyreid_stream.world.solids import Solids
from keyreid_stream.world.structures import Points

_CELL_M = 0.2
_SHOULDER_ROOM_M = 0.3
"""Clearance of a straight line that may replace a detour: people turn sideways only where they must."""
_ROOMY_M = 0.6
"""From here on more clearance is not worth a detour."""
_CROWDED_PRICE = 4.0
"""How many times its length a step costs where there is no clearance."""
_NOWHERE = -9999
"""SciPy's mark for nodes without a predecessor."""


class FloorMap:
    """Shortest comfortable ways between places of a floor.

    The floor is a grid of cells; ways lead over cells that one can stand on, those near walls cost more, and corners
    are cut wherever a straight line has room for shoulders.
    """

    def __init__(self, size: tuple[float, float], solids: Solids) -> None:
        self.size = size
        self.solids = solids
        columns, rows = (max(1, int(length / _CELL_M)) for length in size)
        xs = (np.arange(columns) + 0.5) * size[0] / columns
        ys = (np.arange(rows) + 0.5) * size[1] / rows
        self._cells = np.stack(np.meshgrid(xs, ys), axis=-1).reshape(-1, 2)
        self._clearance = np.concatenate([solids.clearance(part) for part in np.array_split(self._cells, rows)])
        self._open = self._clearance >= FOOTROOM_M
        self._graph = _grid_graph(rows, columns, self._cells, self._clearance, self._open)
        self._ways: dict[int, tuple[NDArray[np.int32], Points]] = {}

    def places(self, rng: np.random.Generator, count: int, *, start: Points, clearance_m: float) -> Points:
        """Up to `count` random places (N, 2) that can be reached from `start`, with room around and between them."""
        _, costs = self._way_to(self._cell(start))
        candidates = self._cells[np.isfinite(costs) & (self._clearance >= clearance_m)]
        chosen: list[Points] = []
        for place in rng.permutation(candidates):
            if all(np.hypot(*(place - other)) > 2 * clearance_m for other in chosen):
                chosen.append(place)
            if len(chosen) == count:
                break
        return np.array(chosen).reshape(-1, 2)

    def is_reachable(self, start: Points, goal: Points) -> bool:
        """Whether there is a way at all."""
        return bool(np.isfinite(self._way_to(self._cell(goal))[1][self._cell(start)]))

    def route(self, start: Points, goal: Points) -> Points:
        """Corners (K, 2) of a way, `start` left out, `goal` last; `is_reachable` must hold."""
        goal_cell = self._cell(goal)
        towards, _ = self._way_to(goal_cell)
        cell, cells = self._cell(start), []
        while cell != goal_cell and cell != _NOWHERE:
            cells.append(cell)
            cell = int(towards[cell])
        corners = np.concatenate([start[None], self._cells[[*cells[1:], goal_cell]], goal[None]])
        return self._straightened(corners)[1:]

    def is_clear(self, start: Points, end: Points, clearance_m: float = _SHOULDER_ROOM_M) -> bool:
        """Whether one can walk straight from one place to another with this much room on both sides."""
        steps = max(2, int(np.hypot(*(end - start)) / 0.1) + 1)
        line = start + np.linspace(0, 1, steps)[:, None] * (end - start)
        return bool(self.solids.clearance(line).min() >= clearance_m)

    def _straightened(self, corners: Points) -> Points:
        kept = [0]
        while kept[-1] < len(corners) - 1:
            here, following = kept[-1], kept[-1] + 1
            # Doubling, then halving: how far one can see grows and shrinks with the way, so no need to try every cell.
            reach = 1
            while reach >= 1:
                ahead = min(following + reach, len(corners) - 1)
                if ahead > following and self.is_clear(corners[here], corners[ahead]):
                    following, reach = ahead, reach * 2
                else:
                    reach //= 2
            kept.append(following)
        return corners[kept]

    def _cell(self, place: Points) -> int:
        """The nearest cell that one can stand on."""
        distances = ((self._cells - place) ** 2).sum(axis=1)
        return int(np.where(self._open, distances, np.inf).argmin())

    def _way_to(self, goal: int) -> tuple[NDArray[np.int32], Points]:
        """For every cell: the next one on the way to `goal`, and what the way costs; kept, for goals come back."""
        if goal not in self._ways:
            costs, towards = dijkstra(self._graph, directed=False, indices=goal, return_predecessors=True)
            self._ways[goal] = (towards, costs)
        return self._ways[goal]


def _grid_graph(rows: int, columns: int, cells: Points, clearance: Points, is_open: NDArray[np.bool_]) -> csr_matrix:
    """Open cells joined to their eight neighbours, at the price of the way."""
    index = np.arange(rows * columns).reshape(rows, columns)
    pairs = np.concatenate(
        [
            np.stack([index[:, :-1].ravel(), index[:, 1:].ravel()]),
            np.stack([index[:-1].ravel(), index[1:].ravel()]),
            np.stack([index[:-1, :-1].ravel(), index[1:, 1:].ravel()]),
            np.stack([index[:-1, 1:].ravel(), index[1:, :-1].ravel()]),
        ],
        axis=1,
    )
    one, other = pairs[:, is_open[pairs].all(axis=0)]
    length = np.hypot(*(cells[one] - cells[other]).T)
    tight = np.clip(1 - np.minimum(clearance[one], clearance[other]) / _ROOMY_M, 0, 1)
    return csr_matrix((length * (1 + _CROWDED_PRICE * tight), (one, other)), shape=(len(cells), len(cells)))
