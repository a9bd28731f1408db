"""What a camera does to its pictures and to time: exposure, colour, blur, noise, compression; lost frames."""

from __future__ import annotations

import zlib

import cv2
import numpy as np

from keyreid_stream.structures import ImageArray
from keyreid_stream.world.scene import CameraView, Sensor


def expose(image: ImageArray, sensor: Sensor, rng: np.random.Generator) -> ImageArray:
    """The picture as the sensor delivers it.

    Light is scaled and blurred, noise is added, and the result is compressed, in this order.

    Args:
        image: (H, W, 3) uint8 RGB, as rendered.
        sensor: the camera's.
        rng: this frame's own, made from seed, camera and frame index: then a frame's noise depends on nothing else.

    Returns:
        A new (H, W, 3) uint8 RGB image.
    """
    gains = sensor.exposure * np.array(sensor.white_balance)
    levels = np.clip(np.rint(np.arange(256)[:, None] * gains), 0, 255).astype(np.uint8)
    exposed: ImageArray = cv2.LUT(image, levels[None])
    if sensor.blur_px > 0:
        exposed = cv2.GaussianBlur(exposed, (0, 0), sensor.blur_px)
    if sensor.noise > 0:
        noise = rng.standard_normal(exposed.shape, dtype=np.float32) * np.float32(sensor.noise)
        exposed = np.clip(np.rint(exposed + noise), 0, 255).astype(np.uint8)
    if sensor.jpeg_quality is not None:
        exposed = _compressed(exposed, sensor.jpeg_quality)
    return exposed


def frame_times(view: CameraView, seconds: float, seed: int) -> tuple[float, ...]:
    """When the frames are taken that arrive, on the world's clock.

    Frames are due every 1 / fps from 0 to before `seconds`; those in an outage (its end not included) or dropped do
    not come. The camera's clock offset is no part of these times: add `view.sensor.clock_offset_s` for timestamps.

    Args:
        view: the camera; its name and the seed choose which frames are dropped.
        seconds: how long the film is.
        seed: the world's.
    """
    count = max(0, int(np.ceil(seconds * view.fps - 1e-9)))
    times = np.arange(count) / view.fps
    # A longer film drops the same frames as a shorter one, and one more frame each.
    chances = np.random.default_rng([seed, zlib.crc32(view.name.encode())]).random(count)
    arrive = chances >= view.sensor.dropped
    for start, end in view.sensor.outages:
        arrive &= (times < start) | (times >= end)
    return tuple(times[arrive].tolist())


def _compressed(image: ImageArray, quality: int) -> ImageArray:
    _, packed = cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, quality])
    unpacked: ImageArray = cv2.cvtColor(cv2.imdecode(packed, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)
    return unpacked
