"""The BoxMOT trackers we offer, and what BoxMOT 25 does not say about them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

from keyreid_stream.errors import ConfigError
from keyreid_stream.tracking.upkeep import Upkeep, drop_features, drop_gap_rows, drop_observations, drop_removed
from keyreid_stream.tracking.write_back import (
    Writer,
    write_embedding,
    write_feature_bank,
    write_gallery,
    write_smooth_feature,
)


@dataclass(frozen=True, slots=True)
class TrackerTraits:
    """What we need to know to host one BoxMOT tracker.

    Attributes:
        class_name: its class in the `boxmot` package.
        live: the attributes that list tracks which are shown or may come back.
        buried: an attribute that maps ids of dead tracks which may yet be revived, if it has one.
        motion_compensated: it can compensate camera motion.
        without_compensation: constructor options that switch camera-motion compensation off.
        write: puts a clip embedding into a live track; None where tracks have no appearance.
        upkeep: drops what would grow for ever, if anything does.
        refused: options of the base class that it does not take.
    """

    class_name: str
    live: tuple[str, ...]
    buried: str | None = None
    motion_compensated: bool = False
    without_compensation: Mapping[str, object] = field(default_factory=lambda: MappingProxyType({}))
    write: Writer | None = None
    upkeep: Upkeep | None = None
    refused: frozenset[str] = frozenset()

    def live_tracks(self, tracker: Any) -> dict[int, Any]:
        """BoxMOT's track objects that are shown or may come back, by BoxMOT's id."""
        return {int(track.id): track for attribute in self.live for track in getattr(tracker, attribute)}

    def live_ids(self, tracker: Any) -> set[int]:
        """BoxMOT's ids that may be shown in a later frame."""
        buried = getattr(tracker, self.buried) if self.buried else ()
        return set(self.live_tracks(tracker)) | set(buried)

    def tidy(self, tracker: Any) -> None:
        """Drop what the tracker would pile up; after every update."""
        if self.upkeep is not None:
            self.upkeep(tracker, self.live_tracks(tracker))


TRACKERS: Final[Mapping[str, TrackerTraits]] = MappingProxyType(
    {
        "botsort": TrackerTraits(
            "BotSort",
            live=("active_tracks", "lost_stracks"),
            motion_compensated=True,
            without_compensation={"use_cmc": False},
            write=write_smooth_feature,
            upkeep=drop_features,
        ),
        "strongsort": TrackerTraits("StrongSort", live=("tracks",), motion_compensated=True, write=write_gallery),
        "deepocsort": TrackerTraits(
            "DeepOcSort",
            live=("active_tracks",),
            motion_compensated=True,
            without_compensation={"cmc_off": True},
            write=write_embedding,
            upkeep=drop_observations,
        ),
        "hybridsort": TrackerTraits(
            "HybridSort",
            live=("active_tracks",),
            motion_compensated=True,
            without_compensation={"cmc_method": None},
            write=write_feature_bank,
        ),
        "boosttrack": TrackerTraits(
            "BoostTrack",
            live=("trackers",),
            motion_compensated=True,
            without_compensation={"use_cmc": False},
            write=write_embedding,
        ),
        "occluboost": TrackerTraits(
            "OccluBoost",
            live=("trackers",),
            buried="_gta_graveyard",
            motion_compensated=True,
            without_compensation={"use_cmc": False},
            write=write_embedding,
            upkeep=drop_gap_rows,
        ),
        "bytetrack": TrackerTraits(
            "ByteTrack",
            live=("active_tracks", "lost_stracks"),
            upkeep=drop_removed,
            refused=frozenset({"det_thresh"}),
        ),
        "ocsort": TrackerTraits("OcSort", live=("active_tracks",), upkeep=drop_observations),
        "sfsort": TrackerTraits("SFSORT", live=("active_tracks", "lost_tracks"), refused=frozenset({"det_thresh"})),
    }
)
"""By name; those with `write` match by appearance, the others by motion only."""


def tracker_name(name: str) -> str:
    """`name` as `TRACKERS` spells it; upper and lower case do not matter.

    Raises:
        ConfigError: there is no such tracker.
    """
    known = name.strip().lower()
    if known not in TRACKERS:
        raise ConfigError(f"unknown tracker {name!r}; choose one of: {', '.join(TRACKERS)}")
    return known


def traits_of(tracker: Any) -> TrackerTraits | None:
    """The traits of a BoxMOT tracker object (or of a subclass); None for one that we know nothing about."""
    by_class = {traits.class_name: traits for traits in TRACKERS.values()}
    known = (by_class[base.__name__] for base in type(tracker).__mro__ if base.__name__ in by_class)
    return next(known, None)
