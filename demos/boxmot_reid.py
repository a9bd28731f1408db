"""KeyRe-ID in plain BoxMOT code. The model is untrained and people are coloured rectangles: it runs anywhere."""

import numpy as np
from boxmot import BotSort

from keyreid_stream.encoders.torch_encoder import TorchClipHead, TorchFrameEncoder
from keyreid_stream.models.build import build_model
from keyreid_stream.models.config import named_model
from keyreid_stream.tracking import ClipTracker, KeyReIDAppearance

COLOURS = ((200, 40, 40), (40, 160, 40))  # BGR


def scene(index: int) -> tuple[np.ndarray, np.ndarray]:
    """Frame `index`, BGR, and its detections as BoxMOT wants them: two people walking towards each other."""
    image = np.full((240, 320, 3), 128, np.uint8)
    boxes = [(20 + 6 * index, 60, 60 + 6 * index, 160), (260 - 6 * index, 70, 300 - 6 * index, 170)]
    for (x1, y1, x2, y2), colour in zip(boxes, COLOURS, strict=True):
        image[y1:y2, x1:x2] = colour
    return image, np.array([[*box, 0.9, 0] for box in boxes], np.float32)


def main(frames: int = 8) -> None:
    """Track people by their single crops, then by their clips."""
    model = build_model(named_model("tiny"), seed=0)
    appearance = KeyReIDAppearance(TorchFrameEncoder(model))
    by_crops = BotSort(reid_model=appearance, use_cmc=False)
    by_clips = ClipTracker(BotSort(use_cmc=False), appearance, TorchClipHead(model))
    for index in range(frames):
        image, detections = scene(index)
        crops, clips = by_crops.update(detections, image), by_clips.update(detections, image)
        print(f"frame {index}: tracks by crops {crops[:, 4].astype(int)}, by clips {clips[:, 4].astype(int)}")
    for track_id, embedding in by_clips.embeddings.items():
        print(f"track {track_id}: a clip embedding of {embedding.vector.size} numbers")


if __name__ == "__main__":
    main()
