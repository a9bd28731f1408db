from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyreid_stream.errors import InputError
from keyreid_stream.sinks.mosaic import Grid, Mosaic, clock_text
from keyreid_stream.structures import CameraTick, Tick

CameraTickMaker = Callable[..., CameraTick]
TickMaker = Callable[..., Tick]


def plain(brightness: int, height: int = 120, width: int = 160) -> np.ndarray:
    return np.full((height, width, 3), brightness, np.uint8)


def centre(cell: np.ndarray) -> int:
    """Brightness near the middle, above the note that may stand in it."""
    return int(cell[cell.shape[0] // 4, cell.shape[1] // 2].mean())


def cells(image: np.ndarray, columns: int, rows: int) -> list[np.ndarray]:
    """The cells, cut by their count alone."""
    return [cell for row in np.array_split(image, rows, axis=0) for cell in np.array_split(row, columns, axis=1)]


@pytest.mark.parametrize(
    ("cameras", "columns", "rows"),
    [(1, 1, 1), (2, 2, 1), (3, 2, 2), (4, 2, 2), (5, 3, 2), (6, 3, 2), (7, 3, 3), (64, 8, 8)],
)
def test_grids_are_nearly_square(cameras: int, columns: int, rows: int) -> None:
    grid = Grid.of(cameras, 720, 1280)
    assert (grid.columns, grid.rows) == (columns, rows)


@given(st.integers(1, 100), st.integers(1, 5000), st.integers(1, 5000))
def test_a_grid_holds_all_and_stays_in_bounds(cameras: int, height: int, width: int) -> None:
    grid = Grid.of(cameras, height, width)
    assert grid.columns * grid.rows >= cameras
    assert grid.columns * (grid.rows - 1) < cameras
    assert grid.cell_height <= height
    assert grid.cell_width <= width
    assert grid.height <= 1080
    assert grid.width <= 1920
    image = np.zeros((grid.height, grid.width, 3), np.uint8)
    for place in range(cameras):
        cell = grid.cell(image, place)
        assert cell.shape == (grid.cell_height, grid.cell_width, 3)
        cell += 1
    assert image.max() == 1  # no two cells overlap


def test_cells_are_in_the_order_of_the_cameras(camera_tick: CameraTickMaker, tick: TickMaker) -> None:
    mosaic = Mosaic({"b": 10, "a": 10, "c": 10})
    image = mosaic.update(tick(*(camera_tick(name, image=plain(value)) for name, value in [("a", 60), ("b", 160)])))
    assert image is not None
    b, a, c, empty = cells(image, 2, 2)
    assert (centre(b), centre(a)) == (160, 60)
    assert centre(c) < 30
    assert c.max() > 200  # says that there is no picture yet
    assert empty.max() < 30


def test_names_and_times_are_written(camera_tick: CameraTickMaker, tick: TickMaker) -> None:
    mosaic = Mosaic({"a": 10})
    first = mosaic.update(tick(camera_tick("a", 0, image=plain(100))))
    second = mosaic.update(tick(camera_tick("a", 5, image=plain(100))))
    renamed = Mosaic({"x": 10}).update(tick(camera_tick("x", 0, image=plain(100))))
    assert first is not None
    assert second is not None
    assert renamed is not None
    for other in (second, renamed):
        changed = np.argwhere((first != other).any(axis=2))
        assert len(changed) > 5
        assert changed[:, 0].min() > 90  # the lower edge
        assert changed[:, 1].max() < 120


def test_a_camera_without_a_new_frame_keeps_its_picture_then_is_dimmed(
    camera_tick: CameraTickMaker, tick: TickMaker
) -> None:
    mosaic = Mosaic({"a": 10, "b": 10})
    mosaic.update(tick(camera_tick("a", 0, image=plain(160)), camera_tick("b", 0, image=plain(160))))

    def b_after(frame_index: int) -> int:
        image = mosaic.update(tick(camera_tick("a", frame_index, image=plain(160))))
        assert image is not None
        a, b = cells(image, 2, 1)
        assert centre(a) == 160
        return centre(b)

    assert b_after(10) == 160
    assert b_after(11) == 56
    assert b_after(12) == 56
    image = mosaic.update(tick(camera_tick("b", 13, image=plain(160))))
    assert image is not None
    assert centre(cells(image, 2, 1)[1]) == 160


def test_a_slow_camera_is_given_time(camera_tick: CameraTickMaker, tick: TickMaker) -> None:
    mosaic = Mosaic({"fast": 10, "slow": 0.5})
    mosaic.update(tick(camera_tick("fast", 0, image=plain(160)), camera_tick("slow", 0, image=plain(160))))
    for frame_index, brightness in ((59, 160), (61, 56)):
        image = mosaic.update(tick(camera_tick("fast", frame_index, image=plain(160))))
        assert image is not None
        assert centre(cells(image, 2, 1)[1]) == brightness


def test_other_shapes_are_letterboxed(camera_tick: CameraTickMaker, tick: TickMaker) -> None:
    mosaic = Mosaic({"wide": 10, "tall": 10})
    image = mosaic.update(
        tick(camera_tick("wide", image=plain(200)), camera_tick("tall", image=plain(200, height=160, width=60)))
    )
    assert image is not None
    _, tall = cells(image, 2, 1)
    assert centre(tall) == 200
    assert tall[30, 30].max() < 30


def test_before_the_first_picture_there_is_none(tick: TickMaker) -> None:
    assert Mosaic({"a": 10}).update(tick()) is None


def test_a_camera_that_joins_gets_a_cell_and_the_others_keep_their_pictures(
    camera_tick: CameraTickMaker, tick: TickMaker
) -> None:
    mosaic = Mosaic({"a": 10})
    alone = mosaic.update(tick(camera_tick("a", 0, image=plain(160))))
    with_b = mosaic.update(replace(tick(camera_tick("b", 1, image=plain(60))), joined={"b": 10.0}))
    assert alone is not None
    assert with_b is not None
    assert with_b.shape[1] > alone.shape[1]
    assert [centre(cell) for cell in cells(with_b, 2, 1)] == [160, 60]


def test_a_camera_that_joins_before_the_first_picture_counts_too(camera_tick: CameraTickMaker, tick: TickMaker) -> None:
    mosaic = Mosaic({"a": 10})
    assert mosaic.update(replace(tick(), joined={"b": 10.0})) is None
    image = mosaic.update(tick(camera_tick("b", 1, image=plain(60))))
    assert image is not None
    assert centre(cells(image, 2, 1)[1]) == 60


def test_an_unknown_camera_is_refused(camera_tick: CameraTickMaker, tick: TickMaker) -> None:
    with pytest.raises(InputError, match="'x' was not announced; the mosaic has cells for: a, b"):
        Mosaic({"a": 10, "b": 10}).update(tick(camera_tick("x")))


def test_no_camera_is_refused() -> None:
    with pytest.raises(InputError, match="name at least one"):
        Mosaic({})


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0:00.0"),
        (12.34, "0:12.3"),
        (59.96, "1:00.0"),
        (61, "1:01.0"),
        (3599.99, "1:00:00.0"),
        (3723.4, "1:02:03.4"),
    ],
)
def test_clock(seconds: float, text: str) -> None:
    assert clock_text(seconds) == text


def test_live_cameras_show_the_time_of_day() -> None:
    when = datetime(2026, 3, 1, 14, 5, 9).astimezone()
    assert clock_text(when.timestamp() + 0.25) == "14:05:09"
