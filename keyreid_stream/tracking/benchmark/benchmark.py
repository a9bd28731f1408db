"""Networks side by side: the same boxes, the same tracker, the same scores."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from importlib.metadata import version
from pathlib import Path, PurePath
from typing import Any

from keyreid_stream.errors import InputError
from keyreid_stream.interfaces import ClipHead
from keyreid_stream.tracking.benchmark.build import materialise
from keyreid_stream.tracking.benchmark.entrants import Entrant
from keyreid_stream.tracking.benchmark.evaluation import evaluate_build, tracker_options
from keyreid_stream.tracking.benchmark.people import PeopleFinder, RememberedDetections
from keyreid_stream.tracking.benchmark.record import BenchmarkRecord, Row
from keyreid_stream.tracking.benchmark.sequences import Sequences
from keyreid_stream.tracking.clip_tracker import ClipTracker
from keyreid_stream.tracking.config import ClipConfig
from keyreid_stream.tracking.options import quiet_boxmot
from keyreid_stream.tracking.version import require_boxmot

_PACKAGES = ("keyreid-stream", "boxmot", "torch", "numpy")


def _say_nothing(words: str) -> None:
    """The usual listener to progress."""


class Benchmark:
    """BoxMOT's evaluation of re-ID networks on the same detections.

    Each network's appearances are written into a BoxMOT build by BoxMOT's stages, replayed through the tracker by its
    replay and scored by its evaluation. A network that makes clips runs a second time, with every track's newest clip
    written back (`ClipTracker`). Builds lie in a temporary folder and are removed as soon as they are scored. Nothing
    is downloaded or installed; BoxMOT remembers the checksums of the data's files in its own cache folder.
    """

    def __init__(
        self,
        sequences: Sequences,
        people: PeopleFinder,
        tracker: str,
        *,
        clips: ClipConfig | None = None,
        keep_tracks: Path | None = None,
        progress: Callable[[str], None] = _say_nothing,
    ) -> None:
        """Set it up.

        Args:
            sequences: the data.
            people: where boxes come from.
            tracker: a BoxMOT tracker that looks at appearance.
            clips: when clips are cut and embedded.
            keep_tracks: folder for the tracks, `<row>-<network>-<crops|clips>/<sequence>.txt`; None to keep none.
            progress: is told what is done now.

        Raises:
            ConfigError: there is no such tracker, or it does not look at appearance.
            InputError: there are tracks already where they shall be kept.
            KeyReIDError: the installed BoxMOT is not one we support.
        """
        require_boxmot()
        self._options = tracker_options(tracker)
        self._sequences, self._people, self._tracker = sequences, people, tracker
        self._clips, self._keep_tracks, self._progress = clips or ClipConfig(), keep_tracks, progress
        if keep_tracks is not None and keep_tracks.exists() and any(keep_tracks.iterdir()):
            raise InputError(f"{keep_tracks} is not empty; give another folder for tracks, or remove it")

    def run(self, entrants: Sequence[Entrant], *, command: str = "") -> BenchmarkRecord:
        """Score networks, in this order.

        Args:
            entrants: the networks.
            command: for the record.

        Raises:
            InputError: BoxMOT cannot read the data, or a network gave appearances without direction.
        """
        with tempfile.TemporaryDirectory(prefix="keyreid-boxmot-") as scratch, quiet_boxmot():
            dataset = self._sequences.write_dataset(Path(scratch))
            catalog = self._sequences.catalog(dataset)
            samples = tuple(one for one in catalog.samples if one.sequence_id in self._sequences.names)
            detector = RememberedDetections(self._people)
            rows: list[Row] = []
            for entrant in entrants:
                for row, tracks in self._rows(entrant, detector, catalog, samples, dataset):
                    rows.append(row)
                    self._keep(tracks, row, len(rows))
        return BenchmarkRecord(
            data=str(self._sequences.folder),
            data_sha256=catalog.fingerprint,
            frames=len(samples),
            detections=self._people.words,
            boxes=detector.boxes,
            keypoints=detector.has_keypoints,
            tracker=self._tracker,
            options=self._options,
            rows=tuple(rows),
            versions={package: version(package) for package in _PACKAGES},
            command=command,
        )

    def _rows(
        self, entrant: Entrant, detector: RememberedDetections, catalog: Any, samples: Sequence[Any], dataset: Path
    ) -> Iterator[tuple[Row, Path]]:
        """The rows of one network, each with the folder of its tracks, which is there until the next."""
        builds, tracks = dataset.parent / "builds", dataset.parent / "tracks"
        self._progress(f"{entrant.name}: looking at {len(samples)} frames")
        build, appearance = materialise(catalog, samples, detector, self._people.words, entrant, builds)
        for clip_head in (None,) if entrant.clip_head is None else (None, entrant.clip_head):
            self._progress(f"{entrant.name}: tracks match by {'crops' if clip_head is None else 'clips'}")
            combined, each = evaluate_build(
                build, self._sequences, dataset, self._tracker, tracks, self._wrap(appearance, clip_head)
            )
            clips = clip_head is not None
            row = Row(name=entrant.name, sha256=entrant.sha256, clips=clips, combined=combined, sequences=each)
            yield row, tracks
            shutil.rmtree(tracks)
        shutil.rmtree(builds)

    def _keep(self, tracks: Path, row: Row, number: int) -> None:
        if self._keep_tracks is not None:
            kind, _, what = row.name.partition(":")
            name = f"{number}-{kind}-{PurePath(what).name}-{'clips' if row.clips else 'crops'}"
            shutil.copytree(tracks, self._keep_tracks / name)

    def _wrap(self, appearance: Any, clip_head: ClipHead | None) -> Callable[[Any], Any]:
        if clip_head is None:
            return lambda tracker: tracker
        return lambda tracker: ClipTracker(tracker, appearance, clip_head, clips=self._clips)
