from __future__ import annotations

from collections.abc import Sequence

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from keyreid_stream.errors import InputError
from keyreid_stream.structures import Encodings, TrackKey
from keyreid_stream.tracking import ClipBuffer, ClipConfig

KEY = TrackKey("cam", 1)


def encodings(values: Sequence[float], *, tokens: int = 3, dim: int = 2, parts: int = 2) -> Encodings:
    """A batch whose crop i is filled with values[i]."""
    column = torch.tensor(values, dtype=torch.float32)
    return Encodings(
        column[:, None, None].repeat(1, tokens, dim),
        column[:, None].repeat(1, dim),
        column[:, None, None].repeat(1, parts, tokens - 1),
        column[:, None].repeat(1, dim).numpy(),
    )


def values(buffer: ClipBuffer, key: TrackKey = KEY) -> list[float]:
    """What a taken clip holds, after checking that its three tensors tell the same crops."""
    clip = buffer.take(key)
    kept = clip.class_rows[:, 0].tolist()
    assert clip.tokens[:, 0, 0].tolist() == kept
    assert clip.part_weights[:, 0, 0].tolist() == kept
    return kept


def due_at(config: ClipConfig, frames_per_clip: int, pushes: int) -> list[int]:
    """After which pushes (1-based) a clip is due, when every due clip is taken."""
    buffer, due = ClipBuffer(config, frames_per_clip), []
    for count in range(1, pushes + 1):
        buffer.push(KEY, encodings([count]), 0)
        if buffer.is_due(KEY):
            buffer.take(KEY)
            due.append(count)
    return due


def test_a_clip_is_the_last_crops_oldest_first() -> None:
    buffer = ClipBuffer(ClipConfig(), 4)
    for value in range(6):
        buffer.push(KEY, encodings([-1, value, -2]), 1)
    assert values(buffer) == [2, 3, 4, 5]


def test_a_young_track_has_a_short_clip() -> None:
    buffer = ClipBuffer(ClipConfig(), 4)
    buffer.push(KEY, encodings([7]), 0)
    assert values(buffer) == [7]


def test_the_stride_keeps_every_so_many_crops_and_counts_all() -> None:
    buffer = ClipBuffer(ClipConfig(clip_stride=3), 3)
    for value in range(11):
        buffer.push(KEY, encodings([value]), 0)
    assert values(buffer) == [3, 6, 9]
    assert buffer.observations(KEY) == 11


@pytest.mark.parametrize(
    ("config", "due"),
    [
        (ClipConfig(), [2, 4, 8, 12, 16]),
        (ClipConfig(min_crops=1), [1, 4, 8, 12, 16]),
        (ClipConfig(min_crops=4), [4, 8, 12, 16]),
        (ClipConfig(min_crops=8), [4, 8, 12, 16]),
        (ClipConfig(embed_every=5), [2, 4, 9, 14]),
        (ClipConfig(min_crops=1, embed_every=1), list(range(1, 17))),
        (ClipConfig(min_crops=1, embed_every=2), [1, 3, 4, 6, 8, 10, 12, 14, 16]),
        (ClipConfig(clip_stride=3), [4, 10]),
    ],
)
def test_when_clips_are_due(config: ClipConfig, due: list[int]) -> None:
    assert due_at(config, 4, 16) == due


def test_a_clip_stays_due_until_it_is_taken() -> None:
    buffer = ClipBuffer(ClipConfig(min_crops=1), 4)
    buffer.push(KEY, encodings([1]), 0)
    assert buffer.is_due(KEY)
    assert buffer.is_due(KEY)
    buffer.take(KEY)
    assert not buffer.is_due(KEY)


def test_tracks_do_not_mix() -> None:
    buffer = ClipBuffer(ClipConfig(), 4)
    same_number_elsewhere = TrackKey("other", KEY.track_id)
    batch = encodings([1, 2])
    buffer.push(KEY, batch, 0)
    buffer.push(same_number_elsewhere, batch, 1)
    assert values(buffer) == [1]
    assert values(buffer, same_number_elsewhere) == [2]


