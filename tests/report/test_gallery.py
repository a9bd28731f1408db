from __future__ import annotations

import numpy as np

from keyreid_stream.report.gallery import cell_of, gallery_sheet
from keyreid_stream.report.people import PersonSeen, Stay
from keyreid_stream.sinks import BestCrop
from keyreid_stream.sinks.palette import identity_colour


def crop(level: int) -> BestCrop:
    return BestCrop(np.full((160, 80, 3), level, np.uint8), 0.0, 0, (0.0, 0.0, 80.0, 160.0), 1.0)


def person(identity_id: int, **levels: int) -> PersonSeen:
    stays = {camera_id: (Stay(1.0, 2.0),) for camera_id in levels}
    return PersonSeen(identity_id, stays, {camera_id: crop(level) for camera_id, level in levels.items()})


def test_every_crop_is_in_the_row_of_its_identity_and_the_column_of_its_camera() -> None:
    sheet = gallery_sheet([person(1, a=200, b=60), person(5, b=120)], ["a", "b"])
    levels = [[int(cell_of(sheet, row, column)[104, 60, 0]) for column in (0, 1)] for row in (0, 1)]
    assert levels[0] == [200, 60]
    assert levels[1][1] == 120
    assert levels[1][0] < 50  # camera a never saw 5
    for row, identity_id in enumerate((1, 5)):
        marked = np.zeros_like(sheet)
        cell_of(marked, row, 0)[:] = 1
        striped = (sheet[:, 2] == identity_colour(identity_id)).all(axis=1)
        assert (striped == marked.any(axis=(1, 2))).all()


def test_a_sheet_of_nobody_is_a_picture_all_the_same() -> None:
    sheet = gallery_sheet([], ["a"])
    assert sheet.shape[2] == 3
    assert sheet.size > 0


def test_a_crowd_fits_into_a_jpeg_and_long_camera_names_stay_in_their_columns() -> None:
    sheet = gallery_sheet([person(number, a=9) for number in range(1, 400)], ["a", "a_camera_with_a_very_long_name"])
    assert sheet.shape[0] < 65_535
