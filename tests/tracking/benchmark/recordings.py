"""Small recordings in MOTChallenge's layout: painted people, and networks that know them by their left edge."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np

from keyreid_stream.structures import Crops, Encodings, FloatArray, ImageArray
from keyreid_stream.tracking.benchmark import KeyReIDEntrant, PictureEntrant
from tests.tracking.scenes import ColourEncoder, MeanHead

Box = tuple[int, int, int, int]
COLOURS = {1: (220, 20, 20), 2: (20, 200, 20), 3: (20, 20, 220), 4: (200, 200, 20)}
HEIGHT, WIDTH = 240, 320


def record(
    folder: Path, name: str, frames: Sequence[Mapping[int, Box]], *, visibility: float = 1.0, public: bool = False
) -> None:
    """Write a sequence: who is where in each frame. Whoever stands further to the right hides others."""
    root = folder / name
    for kind in ("img1", "gt", "det"):
        (root / kind).mkdir(parents=True, exist_ok=True)
    truth, detections = [], []
    for number, people in enumerate(frames, start=1):
        picture = np.full((HEIGHT, WIDTH, 3), 128, np.uint8)
        for who, (x1, y1, x2, y2) in sorted(people.items(), key=lambda one: one[1]):
            picture[y1:y2, x1:x2] = COLOURS[who][::-1]
            place = f"{x1},{y1},{x2 - x1},{y2 - y1}"
            truth.append(f"{number},{who},{place},1,1,{visibility}")
            detections.append(f"{number},-1,{place},0.9")
        cv2.imwrite(str(root / "img1" / f"{number:06d}.png"), picture)
    (root / "gt" / "gt.txt").write_text("\n".join(truth) + "\n")
    if public:
        (root / "det" / "det.txt").write_text("\n".join(detections) + "\n")


def swap(frames: int = 12) -> list[dict[int, Box]]:
    """Two people side by side who change places at half time: boxes alone take one for the other."""
    left, right = (100, 60, 140, 160), (114, 60, 154, 160)
    return [{1: left, 2: right} if index < frames // 2 else {1: right, 2: left} for index in range(frames)]


def walk(frames: int = 10) -> list[dict[int, Box]]:
    """Three people walking apart; one comes late."""
    return [
        {1: (20 + 3 * index, 60, 60 + 3 * index, 160), 2: (260 - 3 * index, 70, 300 - 3 * index, 170)}
        | ({3: (150, 20 + index, 185, 110 + index)} if index > 2 else {})
        for index in range(frames)
    ]


class EdgeEncoder(ColourEncoder):
    """Knows people by the colour of the left quarter of their crop, the part that nobody hides."""

    def encode(self, crops: Crops) -> Encodings:
        edge = np.ascontiguousarray(crops.images[:, :, : crops.images.shape[2] // 4])
        return super().encode(Crops(np.repeat(edge, 4, axis=2), crops.part_weights))


def edge_colours(pictures: Sequence[ImageArray]) -> FloatArray:
    return np.stack([one[:, : max(one.shape[1] // 4, 1)].mean(axis=(0, 1)) + 1 for one in pictures]).astype(np.float32)


def blind(pictures: Sequence[ImageArray]) -> FloatArray:
    """Everybody looks the same."""
    return np.ones((len(pictures), 3), np.float32)


def keyreid(encoder: ColourEncoder | None = None) -> KeyReIDEntrant:
    return KeyReIDEntrant("keyreid:edge", "a" * 64, encoder or EdgeEncoder(), MeanHead())


def other(embed: object = edge_colours, name: str = "onnx:other.onnx") -> PictureEntrant:
    return PictureEntrant(name, "b" * 64, embed)  # type: ignore[arg-type]
