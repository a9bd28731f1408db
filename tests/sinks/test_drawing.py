from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keyreid_stream.models.parts import PART_NAMES
from keyreid_stream.sinks.drawing import Pen, annotate
from keyreid_stream.sinks.palette import PART_COLOURS, UNDECIDED, identity_colour
from keyreid_stream.structures import CameraTick, Detections, Frame, Tracks

CameraTickMaker = Callable[..., CameraTick]

GROUND = 90
IMAGE = np.full((720, 960, 3), GROUND, np.uint8)
BOX = (300.0, 200.0, 500.0, 600.0)


def keypoints_at(confidence: float, *shown: tuple[int, float, float]) -> np.ndarray:
    """(1, 17, 3) with only these keypoints, as (number, x, y)."""
    keypoints = np.zeros((1, 17, 3), np.float32)
    for number, x, y in shown:
        keypoints[0, number] = x, y, confidence
    return keypoints


def has(image: np.ndarray, colour: tuple[int, int, int]) -> bool:
    return bool((image == colour).all(axis=2).any())


def test_the_frame_is_not_touched(camera_tick: CameraTickMaker) -> None:
    drawn = annotate(camera_tick(image=IMAGE, rows=[(1, 1, BOX, 0.9)]))
    assert (IMAGE == GROUND).all()
    assert drawn.shape == IMAGE.shape
    assert not np.shares_memory(drawn, IMAGE)


def test_nobody_there_nothing_drawn(camera_tick: CameraTickMaker) -> None:
    assert (annotate(camera_tick(image=IMAGE)) == GROUND).all()


@pytest.mark.parametrize(("identity_id", "colour"), [(1, identity_colour(1)), (4, identity_colour(4)), (0, UNDECIDED)])
def test_a_box_has_its_identitys_colour(
    camera_tick: CameraTickMaker, identity_id: int, colour: tuple[int, int, int]
) -> None:
    drawn = annotate(camera_tick(image=IMAGE, rows=[(1, identity_id, BOX, 0.9)]))
    for x, y in ((300, 400), (500, 400), (400, 600), (480, 200)):
        assert tuple(drawn[y, x]) == colour
    assert (drawn[210:590, 310:490] == GROUND).all()
    assert (drawn[:, :290] == GROUND).all()


def test_an_identity_has_a_longer_label_than_an_undecided_track(camera_tick: CameraTickMaker) -> None:
    def label_width(identity_id: int) -> int:
        above = annotate(camera_tick(image=IMAGE, rows=[(1, identity_id, BOX, 0.9)]))[180:190]
        return int((above != GROUND).any(axis=(0, 2)).sum())

    assert label_width(1) > 1.5 * label_width(0) > 0


def test_a_label_without_room_above_goes_inside(camera_tick: CameraTickMaker) -> None:
    drawn = annotate(camera_tick(image=IMAGE, rows=[(1, 1, (900.0, 0.0, 959.0, 300.0), 0.9)]))
    plate = (drawn == identity_colour(1)).all(axis=2)
    assert plate[2:20, 880:958].mean() > 0.4  # moved left, so that it is whole


def test_a_prediction_has_a_thin_box(camera_tick: CameraTickMaker) -> None:
    def ink(*, predicted: bool) -> int:
        drawn = annotate(camera_tick(image=IMAGE, rows=[(1, 1, BOX, 0.9)], predicted=predicted))
        return int((drawn[400] == identity_colour(1)).all(axis=1).sum())

    assert 0 < ink(predicted=True) < ink(predicted=False)


@pytest.mark.parametrize(
    ("limb", "part"),
    [
        ((1, 3), "head"),
        *(((5, 11), "torso"), ((11, 12), "torso")),
        *(((5, 7), "left_arm"), ((7, 9), "left_arm")),
        *(((6, 8), "right_arm"), ((8, 10), "right_arm")),
        *(((11, 13), "left_leg"), ((13, 15), "left_leg")),
        *(((12, 14), "right_leg"), ((14, 16), "right_leg")),
    ],
)
def test_limbs_have_their_parts_colour(camera_tick: CameraTickMaker, limb: tuple[int, int], part: str) -> None:
    keypoints = keypoints_at(0.9, (limb[0], 400, 300), (limb[1], 400, 500))
    drawn = annotate(camera_tick(image=IMAGE, rows=[(1, 1, BOX, 0.9)], keypoints=keypoints))
    colours = dict(zip(PART_NAMES, PART_COLOURS, strict=True))
    assert tuple(drawn[400, 400]) == colours.pop(part)
    assert not any(has(drawn[300:500, 350:450], colour) for colour in colours.values())