def test_a_crop_does_not_change_with_the_batch_it_came_from() -> None:
    buffer, batch = ClipBuffer(ClipConfig(), 4), encodings([1])
    buffer.push(KEY, batch, 0)
    for tensor in (batch.tokens, batch.class_rows, batch.part_weights):
        tensor.zero_()
    assert values(buffer) == [1]


def test_a_dropped_track_starts_anew() -> None:
    buffer = ClipBuffer(ClipConfig(), 4)
    buffer.push(KEY, encodings([1]), 0)
    buffer.drop(KEY)
    buffer.drop(KEY)
    assert (len(buffer), buffer.observations(KEY), buffer.is_due(KEY)) == (0, 0, False)
    with pytest.raises(InputError, match="no crops of track 1 of camera 'cam'"):
        buffer.take(KEY)
    buffer.push(KEY, encodings([5]), 0)
    assert values(buffer) == [5]


def test_a_clip_needs_room() -> None:
    with pytest.raises(ValueError, match="frames_per_clip 0"):
        ClipBuffer(ClipConfig(), 0)


actions = st.lists(
    st.tuples(st.sampled_from(["push", "drop", "take"]), st.integers(1, 4), st.integers(1, 9)), max_size=60
)


@given(actions, st.integers(1, 5), st.integers(1, 3))
def test_memory_is_flat(steps: list[tuple[str, int, int]], frames_per_clip: int, stride: int) -> None:
    """Whatever happens, a track holds at most T crops, each on memory of its own size: no batch is kept alive."""
    buffer = ClipBuffer(ClipConfig(clip_stride=stride), frames_per_clip)
    for action, track_id, batch in steps:
        key = TrackKey("cam", track_id)
        if action == "push":
            buffer.push(key, encodings([0.0] * batch), batch - 1)
        elif action == "drop":
            buffer.drop(key)
        elif buffer.observations(key):
            assert 1 <= len(buffer.take(key)) <= frames_per_clip
    crops = [crop for track in buffer._tracks.values() for crop in track._kept]
    assert len(crops) <= frames_per_clip * len(buffer)
    for crop in crops:
        for tensor in (crop.tokens, crop.class_row, crop.part_weights):
            assert tensor.untyped_storage().nbytes() == tensor.numel() * tensor.element_size()


def held_bytes(buffer: ClipBuffer) -> int:
    """Of all memory behind the buffer's tensors, each piece counted once, also what only a part of is used."""
    crops = [crop for track in buffer._tracks.values() for crop in track._kept]
    tensors = [tensor for crop in crops for tensor in (crop.tokens, crop.class_row, crop.part_weights)]
    storages = [tensor.untyped_storage() for tensor in tensors]
    return sum({storage.data_ptr(): storage.nbytes() for storage in storages}.values())


def test_200_tracks_hold_the_same_memory_however_long_they_run() -> None:
    """Tracks come and go; what their tokens take is known beforehand: T crops for each that is there."""
    frames, tracks, renewed = 4, 200, 20
    sizes = {"tokens": 33, "dim": 16, "parts": 6}
    row = 4 * (sizes["tokens"] * sizes["dim"] + sizes["dim"] + sizes["parts"] * (sizes["tokens"] - 1))
    buffer, alive = ClipBuffer(ClipConfig(), frames), list(range(tracks))
    held = []
    for tick in range(60):
        batch = encodings([float(tick)] * tracks, **sizes)
        for position, track_id in enumerate(alive):
            key = TrackKey("cam", track_id)
            buffer.push(key, batch, position)
            if buffer.is_due(key):
                buffer.take(key)
        del batch
        if tick % 20 == 10:  # some people leave and others come
            for position in range(renewed):
                buffer.drop(TrackKey("cam", alive[position]))
            alive[:renewed] = range(max(alive) + 1, max(alive) + 1 + renewed)
        if tick % 20 == 19:
            held.append(held_bytes(buffer))
    assert len(buffer) == tracks
    assert held == [tracks * frames * row] * 3
