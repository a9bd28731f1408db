from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest

from keyreid_stream.sinks.mp4 import Mp4File


def plain(brightness: int, height: int = 64, width: int = 96) -> np.ndarray:
    return np.full((height, width, 3), brightness, np.uint8)


def write(path: Path, pictures: list[tuple[np.ndarray, float]], fps: float = 10) -> Path:
    file = Mp4File(path, fps)
    for image, time in pictures:
        file.write(image, time)
    file.close()
    return path


def read(path: Path) -> list[tuple[np.ndarray, float]]:
    with av.open(str(path)) as container:
        return [(frame.to_ndarray(format="rgb24"), float(frame.time or 0)) for frame in container.decode(video=0)]


def test_pictures_and_irregular_times_come_back(tmp_path: Path) -> None:
    times = [0.0, 0.1, 0.25, 0.3, 1.0, 1 / 3 + 1]
    path = write(tmp_path / "a.mp4", [(plain(20 + 40 * i), time) for i, time in enumerate(times)])
    pictures = read(path)
    assert [time for _, time in pictures] == pytest.approx(times, abs=1e-4)
    assert [image.mean() for image, _ in pictures] == pytest.approx([20, 60, 100, 140, 180, 220], abs=3)


def test_a_file_starts_at_zero_wherever_the_clock_was(tmp_path: Path) -> None:
    path = write(tmp_path / "a.mp4", [(plain(0), 1.7e9), (plain(0), 1.7e9 + 0.5)])
    assert [time for _, time in read(path)] == pytest.approx([0, 0.5])


def test_times_that_stand_still_do_not_break_the_file(tmp_path: Path) -> None:
    times = [time for _, time in read(write(tmp_path / "a.mp4", [(plain(0), 1.0)] * 4))]
    assert len(times) == len(set(times)) == 4


def test_colours_survive_and_are_tagged(tmp_path: Path) -> None:
    image = plain(0)
    image[:, :32], image[:, 32:64], image[:, 64:] = (220, 30, 40), (30, 200, 60), (40, 60, 210)
    path = write(tmp_path / "a.mp4", [(image, 0.0)])
    ((read_back, _),) = read(path)
    for column in (16, 48, 80):
        assert read_back[32, column] == pytest.approx(image[32, column], abs=6)
    with av.open(str(path)) as container:
        codec = container.streams.video[0].codec_context
        assert (codec.name, codec.pix_fmt, int(codec.colorspace), int(codec.color_range)) == ("h264", "yuv420p", 1, 1)


@pytest.mark.parametrize(("height", "width"), [(63, 95), (64, 95), (1, 1), (17, 32)])
def test_odd_sizes_gain_a_row_or_column(tmp_path: Path, height: int, width: int) -> None:
    ((image, _),) = read(write(tmp_path / "a.mp4", [(plain(180, height, width), 0.0)]))
    assert image.shape == (height + height % 2, width + width % 2, 3)
    assert image.mean() == pytest.approx(180, abs=3)


def test_a_change_of_size_is_letterboxed_into_the_first(tmp_path: Path) -> None:
    path = write(tmp_path / "a.mp4", [(plain(200), 0.0), (plain(200, 96, 64), 0.1), (plain(200, 640, 960), 0.2)])
    first, second, third = (image for image, _ in read(path))
    assert first.shape == second.shape == third.shape == (64, 96, 3)
    assert second[32, 48].mean() == pytest.approx(200, abs=4)
    assert second[32, 8].mean() < 40
    assert third.mean() == pytest.approx(200, abs=3)


def test_the_name_appears_only_once_the_file_is_whole(tmp_path: Path) -> None:
    file = Mp4File(tmp_path / "a.mp4", 10)
    rng = np.random.default_rng(0)
    for index in range(60):  # more than the encoder keeps to itself
        file.write(rng.integers(0, 256, (64, 96, 3), dtype=np.uint8), index / 10)
    assert [path.name for path in tmp_path.iterdir()] == ["a.mp4.part"]
    file.close()
    file.close()
    assert [path.name for path in tmp_path.iterdir()] == ["a.mp4"]


def test_the_index_is_in_front(tmp_path: Path) -> None:
    data = write(tmp_path / "a.mp4", [(plain(1), 0.0)]).read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")


def test_nothing_written_no_file(tmp_path: Path) -> None:
    Mp4File(tmp_path / "a.mp4", 10).close()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("fps", [0.1, 10, 29.97, 30000 / 1001, 240])
def test_rates(tmp_path: Path, fps: float) -> None:
    path = write(tmp_path / "a.mp4", [(plain(1), i / fps) for i in range(5)], fps)
    with av.open(str(path)) as container:
        assert float(container.streams.video[0].average_rate or 0) == pytest.approx(fps, rel=1e-3)


def test_a_rate_near_zero(tmp_path: Path) -> None:
    """A picture an hour; rounded to the nearest rate that the file can hold, it would be none."""
    path = write(tmp_path / "a.mp4", [(plain(1), 0.0), (plain(1), 3600.0)], fps=1 / 3600)
    assert [time for _, time in read(path)] == pytest.approx([0, 3600])


def test_a_path_is_no_protocol_and_no_pattern(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    folder = Path("2026-11-05T10:30")
    folder.mkdir()
    write(folder / "50%d.mp4", [(plain(1), 0.0)])
    assert [path.name for path in folder.iterdir()] == ["50%d.mp4"]
    assert len(read(folder.resolve() / "50%d.mp4")) == 1


def test_the_same_pictures_give_the_same_file(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    pictures = [(rng.integers(0, 256, (64, 96, 3), dtype=np.uint8), i / 10) for i in range(8)]
    first, second = write(tmp_path / "a.mp4", pictures), write(tmp_path / "b.mp4", pictures)
    assert first.read_bytes() == second.read_bytes()
