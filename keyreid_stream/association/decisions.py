"""Decisions as they are recorded: what was decided about an identity, among whom, and what spoke for and against."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import ClassVar, Literal, TypeAlias

from pydantic import ConfigDict, TypeAdapter, ValidationError

from keyreid_stream.errors import InputError
from keyreid_stream.validation import first_fault

SCHEMA: Literal["keyreid.decisions/1"] = "keyreid.decisions/1"

MOST_CANDIDATES = 10
"""Candidates recorded of a decision, best first; with whom it fell on, should they be none of these."""

MOST_VIEWS = 4
"""Views recorded of a candidate: those most like the tracklet."""

DecisionKind: TypeAlias = Literal["new", "matched", "split", "merged"]

How: TypeAlias = Literal["compared", "goes on", "parted", "revised"]
"""In which step it was decided.

- `compared`: a tracklet that has shown enough, with everyone it may be.
- `goes on`: a tracklet that began with a cut is, until it has shown enough, whom its track was before.
- `parted`: one of two tracks that one camera saw at once as one identity.
- `revised`: by clustering the recent tracklets anew.
"""

Veto: TypeAlias = Literal[
    "in view", "seen at once", "known apart", "travel time", "walking speed", "places apart", "taken"
]
"""Why somebody cannot be a candidate.

- `in view`: the tracklet's own camera sees them now, beside it.
- `seen at once`: one camera saw them beside it before.
- `known apart`: the same, long ago.
- `travel time`: a pinned way takes another time.
- `walking speed`: nobody is so fast.
- `places apart`: calibrated cameras saw both at once in different places.
- `taken`: they went, in the same tick, to a tracklet that they fit better, and that cannot be this one's person.
"""

_STRICT = ConfigDict(extra="forbid", strict=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class LogOdds:
    """What speaks for being one person (above 0) or against it (below), in natural log odds; see decision page 0017.

    Attributes:
        appearance: how far the similarity is from its threshold.
        continuity: both are of one track, which went on.
        travel: the time between cameras.
        places: where calibrated cameras saw both at the same time.
    """

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    appearance: float
    continuity: float = 0.0
    travel: float = 0.0
    places: float = 0.0

    @property
    def total(self) -> float:
        """The weight that is decided by, where nothing is vetoed."""
        return self.appearance + self.continuity + self.travel + self.places


@dataclass(frozen=True, slots=True, kw_only=True)
class Threshold:
    """What a similarity was compared with.

    Attributes:
        similarity: from which two are more likely one person than not: a mean over the pairs of cameras compared.
        spread: standard deviation of the similarities of different people, likewise.
        people: how many were to choose from; the more, the higher the threshold.
        negatives: pairs of certainly different people that these pairs of cameras had shown by then.
        site_negatives: the same of all cameras; with few of either, the threshold is the setting's.
    """

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    similarity: float
    spread: float
    people: int
    negatives: int
    site_negatives: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PartComparison:
    """A body part compared.

    Attributes:
        name: of the part; `whole body` for the embedding's global part.
        similarity: cosine; None where a side hides the part: then it does not count.
        visibility: how far the tracklet shows it, 0 to 1.
        candidate_visibility: how far the candidate shows it.
    """

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    name: str
    similarity: float | None
    visibility: float
    candidate_visibility: float


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """Something of a candidate that was compared: a recent tracklet, or a settled exemplar.

    Attributes:
        camera_id: the camera.
        track_id, first_frame: of a recent tracklet; None for an exemplar.
        first_s, last_s: when it was seen, on the run's clock; negative for what an earlier run saw.
        clips: embeddings behind it.
        similarity: to the tracklet that was decided on.
    """

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    camera_id: str
    track_id: int | None
    first_frame: int | None
    first_s: float
    last_s: float
    clips: int
    similarity: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """Somebody a tracklet might have been.

    Attributes:
        identity_id: who.
        log_odds: what spoke for or against; None where nothing was weighed.
        similarity: of the means of all views, by the parts that both sides show.
        threshold: what that was compared with.
        parts: the same by body part.
        metres_apart: on the floor, on average over `common_sightings`; None without any.
        common_sightings: how often they were.
        vetoes: why it could not be, all that hold.
        views: the best of those compared.
        views_compared: how many there were.
    """

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    identity_id: int
    log_odds: LogOdds | None = None
    similarity: float | None = None
    threshold: Threshold | None = None
    parts: tuple[PartComparison, ...] = ()
    metres_apart: float | None = None
    common_sightings: int = 0
    vetoes: tuple[Veto, ...] = ()
    views: tuple[View, ...] = ()
    views_compared: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """One decision.

    Attributes:
        schema: of the record.
        kind: as of the event; `seen` and `left` are no decisions.
        how: in which step it was made.
        identity_id: whom the tracklet was decided to be, or who remains of a merge.
        timestamp_s: when.
        camera_id, track_id, first_frame: the tracklet: the track from this frame on; None for a merge.
        clips: embeddings behind the tracklet, or behind the identity that was merged.
        other_identity_id: the identity that was split or merged.
        provisional: the evidence did not decide.
        candidates: who was considered, best first; those that are vetoed come last.
    """

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    schema: Literal["keyreid.decisions/1"] = SCHEMA
    kind: DecisionKind
    how: How
    identity_id: int
    timestamp_s: float
    camera_id: str | None = None
    track_id: int | None = None
    first_frame: int | None = None
    clips: int = 0
    other_identity_id: int | None = None
    provisional: bool = False
    candidates: tuple[Candidate, ...] = ()

    @property
    def identities(self) -> frozenset[int]:
        """Everyone whom the record names."""
        named = {self.identity_id, *(one.identity_id for one in self.candidates)}
        return frozenset(named | ({self.other_identity_id} if self.other_identity_id else set()))

    def to_json(self) -> str:
        """One line of JSON."""
        return json.dumps(asdict(self), separators=(",", ":"), ensure_ascii=True, allow_nan=False)

    @classmethod
    def from_json(cls, text: str | bytes) -> Decision:
        """What `to_json` made this of.

        Raises:
            InputError: the text is damaged or of another schema.
        """
        try:
            return _DECISION.validate_json(text)
        except ValidationError as error:
            raise InputError(f"this is no {SCHEMA} record ({first_fault(error)}); write the run again") from error


_DECISION = TypeAdapter(Decision)
