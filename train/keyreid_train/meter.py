"""Means of a training's figures between two lines of its log."""

from __future__ import annotations

import time

from keyreid_train.learner import Lesson
from keyreid_train.losses.total import LossTerms

LOG_COLUMNS = (
    "epoch",
    "step",
    "learning_rate",
    *LossTerms._fields,
    "accuracy",
    "images_per_second",
    "seconds_per_step",
)


class LossMeter:
    """Collects lessons; a line is their mean, and starts anew."""

    def __init__(self) -> None:
        self._lessons: list[Lesson] = []
        self._images = 0
        self._since = time.perf_counter()

    def add(self, lesson: Lesson, images: int) -> None:
        """Count a batch of so many images."""
        self._lessons.append(lesson)
        self._images += images

    def line(self) -> dict[str, float]:
        """The means since the last line; there must have been a batch."""
        count = len(self._lessons)
        values = {
            name: sum(float(getattr(lesson.terms, name)) for lesson in self._lessons) / count
            for name in LossTerms._fields
        }
        values["accuracy"] = sum(float(lesson.accuracy) for lesson in self._lessons) / count
        now = time.perf_counter()
        values["images_per_second"] = self._images / (now - self._since)
        values["seconds_per_step"] = (now - self._since) / count
        self._lessons, self._images, self._since = [], 0, now
        return values
