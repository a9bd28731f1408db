"""Frames in shared memory, within one process and between two."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator

import numpy as np
import pytest

from keyreid_stream.decoder.slots import FrameSlots, Picture, shared_memory_file


@pytest.fixture
def memory() -> Iterator[int]:
    descriptor = shared_memory_file()
    yield descriptor
    os.close(descriptor)


def picture(number: int, height: int = 4, width: int = 6, epoch: int = 0) -> Picture:
    image = np.full((height, width, 3), number % 256, np.uint8)
    return Picture(image, epoch, number, 100.0 + number, 200.0 + number, 0.5)


def test_what_is_written_is_taken_once_as_it_was(memory: int) -> None:
    writer, reader = FrameSlots(memory), FrameSlots(memory)
    assert reader.take() is None
    writer.write(picture(7, epoch=2))
    taken = reader.take()
    assert taken is not None
    assert taken[1:] == (2, 7, 107.0, 207.0, 0.5)
    assert np.array_equal(taken.image, picture(7).image)
    assert reader.take() is None


def test_the_newest_is_taken(memory: int) -> None:
    writer, reader = FrameSlots(memory), FrameSlots(memory)
    for number in range(10):
        writer.write(picture(number))
    taken = reader.take()
    assert taken is not None
    assert taken.number == 9


def test_a_taken_picture_is_a_copy(memory: int) -> None:
    writer, reader = FrameSlots(memory), FrameSlots(memory)
    writer.write(picture(1))
    taken = reader.take()
    for number in range(2, 8):
        writer.write(picture(number))
    assert taken is not None
    assert (taken.image == 1).all()


def test_pictures_of_other_sizes_come_whole(memory: int) -> None:
    writer, reader = FrameSlots(memory), FrameSlots(memory)
    for number, (height, width) in enumerate([(4, 6), (1, 1), (40, 60), (2, 3), (400, 600), (4, 6), (401, 600)]):
        writer.write(picture(number, height, width))
        taken = reader.take()
        assert taken is not None
        assert taken.image.shape == (height, width, 3)
        assert (taken.image == number).all()


def test_the_slot_that_is_being_read_is_not_written_to(memory: int) -> None:
    writer, reader = FrameSlots(memory), FrameSlots(memory)
    writer.write(picture(0))
    read = int(reader._state["newest"][0])
    reader._state["reading"] = read
    for number in range(1, 20):
        writer.write(picture(number))
        assert int(writer._state["newest"][0]) != read


def test_a_writer_that_comes_after_a_killed_one_goes_on(memory: int) -> None:
    reader = FrameSlots(memory)
    FrameSlots(memory).write(picture(3))
    assert reader.take() is not None
    FrameSlots(memory).write(picture(4, epoch=1))
    taken = reader.take()
    assert taken is not None
    assert (taken.epoch, taken.number) == (1, 4)


_WRITER = """
import sys, time
import numpy as np
from keyreid_stream.decoder.slots import FrameSlots, Picture
slots = FrameSlots(int(sys.argv[1]))
until, number = time.monotonic() + 2, 0
while time.monotonic() < until:
    size = 120 + number % 3
    slots.write(Picture(np.full((size, 160, 3), number % 251, np.uint8), 0, number, 0.0, 0.0, 0.0))
    number += 1
"""


def test_no_picture_is_ever_torn_while_another_process_writes_as_fast_as_it_can(memory: int) -> None:
    reader = FrameSlots(memory)
    with subprocess.Popen([sys.executable, "-c", _WRITER, str(memory)], pass_fds=(memory,)) as writer:
        numbers = []
        deadline = time.monotonic() + 60
        while writer.poll() is None:
            assert time.monotonic() < deadline
            taken = reader.take()
            if taken is not None:
                numbers.append(taken.number)
                assert taken.image.shape[0] == 120 + taken.number % 3
                assert (taken.image == taken.number % 251).all()
    assert writer.returncode == 0
    assert len(numbers) > 50
    assert numbers == sorted(set(numbers))


def test_the_decoders_package_is_light() -> None:
    """There is a process for every camera: nothing of the models may come with it."""
    script = (
        "import sys; import keyreid_stream.decoder.__main__; "
        "print([name for name in ('torch', 'cv2', 'scipy', 'pydantic', 'ultralytics') if name in sys.modules])"
    )
    said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert said.strip() == "[]"
