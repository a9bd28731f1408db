"""Why somebody is who they are, as a run recorded it: the decisions about an identity, and the crops that were kept."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from keyreid_stream.association.decision_log import read_decisions
from keyreid_stream.association.decisions import Decision
from keyreid_stream.errors import InputError
from keyreid_stream.sinks import CropFile, crop_files, crops_by_identity, read_events
from keyreid_stream.structures import TrackKey

_MOST_NAMED = 20
"""Identities that a message lists."""


@dataclass(frozen=True, slots=True, eq=False)
class Explanation:
    """The decisions about an identity.

    Attributes:
        run: the run's folder.
        identity_id: who.
        merged: identities that were merged into it, whose decisions are among these.
        track: the one track whose decisions these are; None for all.
        decisions: in the order they were made.
        crops_of_tracks: the run's crops, by track.
        crops_of_people: the same by whom they show in the end.
    """

    run: Path
    identity_id: int
    merged: frozenset[int]
    track: TrackKey | None
    decisions: tuple[Decision, ...]
    crops_of_tracks: Mapping[TrackKey, Sequence[CropFile]] = field(default_factory=dict)
    crops_of_people: Mapping[int, Sequence[CropFile]] = field(default_factory=dict)

    def crop_of_tracklet(self, camera_id: str | None, track_id: int | None, first_frame: int | None) -> Path | None:
        """The crop of a track that is nearest after a frame, or else nearest before it; None without any."""
        if camera_id is None or track_id is None:
            return None
        crops, first = self.crops_of_tracks.get(TrackKey(camera_id, track_id), ()), first_frame or 0
        best = min(crops, key=lambda crop: (crop.frame_index < first, abs(crop.frame_index - first)), default=None)
        return None if best is None else best.path

    def crop_of_person(self, identity_id: int, camera_id: str | None = None) -> Path | None:
        """A crop of an identity, from this camera if there is one; None without any."""
        crops = self.crops_of_people.get(identity_id, ())
        best = next((crop for crop in crops if crop.key.camera_id == camera_id), next(iter(crops), None))
        return None if best is None else best.path


def explanation(run: str | Path, identity_id: int, track: TrackKey | None = None) -> Explanation:
    """Read what a run recorded about an identity, those that were merged into it included.

    Args:
        run: the run's folder.
        identity_id: who.
        track: only what was decided about this track.

    Raises:
        InputError: the folder is no run's, holds no decisions, none about this identity or track, or is damaged.
    """
    run = Path(run)
    if not run.is_dir():
        raise InputError(f"there is no run in {run}; give the folder that `keyreid track --out` wrote to")
    log = run / "decisions.jsonl"
    # Twice through the log, since a run of weeks does not fit into memory.
    merged, known = _merged_into(identity_id, read_decisions(log))
    names = merged | {identity_id}
    about = [one for one in read_decisions(log) if one.identity_id in names or one.other_identity_id in names]
    if not about:
        listed = ", ".join(map(str, known[:_MOST_NAMED])) + (", …" if len(known) > _MOST_NAMED else "")
        raise InputError(f"{run} holds no decision about identity {identity_id}; about: {listed or 'nobody'}")
    if track is not None:
        tracks = sorted({f"{one.camera_id}/{one.track_id}" for one in about if one.track_id is not None})
        about = [one for one in about if (one.camera_id, one.track_id) == track]
        if not about:
            raise InputError(
                f"no decision about identity {identity_id} is about track {track.camera_id}/{track.track_id}; "
                f"choose from: {', '.join(tracks[:_MOST_NAMED])}"
            )
    crops = crop_files(run / "crops")
    people = crops_by_identity(run / "crops", read_events(run / "events.jsonl")) if crops else {}
    return Explanation(run, identity_id, merged, track, tuple(about), _by_track(crops), people)


def _merged_into(identity_id: int, decisions: Iterable[Decision]) -> tuple[frozenset[int], list[int]]:
    """Everyone who was merged into an identity, directly or by way of others; and everyone who was decided on."""
    known: set[int] = set()
    merges: list[tuple[int, int]] = []
    for one in decisions:
        known.add(one.identity_id)
        if one.kind == "merged" and one.other_identity_id is not None:
            merges.append((one.identity_id, one.other_identity_id))
    found = {identity_id}
    # Backwards in time: whoever was merged into somebody, was so before that one was merged on.
    for kept, gone in reversed(merges):
        if kept in found:
            found.add(gone)
    return frozenset(found - {identity_id}), sorted(known)


def _by_track(crops: Iterable[CropFile]) -> dict[TrackKey, list[CropFile]]:
    found: dict[TrackKey, list[CropFile]] = {}
    for crop in crops:
        found.setdefault(crop.key, []).append(crop)
    return found
