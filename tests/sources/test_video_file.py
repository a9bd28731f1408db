from __future__ import annotations

import os
import struct
import wave
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace

import av
import numpy as np
import pytest

from keyreid_stream.errors import InputError, SourceError
from keyreid_stream.sources import VideoFileSource, video_file

MakeVideo = Callable[..., Path]


def brightness_number(image: np.ndarray) -> int:
    """The number that the fixture's picture shows (see `numbered_picture`)."""
    height, width = image.shape[:2]
    return round((float(image[height // 2 :, width // 2 :].mean()) - 40) / 8)


def test_frames_are_rgb_in_order_with_true_times(make_video: MakeVideo) -> None:
    source = VideoFileSource(make_video("gate.mkv", [0, 100, 250, 300, 900]))
    frames = list(source.frames())
    assert source.camera_id == "gate"
    assert source.fps == pytest.approx(10, rel=0.6)
    assert [frame.camera_id for frame in frames] == ["gate"] * 5
    assert [frame.frame_index for frame in frames] == [0, 1, 2, 3, 4]
    assert [frame.timestamp_s for frame in frames] == pytest.approx([0, 0.1, 0.25, 0.3, 0.9])
    assert [brightness_number(frame.image) for frame in frames] == [0, 1, 2, 3, 4]
    assert frames[0].image.shape == (64, 96, 3)
    red, green, blue = frames[0].image[4, 4]
    assert red > 180
    assert max(green, blue) < 80


def test_a_late_start_begins_at_zero(make_video: MakeVideo) -> None:
    frames = list(VideoFileSource(make_video(milliseconds=[5000, 5100, 5200])).frames())
    assert [frame.timestamp_s for frame in frames] == pytest.approx([0, 0.1, 0.2])


@pytest.mark.parametrize(("name", "codec"), [("a.mp4", "libx264"), ("a.avi", "mpeg4"), ("a.ts", "libx264")])
def test_common_containers_with_reordered_frames(make_video: MakeVideo, name: str, codec: str) -> None:
    frames = list(VideoFileSource(make_video(name, range(0, 2000, 100), codec=codec)).frames())
    assert [brightness_number(frame.image) for frame in frames] == list(range(20))
    assert np.diff([frame.timestamp_s for frame in frames]) == pytest.approx(np.full(19, 0.1))


def test_thinning_keeps_indices_of_the_file(make_video: MakeVideo) -> None:
    source = VideoFileSource(make_video(milliseconds=range(0, 1000, 100)), max_fps=5)
    frames = list(source.frames())
    assert [frame.frame_index for frame in frames] == [0, 2, 4, 6, 8]
    assert [brightness_number(frame.image) for frame in frames] == [0, 2, 4, 6, 8]
    assert source.fps == 5
    assert VideoFileSource(make_video(milliseconds=range(0, 1000, 100)), max_fps=500).fps == pytest.approx(10)


@pytest.mark.parametrize("fps", [0, -5])
def test_a_rate_that_is_none_is_refused(make_video: MakeVideo, fps: float) -> None:
    with pytest.raises(InputError, match="above 0"):
        VideoFileSource(make_video(), max_fps=fps)


@pytest.mark.parametrize(
    ("rotation", "corner"),
    [(90, np.s_[-10:, :6]), (-90, np.s_[:10, -6:]), (180, np.s_[-6:, -10:]), (0, np.s_[:6, :10])],
)
def test_rotation_is_applied(make_video: MakeVideo, rotation: int, corner: tuple[slice, slice]) -> None:
    """The red block of the upper left corner goes where a counter-clockwise turn takes it."""
    path = make_video("phone.mp4", [0, 100], codec="libx264", rotation=rotation)
    image = next(VideoFileSource(path).frames()).image
    assert image.shape == ((96, 64, 3) if abs(rotation) == 90 else (64, 96, 3))
    assert image.flags.c_contiguous
    assert image[corner][..., 0].mean() > 170
    assert image[corner][..., 1].mean() < 90


def damaged(path: Path, *, seed: int) -> Path:
    """Overwrite bytes of the pictures, not of the index at the end."""
    data = bytearray(path.read_bytes())
    rng = np.random.default_rng(seed)
    for start in rng.integers(len(data) // 4, len(data) - 5000, 6):
        data[start : start + 80] = rng.integers(0, 256, 80, dtype=np.uint8).tobytes()
    result = path.with_name(f"damaged{path.suffix}")
    result.write_bytes(data)
    return result


@pytest.fixture
def noisy_video(tmp_path: Path) -> Path:
    """Sixty H.264 pictures with too much detail to fit between two damages."""
    rng = np.random.default_rng(0)
    path = tmp_path / "noisy.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=10, options={"g": "10"})
        stream.height, stream.width, stream.pix_fmt = 120, 160, "yuv420p"
        for _ in range(60):
            image = rng.integers(0, 256, (120, 160, 3), dtype=np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode(None))
    return path


def test_damaged_frames_are_counted_and_decoding_goes_on(noisy_video: Path) -> None:
    source = VideoFileSource(damaged(noisy_video, seed=3))
    frames = list(source.frames())
    assert 3 <= source.corrupt_frames <= 6
    assert len(frames) + source.corrupt_frames == 60
    assert frames[-1].frame_index == 59
    assert frames[-1].timestamp_s == pytest.approx(5.9)


def test_a_damaged_file_decodes_the_same_every_time(noisy_video: Path) -> None:
    source = VideoFileSource(damaged(noisy_video, seed=4))
    first, second = list(source.frames()), list(source.frames())
    assert source.corrupt_frames > 0
    assert [frame.frame_index for frame in first] == [frame.frame_index for frame in second]
    assert all(np.array_equal(a.image, b.image) for a, b in zip(first, second, strict=True))


class FakeFrame:
    """A decoded frame with whatever time stamp."""

    rotation = 0

    def __init__(self, pts: int | None, *, is_corrupt: bool = False) -> None:
        self.pts = pts
        self.is_corrupt = is_corrupt

    def to_ndarray(self, **_: str) -> np.ndarray:
        return np.zeros((2, 2, 3), np.uint8)


def test_damaged_and_far_off_time_stamps_move_no_other_frame(
    make_video: MakeVideo, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Milliseconds, as the file's time base is; the second is of a damaged frame, the fourth of a sound one."""
    source = VideoFileSource(make_video("a.mkv"))
    stamps = [0, 90_000_000, 200, 70_000_000, 400, None, 600]
    decoded = [FakeFrame(pts, is_corrupt=at == 1) for at, pts in enumerate(stamps)]
    monkeypatch.setattr(video_file, "_decode", lambda container, stream: iter([*decoded, None]))
    frames = list(source.frames())
    assert [frame.frame_index for frame in frames] == [0, 2, 3, 4, 5, 6]
    assert [frame.timestamp_s for frame in frames] == pytest.approx([0, 0.2, 0.3, 0.4, 0.5, 0.6])
    assert source.corrupt_frames == 2
    assert source.repaired_timestamps == 2


class FakePacket:
    """A packet that decodes to one frame, or to an error."""

    def __init__(self, frame: object | None) -> None:
        self._frame = frame

    def decode(self) -> list[object]:
        if self._frame is None:
            raise av.error.InvalidDataError(1, "damaged")
        return [self._frame]


def test_packets_and_reads_that_fail_are_counted_in_place() -> None:
    good = SimpleNamespace(name="good")

    class Container:
        def __init__(self) -> None:
            self.script = [FakePacket(good), FakePacket(None), OSError, FakePacket(good)]

        def demux(self, stream: object) -> object:
            while self.script:
                if (item := self.script.pop(0)) is OSError:
                    raise av.error.OSError(5, "read failed")
                yield item

    assert list(video_file._decode(Container(), None)) == [good, None, None, good]  # type: ignore[arg-type]


def test_a_file_that_cannot_be_read_on_ends() -> None:
    class Container:
        def demux(self, stream: object) -> object:
            yield FakePacket("first")
            raise av.error.OSError(5, "read failed")

    class Broken:
        def demux(self, stream: object) -> object:
            raise av.error.OSError(5, "read failed")
            yield

    assert set(video_file._decode(Broken(), None)) == {None}  # type: ignore[arg-type]
    first, *_ = video_file._decode(Broken(), None)  # type: ignore[arg-type]
    assert first is None
    assert next(video_file._decode(Container(), None)) == "first"  # type: ignore[arg-type]


def test_closing_the_iterator_closes_the_file(make_video: MakeVideo, monkeypatch: pytest.MonkeyPatch) -> None:
    closed: list[bool] = []
    opened = video_file._open

    class Watched:
        def __init__(self, path: Path) -> None:
            self.container = opened(path)

        def __enter__(self) -> object:
            return self.container

        def __exit__(self, *error: object) -> None:
            closed.append(True)
            self.container.close()

    source = VideoFileSource(make_video())
    monkeypatch.setattr(video_file, "_open", Watched)
    frames = source.frames()
    next(frames)
    assert not closed
    frames.close()  # type: ignore[attr-defined]
    assert closed == [True]


def write_text(path: Path) -> None:
    path.write_text("not a video\n" * 200)


def write_nothing(path: Path) -> None:
    path.touch()


def write_noise(path: Path) -> None:
    path.write_bytes(os.urandom(5000))


def write_sound(path: Path) -> None:
    with wave.open(str(path), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes(struct.pack("<800h", *range(800)))


def write_picture(path: Path) -> None:
    with av.open(str(path), "w", format="image2") as container:
        stream = container.add_stream("png", rate=1)
        stream.height, stream.width, stream.pix_fmt = 16, 16, "rgb24"
        container.mux(stream.encode(av.VideoFrame.from_ndarray(np.zeros((16, 16, 3), np.uint8), format="rgb24")))


@pytest.mark.parametrize(
    ("name", "write", "message"),
    [
        ("gone.mp4", lambda path: None, "does not exist"),
        ("folder.mp4", lambda path: path.mkdir(), "is a directory"),
        ("empty.mp4", write_nothing, "0 bytes"),
        ("text.mp4", write_text, "cannot be read as a video"),
        ("text.txt", write_text, "text or a single picture"),
        ("noise.mp4", write_noise, "cannot be read as a video"),
        ("sound.wav", write_sound, "no video stream"),
        ("picture.png", write_picture, "text or a single picture"),
    ],
)
def test_what_is_no_video_is_refused_at_once(
    tmp_path: Path, name: str, write: Callable[[Path], object], message: str
) -> None:
    path = tmp_path / name
    write(path)
    with pytest.raises(SourceError, match=message) as caught:
        VideoFileSource(path)
    assert str(path) in str(caught.value)
    assert "; " in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_video_without_one_good_frame_is_refused(make_video: MakeVideo) -> None:
    path = make_video("a.mkv", [0, 100])
    data = path.read_bytes()
    start = data.index(b"\xff\xd8\xff")
    path.write_bytes(data[: start + 2] + bytes(len(data) - start - 2))
    with pytest.raises(SourceError, match=r"no frame that can be decoded|cannot be read as a video"):
        VideoFileSource(path)


def test_a_playlist_cannot_reach_the_network(tmp_path: Path) -> None:
    path = tmp_path / "list.m3u8"
    path.write_text("#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nhttp://127.0.0.1:9/a.ts\n#EXT-X-ENDLIST\n")
    with pytest.raises(SourceError):
        VideoFileSource(path)


def test_a_file_that_vanishes_is_a_source_error(make_video: MakeVideo) -> None:
    path = make_video()
    source = VideoFileSource(path)
    path.unlink()
    with pytest.raises(SourceError, match="does not exist"):
        next(source.frames())


@pytest.mark.data
def test_the_lab_cameras_decode_completely() -> None:
    data = Path(os.environ.get("KEYREID_DATA", "../shared/data"))
    path = data / "lab_4cam" / "cam0.mp4"
    if not path.exists():
        pytest.skip(f"{path} is missing: set KEYREID_DATA to the shared data folder")
    source = VideoFileSource(path, max_fps=1)
    frames = list(source.frames())
    assert VideoFileSource(path).fps == 10
    assert [frame.frame_index for frame in frames] == list(range(0, 268, 10))
    assert frames[-1].image.shape == (728, 1288, 3)
    assert source.corrupt_frames == source.repaired_timestamps == 0
    assert frames[-1].timestamp_s == float(Fraction(26))
