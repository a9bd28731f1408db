"""Cameras that come, go and rest while a run lasts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NotInTime

from keyreid_stream.camera_names import check_distinct
from keyreid_stream.errors import InputError
from keyreid_stream.interfaces import LiveSource, Source
from keyreid_stream.monitor.control import CameraState
from keyreid_stream.pipeline import Pipeline
from keyreid_stream.run_statistics import RunStatistics
from keyreid_stream.sources import LiveMerge

ANSWERED_WITHIN_S = 30.0
"""A change waits for the tick in hand; one that takes longer hangs."""


class RunControl:
    """Changes the cameras of a live run from any thread, each between two ticks; of a run of files it only tells.

    Args:
        pipeline: the run's.
        statistics: the run's.
        open_cameras: opens the cameras that a user names, as the run's own were.
        check_name: refuses a camera that the run's outputs cannot take.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        statistics: RunStatistics,
        open_cameras: Callable[[str], Sequence[Source]],
        check_name: Callable[[str], None],
    ) -> None:
        self._pipeline = pipeline
        self._statistics = statistics
        self._open_cameras = open_cameras
        self._check_name = check_name

    def add(self, spec: str) -> list[str]:
        """Open cameras and take their frames from the next tick on.

        Returns:
            Their names.

        Raises:
            InputError: they cannot be opened, are not live, or have a name that is taken.
        """
        sources: list[LiveSource] = []
        for source in self._open_cameras(spec):
            if not isinstance(source, LiveSource):
                raise InputError(f"camera {source.camera_id!r} is a file; only live cameras can join a live run")
            self._check_name(source.camera_id)
            sources.append(source)
        live = self._live
        names = [source.camera_id for source in sources]
        taken = [source.camera_id for source in live.cameras]
        check_distinct([(name, name) for name in (*taken, *names)])

        def join() -> None:
            for source in sources:
                self._pipeline.join(source)

        self._between_ticks(join)
        return names

    def remove(self, camera_id: str) -> None:
        """Close a camera and end its tracks.

        Raises:
            InputError: there is none of this name.
        """
        self._between_ticks(lambda: self._pipeline.leave(self._known(camera_id)))

    def pause(self, camera_id: str) -> None:
        """Look at no frame of a camera until `resume`; its connection stays, and its tracks end.

        Raises:
            InputError: there is none of this name.
        """
        self._between_ticks(lambda: self._live.pause(self._known(camera_id)))

    def resume(self, camera_id: str) -> None:
        """Look at a camera's frames again.

        Raises:
            InputError: there is none of this name.
        """
        self._between_ticks(lambda: self._live.resume(self._known(camera_id)))

    def stop(self) -> None:
        """End the run in good order after the tick in hand.

        Raises:
            InputError: the run is of files; it ends by itself.
        """
        self._live.stop()

    def states(self) -> list[CameraState]:
        """How every camera of the run is doing; those that left are gone."""
        live = self._pipeline.live
        sources = self._pipeline.sources if live is None else live.cameras
        return [self._state(source, frozenset() if live is None else live.paused) for source in sources]

    def _state(self, source: Source, paused: frozenset[str]) -> CameraState:
        counted = self._statistics.cameras.get(source.camera_id)
        counts = source.counts if isinstance(source, LiveSource) else None
        return CameraState(
            camera_id=source.camera_id,
            live=counts is not None,
            paused=source.camera_id in paused,
            counts=counts,
            frames_out=0 if counted is None else counted.frames,
        )

    @property
    def _live(self) -> LiveMerge:
        if self._pipeline.live is None:
            raise InputError("this run is of files; only the cameras of a live run can be changed")
        return self._pipeline.live

    def _known(self, camera_id: str) -> str:
        known = [source.camera_id for source in self._live.cameras]
        if camera_id not in known:
            raise InputError(f"there is no camera {camera_id!r}; the cameras are: {', '.join(known) or 'none'}")
        return camera_id

    def _between_ticks(self, change: Callable[[], object]) -> None:
        """Have a change made, and raise here what it raises there: a refused change must not end the run."""
        done: Future[None] = Future()

        def make() -> None:
            try:
                change()
            except Exception as error:  # noqa: BLE001
                done.set_exception(error)
            else:
                done.set_result(None)

        self._live.between_ticks(make)
        try:
            done.result(ANSWERED_WITHIN_S)
        except NotInTime:
            raise InputError(
                f"the run did not answer within {ANSWERED_WITHIN_S:.0f} s; it may have ended, or one tick hangs"
            ) from None