def test_the_skeleton_belongs_to_the_tracks_own_detection() -> None:
    """Two detections, one track on the second: only the second one's skeleton is drawn."""
    keypoints = np.concatenate(
        [keypoints_at(0.9, (7, 100, 300), (9, 100, 500)), keypoints_at(0.9, (7, 400, 300), (9, 400, 500))]
    )
    boxes = np.array([(50, 200, 150, 600), BOX], np.float32)
    camera = CameraTick(
        Frame("cam", 0, 0.0, IMAGE),
        Detections(boxes, np.ones(2, np.float32), keypoints),
        Tracks(np.array([3]), boxes[1:], np.ones(1, np.float32), np.array([1])),
        np.array([1]),
        {},
    )
    drawn = annotate(camera)
    assert tuple(drawn[400, 400]) == PART_COLOURS[2]
    assert (drawn[:, :200] == GROUND).all()


@pytest.mark.parametrize("confidence", [0.0, 0.29, float("nan")])
def test_uncertain_keypoints_are_not_drawn(camera_tick: CameraTickMaker, confidence: float) -> None:
    keypoints = keypoints_at(confidence, (7, 400, 300), (9, 400, 500))
    drawn = annotate(camera_tick(image=IMAGE, rows=[(1, 1, BOX, 0.9)], keypoints=keypoints))
    assert (drawn[210:590, 310:490] == GROUND).all()


def test_scaling_scales_picture_and_overlay_alike(camera_tick: CameraTickMaker) -> None:
    keypoints = keypoints_at(0.9, (7, 400, 300), (9, 400, 500))
    drawn = annotate(camera_tick(image=IMAGE, rows=[(1, 1, BOX, 0.9)], keypoints=keypoints), scale=0.5)
    assert drawn.shape == (360, 480, 3)
    assert tuple(drawn[200, 150]) == identity_colour(1)
    assert drawn[200, 200] == pytest.approx(PART_COLOURS[2], abs=30)  # one smoothed pixel wide


def test_pens_grow_with_the_picture() -> None:
    pens = [Pen.for_height(height) for height in (96, 360, 720, 1080, 2160)]
    for attribute in ("box_line", "limb_line", "joint_radius", "letter_height"):
        sizes = [getattr(pen, attribute) for pen in pens]
        assert sizes == sorted(sizes)
        assert sizes[0] >= 1
        assert sizes[-1] > 2 * sizes[1]


coordinates = st.floats(allow_nan=False, width=32) | st.sampled_from([float("nan"), float("inf"), -float("inf")])


@settings(max_examples=60, deadline=None)
@given(
    st.tuples(coordinates, coordinates, coordinates, coordinates),
    st.tuples(coordinates, coordinates),
    st.integers(0, 10**9),
    st.sampled_from([(1, 1), (3, 200), (200, 3), (90, 120)]),
)
def test_whatever_the_numbers_a_picture_comes_out(
    box: tuple[float, ...], point: tuple[float, float], identity_id: int, size: tuple[int, int]
) -> None:
    keypoints = keypoints_at(0.9, (5, *point), (6, 10, 10), (11, 20, 30))
    boxes = np.array([box], np.float32)
    camera = CameraTick(
        Frame("cam", 0, 0.0, np.zeros((*size, 3), np.uint8)),
        Detections(boxes, np.ones(1, np.float32), keypoints),
        Tracks(np.array([10**9]), boxes, np.ones(1, np.float32), np.array([0])),
        np.array([identity_id]),
        {},
    )
    assert annotate(camera).shape == (*size, 3)
