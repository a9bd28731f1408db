"""Settings of augmentation."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class AugmentationConfig(BaseModel):
    """How clips are changed at random; a chance or strength of 0 leaves a change out.

    Attributes:
        flip: chance that a clip is mirrored.
        shift: frames are moved by up to this share of the crop's height, and as many pixels sideways.
        box: standard deviation of each edge of a frame's box, as a share of the crop's size: what a detector's boxes
            are off by.
        brightness: standard deviation of the clip's change of brightness, as a share of the range.
        contrast: standard deviation of the clip's change of contrast.
        tint: standard deviation of each colour's gain.
        blur: chance that a clip is out of focus.
        blur_radius: largest standard deviation of that blur, as a share of the crop's width.
        erase: chance that a rectangle of a frame is filled with grey.
        paste: chance that somebody else covers a side or the bottom of a clip's frames.
        smallest, largest: area of what is filled or covered, as a share of the crop.
        hide_covered: chance that a keypoint is lost where it is filled or covered.
        hide_keypoint: chance that a keypoint is lost.
        keypoint_noise: standard deviation of keypoints' places, as a share of the crop's width.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    flip: float = Field(default=0.5, ge=0, le=1)
    shift: float = Field(default=0.05, ge=0, le=0.5)
    box: float = Field(default=0.03, ge=0, le=0.2)
    brightness: float = Field(default=0.05, ge=0, le=1)
    contrast: float = Field(default=0.2, ge=0, le=1)
    tint: float = Field(default=0.05, ge=0, le=1)
    blur: float = Field(default=0.1, ge=0, le=1)
    blur_radius: float = Field(default=0.02, gt=0, le=0.2)
    erase: float = Field(default=0.4, ge=0, le=1)
    paste: float = Field(default=0.1, ge=0, le=1)
    smallest: float = Field(default=0.02, gt=0, le=1)
    largest: float = Field(default=0.33, gt=0, le=1)
    hide_covered: float = Field(default=0.5, ge=0, le=1)
    hide_keypoint: float = Field(default=0.02, ge=0, le=1)
    keypoint_noise: float = Field(default=0.02, ge=0, le=1)


PUBLISHED = AugmentationConfig(
    flip=0.5,
    shift=10 / 256,
    box=0,
    brightness=0,
    contrast=0,
    tint=0,
    blur=0,
    erase=0.5,
    paste=0,
    hide_covered=0,
    hide_keypoint=0,
    keypoint_noise=0,
)
"""The published recipe's changes (method section 4), with neutral fill and with left and right parts in order."""
