"""A build replayed through a tracker and scored, as `boxmot eval` does both."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from keyreid_stream.errors import ConfigError
from keyreid_stream.tracking.benchmark.record import Figures
from keyreid_stream.tracking.benchmark.sequences import Sequences
from keyreid_stream.tracking.options import confirm_as_configured
from keyreid_stream.tracking.trackers import TRACKERS

MATCHES_APPEARANCE = tuple(name for name, traits in TRACKERS.items() if traits.write is not None)
"""The trackers to whom a re-ID network makes a difference."""

_CLASS = "pedestrian"


def tracker_options(tracker: str) -> Mapping[str, Any]:
    """What a tracker is set to: BoxMOT's tuned settings, all of which switch appearance on.

    Raises:
        ConfigError: there is no such tracker, or it does not look at appearance.
    """
    if tracker not in MATCHES_APPEARANCE:
        what = "matches by boxes only" if tracker in TRACKERS else "is no tracker"
        raise ConfigError(f"{tracker!r} {what}; choose one that looks at people: {', '.join(MATCHES_APPEARANCE)}")
    from boxmot.trackers.config import load_tracker_defaults

    return dict(load_tracker_defaults(tracker))


def evaluate_build(
    build: Path,
    sequences: Sequences,
    dataset: Path,
    tracker: str,
    tracks: Path,
    wrap: Callable[[Any], Any] = lambda tracker: tracker,
) -> tuple[Figures, Mapping[str, Figures]]:
    """Track and score.

    Args:
        build: what `materialise` made.
        sequences: the data.
        dataset: BoxMOT's description of it.
        tracker: one of `MATCHES_APPEARANCE`; every sequence gets a new one with BoxMOT's tuned settings.
        tracks: folder for the tracks, a MOT file for each sequence.
        wrap: puts something around each tracker.

    Returns:
        The figures of all sequences as one, and of each, as BoxMOT counts them.
    """
    from boxmot.engine.eval.evaluator import eval_setup, run_motmetrics
    from boxmot.engine.eval.replay import replay_build
    from boxmot.trackers import TrackerSpec

    arguments = Namespace(
        dataset=str(dataset),
        data_root=str(sequences.data_root),
        build=str(build),
        tracker=tracker,
        sequence_names=sequences.names,
    )
    eval_setup(arguments)
    spec = TrackerSpec(
        name=tracker,
        geometry=arguments.geometry,
        class_ids=tuple(arguments.tracker_class_ids),
        class_names=tuple(arguments.tracker_class_names),
    )
    for name in sequences.names:
        replay_build(
            arguments.build_path,
            spec,
            split=arguments.split,
            output_dir=tracks,
            tracker=wrap(_tracker(spec)),
            sequence_ids=(name,),
        )
    arguments.exp_dir = tracks
    scores = run_motmetrics(arguments, verbose=False)[_CLASS]
    return _figures(scores), {name: _figures(one) for name, one in sorted(scores["per_sequence"].items())}


def _tracker(spec: Any) -> Any:
    from boxmot import create_tracker

    tracker = create_tracker(spec)
    if spec.name == "strongsort":
        confirm_as_configured(tracker)
    return tracker


def _figures(scores: Mapping[str, Any]) -> Figures:
    # BoxMOT counts in percent.
    shares = {name: float(scores[told]) / 100 for name, told in _SHARES.items()}
    return Figures(
        **shares,
        idsw=int(scores["IDSW"]),
        fp=int(scores["CLR_FP"]),
        fn=int(scores["CLR_FN"]),
        truth_boxes=int(scores["GT_Dets"]),
        result_boxes=int(scores["Dets"]),
    )


_SHARES = {"hota": "HOTA", "deta": "DetA", "assa": "AssA", "idf1": "IDF1", "mota": "MOTA"}
