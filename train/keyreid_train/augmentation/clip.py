"""Random changes of one clip.

What a camera or a walk decides (mirror, light, focus) is drawn once per clip, what a frame decides (place, occlusion)
once per frame.
"""

from __future__ import annotations

import cv2
import numpy as np

from keyreid_stream.models.parts import flip_keypoints
from keyreid_stream.structures import FloatArray, ImageArray
from keyreid_train.augmentation.config import AugmentationConfig
from keyreid_train.augmentation.cover import GREY, Region, erased_region, pasted_region
from keyreid_train.augmentation.place import moved, reboxed
from keyreid_train.data.structures import ClipSample


def augmented(
    sample: ClipSample,
    config: AugmentationConfig,
    generator: np.random.Generator,
    *,
    other: ImageArray | None = None,
) -> ClipSample:
    """A changed copy of a clip.

    Args:
        sample: the clip.
        config: how much is changed.
        generator: where all randomness comes from.
        other: (H, W, 3) a crop of somebody else, who stands in front in every frame; None for nobody.
    """
    images, keypoints = sample.images, sample.keypoints
    width = images.shape[2]
    if generator.random() < config.flip:
        images, keypoints = images[:, :, ::-1], flip_keypoints(keypoints, width)
    images = _blurred(_relit(images, config, generator), config, generator)
    frames, points, covered = [], [], []
    for image, one in zip(images, keypoints, strict=True):
        image, one = moved(*reboxed(image, one, config, generator), config, generator)
        regions = [erased_region(image, config, generator), pasted_region(image, other, config, generator)]
        frames.append(image)
        points.append(_disturbed(one, [region for region in regions if region is not None], config, generator, width))
        covered.append(any(region is not None for region in regions))
    return ClipSample(np.stack(frames), np.stack(points), np.maximum(sample.erased, np.array(covered, np.float32)))


def _relit(images: ImageArray, config: AugmentationConfig, generator: np.random.Generator) -> ImageArray:
    """Change contrast, brightness and the gain of each colour by a table of 256 values per colour."""
    contrast = np.clip(1 + config.contrast * generator.standard_normal(), 0.4, 1.8)
    tint = np.clip(1 + config.tint * generator.standard_normal(3), 0.7, 1.4)
    offset = 255 * config.brightness * generator.standard_normal()
    levels = (np.arange(256)[:, None] - GREY) * contrast * tint + GREY + offset
    table = np.clip(np.rint(levels), 0, 255).astype(np.uint8)
    return np.stack([np.asarray(cv2.LUT(np.ascontiguousarray(image), table[:, None]), np.uint8) for image in images])


def _blurred(images: ImageArray, config: AugmentationConfig, generator: np.random.Generator) -> ImageArray:
    """Perhaps put the clip out of focus."""
    if generator.random() >= config.blur:
        return images
    sigma = generator.uniform(0.2, 1) * config.blur_radius * images.shape[2]
    return np.stack([np.asarray(cv2.GaussianBlur(image, (0, 0), sigma), np.uint8) for image in images])


def _disturbed(
    keypoints: FloatArray,
    covered: list[Region],
    config: AugmentationConfig,
    generator: np.random.Generator,
    width: int,
) -> FloatArray:
    """Keypoints (17, 3) displaced a little, and some of them lost, more of those that are covered."""
    lost = generator.random(len(keypoints)) < config.hide_keypoint
    under = np.zeros(len(keypoints), bool)
    for region in covered:
        under |= region.holds(keypoints)
    lost |= under & (generator.random(len(keypoints)) < config.hide_covered)
    noise = config.keypoint_noise * width * generator.standard_normal((len(keypoints), 2))
    disturbed = keypoints.copy()
    disturbed[:, :2] += noise.astype(np.float32)
    disturbed[lost, 2] = 0
    return disturbed
