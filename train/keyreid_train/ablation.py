"""What each thing that a network is given at scoring brings: longer clips, parts, keypoints, the whole body."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from keyreid_stream.models.keyreid import KeyReID
from keyreid_stream.structures import Crops
from keyreid_train.data.structures import TrackletSet
from keyreid_train.scoring import HALVES, ScoreRow, score_rows, similarity_name, without_half
from keyreid_train.validation import PreparedTracklets, embed_tracklets, prepare

CLIP_LENGTHS = (1, 2, 4)
"""Lengths of a clip, T, that are compared, as far as a model holds them."""

_GLOBAL_WEIGHTS: tuple[float | None, ...] = (None, 1.0, 0.5)
"""With all parts, without parts, and with the parts that both sides show."""

_COLUMNS = tuple(similarity_name(weight) for weight in _GLOBAL_WEIGHTS)

PROTOCOL = (
    "Each camera's tracklets are searched in each other camera, all directions averaged; a tracklet is the mean over "
    "its clips, of one image where nothing else is said. Only queries are hidden, never the gallery; a hidden half "
    "is black and has no part weights."
)


@dataclass(frozen=True, slots=True)
class Ablation:
    """All figures of one network.

    Attributes:
        weights: what the network was filled with.
        sha256: of those.
        frames: T, the longest clip that it holds.
        rows: the figures; `entries` says what was changed.
    """

    weights: str
    sha256: str
    frames: int
    rows: tuple[ScoreRow, ...]


def ablate(model: KeyReID, tracklets: TrackletSet) -> list[ScoreRow]:
    """Score a network again and again, each time with something else taken away.

    Args:
        model: the network.
        tracklets: people seen by two cameras or more.

    Returns:
        Three rows for every change: whole embeddings, the global part alone, visible parts.

    Raises:
        InputError: an image cannot be read, or nobody is seen by two cameras.
    """
    whole = prepare(tracklets, model.crop_spec)
    by_length = {length: embed_tracklets(model, whole, frames=length) for length in clip_lengths(model)}
    rows: list[ScoreRow] = []
    for length, found in by_length.items():
        rows += score_rows(f"clips of {length}", found, found, _GLOBAL_WEIGHTS)
    changed = {"first image alone": whole.first_images()}
    if any(one.keypoints is not None for one in tracklets.tracklets):
        changed["every part sees the whole body"] = _without_keypoints(whole)
    for name, entries in changed.items():
        found = embed_tracklets(model, entries)
        rows += score_rows(name, found, found, _GLOBAL_WEIGHTS)
    for half in HALVES:
        asked = embed_tracklets(model, without_half(whole, model, half))
        rows += score_rows(f"{half} half of queries hidden", asked, by_length[1], _GLOBAL_WEIGHTS)
    return rows


def clip_lengths(model: KeyReID) -> tuple[int, ...]:
    """Those of the lengths that a model holds."""
    return tuple(length for length in CLIP_LENGTHS if length <= model.config.frames)


def ablation_record(ablations: Sequence[Ablation], data: str, *, keypoints: bool) -> dict[str, Any]:
    """All figures for a JSON file; fractions.

    Args:
        ablations: of all networks.
        data: the name of the data set.
        keypoints: whether parts were placed by keypoints.
    """
    return {
        "data": data,
        "keypoints": keypoints,
        "protocol": PROTOCOL,
        "ablations": [asdict(one) for one in ablations],
    }


def ablation_tables(ablations: Sequence[Ablation], data: str, *, keypoints: bool) -> str:
    """All figures as Markdown, in percent; arguments as for `ablation_record`."""
    placed = "parts placed by keypoints" if keypoints else "no keypoints: every part sees the whole body"
    pieces = [f"# What brings how much\n\nData: {data}, {placed}. {PROTOCOL} Figures are rank-1 / mAP in percent."]
    for one in ablations:
        lines = [f"## {one.weights}", "", f"SHA-256 `{one.sha256}`", ""]
        lines += [f"| | {' | '.join(_COLUMNS)} |", f"|---|{'---:|' * len(_COLUMNS)}"]
        lines += [f"| {entries} | {' | '.join(figures)} |" for entries, figures in table_lines(one.rows)]
        too_long = [str(length) for length in CLIP_LENGTHS if length > one.frames]
        if too_long:
            lines += ["", f"The model holds {one.frames} frames: no clips of {' or '.join(too_long)}."]
        pieces.append("\n".join(lines))
    return "\n\n".join(pieces) + "\n"


def table_lines(rows: Sequence[ScoreRow]) -> list[tuple[str, tuple[str, ...]]]:
    """What was changed, and `rank-1 / mAP` in percent for each way of comparing."""
    by_change: dict[str, dict[str, str]] = {}
    for row in rows:
        figures = f"{100 * row.score.rank1:.1f} / {100 * row.score.mean_average_precision:.1f}"
        by_change.setdefault(row.entries, {})[row.similarity] = figures
    return [(entries, tuple(figures[column] for column in _COLUMNS)) for entries, figures in by_change.items()]


def table_columns() -> tuple[str, ...]:
    """The ways of comparing, in the order of `table_lines`."""
    return _COLUMNS


def _without_keypoints(prepared: PreparedTracklets) -> PreparedTracklets:
    """As if nobody had looked for keypoints: all parts everywhere."""
    crops = tuple(Crops(own.images, np.ones_like(own.part_weights)) for own in prepared.crops)
    return PreparedTracklets(prepared.tracklets, crops)
