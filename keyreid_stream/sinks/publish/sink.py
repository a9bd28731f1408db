"""What a run decides, on its way to other systems; the run never waits for them."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from keyreid_stream.errors import InputError
from keyreid_stream.geometry.calibration import CameraCalibration
from keyreid_stream.sinks.floor_places import floor_places
from keyreid_stream.sinks.publish.config import PublishBase
from keyreid_stream.sinks.publish.messages import Message
from keyreid_stream.sinks.publish.publisher import Publisher
from keyreid_stream.sinks.publish.sender import Batch, Sender
from keyreid_stream.sinks.publish.spool import Spool, SpoolError
from keyreid_stream.structures import CameraTick, Tick

logger = logging.getLogger("keyreid_stream.sinks")

_EARLY = 1e-6
"""Of a picture's interval: times are rounded."""


class PublishSink:
    """Puts messages into a spool, whose thread brings them to a receiver.

    A receiver that is away or a spool that cannot be written does not disturb the run: it is logged once, counted in
    `gauges`, and told to the receiver as a gap.

    Args:
        name: of the output.
        publisher: the receiver's client.
        config: what is sent and how much is kept.
        spool: the file of messages that wait.
        run_id: of the run; part of every message's id.
        calibrations: tells which cameras' calibrations are used now, for places on the floor.
    """

    def __init__(
        self,
        name: str,
        publisher: Publisher,
        config: PublishBase,
        spool: Path,
        run_id: str,
        calibrations: Callable[[], Mapping[str, CameraCalibration]] = dict,
    ) -> None:
        self.name = name
        self._publisher = publisher
        self._config = config
        self._run_id = run_id
        self._calibrations = calibrations
        self._spool = Spool(spool, max_messages=config.spool_messages, max_bytes=config.spool_bytes)
        self._sender = Sender(name, publisher, self._spool, Batch(config.batch_messages, config.batch_bytes))
        self._stack = ExitStack()
        self._is_open = False
        self._events = 0
        self._sightings = 0
        self._slots: dict[str, int] = {}
        self._spool_problem = False

    def __enter__(self) -> Self:
        """Open the spool and begin to send what is in it.

        Raises:
            InputError: the spool is in use, damaged, or cannot be made.
        """
        self._stack.enter_context(self._spool)
        self._sender.start()
        self._is_open = True
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        self._is_open = False
        self._sender.stop(self._config.drain_s)
        left = len(self._spool)
        self._stack.__exit__(kind, error, trace)
        if left:
            logger.warning(
                "output %s: %d messages are not sent yet; they stay in %s for the next run that is given it",
                self.name,
                left,
                self._spool.path,
            )

    def check(self) -> None:
        """Refuse a spool that is there and cannot be used, before anything is written.

        Raises:
            InputError: it is in use, damaged, or of another kind.
        """
        if self._spool.path.exists():
            with self._spool:
                pass

    def write(self, tick: Tick) -> None:
        """Take the tick's events and, if wanted, sightings.

        Raises:
            InputError: the sink is not open, or an event lacks what its kind needs.
        """
        if not self._is_open:
            raise InputError("the output is not open; write to it inside `with PublishSink(...)`")
        messages = self._of_events(tick) + self._of_sightings(tick)
        if not messages:
            return
        try:
            self._spool.append(messages)
        except SpoolError as error:
            if not self._spool_problem:
                logger.error("output %s: %s; what cannot be kept is counted", self.name, error)
            self._spool_problem = True
        else:
            self._spool_problem = False
        self._sender.wake()

    def gauges(self) -> Mapping[str, float]:
        """How the output is doing, for metrics: what waits, what was sent, what was lost."""
        return {
            "waiting_messages": float(len(self._spool)),
            "waiting_bytes": float(self._spool.size),
            "sent": float(self._sender.sent),
            "dropped": float(self._spool.dropped),
            "failures": float(self._sender.failures),
            "away": float(bool(self._sender.problem)),
        }

    @property
    def counts(self) -> dict[str, int | str]:
        """What happened to messages, for `run.json`; `problem` is why the receiver took none the last time."""
        return {
            "sent": self._sender.sent,
            "waiting": len(self._spool),
            "dropped": self._spool.dropped,
            "failures": self._sender.failures,
            "problem": self._sender.problem,
        }

    def _of_events(self, tick: Tick) -> list[Message]:
        """Events count also if they are not sent: an event has one id in all outputs."""
        first = self._events + 1
        self._events += len(tick.events)
        if not self._config.events:
            return []
        return [Message.of_event(self._run_id, number, event) for number, event in enumerate(tick.events, first)]

    def _of_sightings(self, tick: Tick) -> list[Message]:
        messages = []
        for seen in tick.cameras:
            if self._due(seen):
                self._sightings += 1
                floor_xy = floor_places(seen, self._calibrations().get(seen.frame.camera_id))
                messages.append(Message.of_sightings(self._run_id, self._sightings, seen, floor_xy))
        return messages

    def _due(self, seen: CameraTick) -> bool:
        """Whether it is the first picture of its slot: the rate is then right on average at any rate of the camera."""
        if not self._config.sightings_fps:
            return False
        slot = math.floor(seen.frame.timestamp_s * self._config.sightings_fps + _EARLY)
        if self._slots.get(seen.frame.camera_id) == slot:
            return False
        self._slots[seen.frame.camera_id] = slot
        return True
