"""Decisions in words."""

from __future__ import annotations

from keyreid_stream.association.decisions import Candidate, Decision, LogOdds, PartComparison, Threshold, Veto, View
from keyreid_stream.sinks.mosaic import clock_text

TERMS: tuple[tuple[str, str], ...] = (
    ("appearance", "looks"),
    ("continuity", "track goes on"),
    ("travel", "time between cameras"),
    ("places", "places on the floor"),
)
"""Fields of `LogOdds`, and what they are called."""

VETOES: dict[Veto, str] = {
    "in view": "this camera sees them now, beside it",
    "seen at once": "one camera saw both at once",
    "known apart": "long known to be somebody else",
    "travel time": "the way takes another time",
    "walking speed": "nobody walks so fast",
    "places apart": "seen at once in different places",
    "taken": "given to a track that fits better",
}


def person(identity_id: int) -> str:
    """What an identity is called."""
    return f"P{identity_id}"


def tracklet(decision: Decision) -> str:
    """What was decided on."""
    if decision.track_id is None:
        return person(decision.other_identity_id or 0)
    start = "" if not decision.first_frame else f" from frame {decision.first_frame} on"
    return f"{decision.camera_id}, track {decision.track_id}{start}"


def outcome(decision: Decision) -> str:
    """What was decided, in a sentence."""
    who, before = person(decision.identity_id), person(decision.other_identity_id or 0)
    if decision.kind == "merged":
        return f"Looked at again, {before} and {who} are one person: {before} becomes {who}."
    if decision.how == "goes on":
        return f"The track was cut. Until it has shown enough, it stays {who}."
    if decision.how == "parted":
        return f"One camera saw two tracks of {before} at once: this one becomes {who}."
    if decision.kind == "split":
        return f"Looked at again, it is not {before} but {who}."
    if decision.kind == "new":
        if not decision.candidates:
            return f"Nobody else was known: {who} is new."
        unsure = ", but the evidence did not decide; later evidence may" if decision.provisional else ""
        return f"It is nobody who was known: {who} is new{unsure}."
    return f"It is {who}."


def reason(decision: Decision) -> str:
    """Why, in a sentence; empty where nothing was weighed."""
    weighed = [one for one in decision.candidates if one.log_odds is not None]
    if not weighed:
        return ""
    possible = [one for one in weighed if not one.vetoes]
    chosen = next((one for one in weighed if one.identity_id == decision.identity_id), None)
    if chosen is None:
        if not possible:
            return "Whoever was known is ruled out."
        return f"{_weight(possible[0])}, the best of those that are not ruled out{_against(possible[0])}."
    others = [one for one in possible if one is not chosen]
    said = _weight(chosen)
    return f"{said}; next is {_weight(others[0])}." if others else f"{said}; nobody else could be it."


def signed(log_odds: float) -> str:
    """Log odds with their sign, and a real minus."""
    return f"{log_odds:+.1f}".replace("-", "−")


def odds_terms(log_odds: LogOdds) -> list[tuple[str, str, float]]:
    """Field, name and value of each term; those that say nothing are left out, but never how they look."""
    values = [(name, words, float(getattr(log_odds, name))) for name, words in TERMS]
    return [one for one in values if one[2] or one[0] == "appearance"]


def learned_from(threshold: Threshold) -> str:
    """Where a threshold comes from."""
    return (
        f"for {_count(threshold.people, 'person', 'people')} to choose from, after "
        f"{_count(threshold.negatives, 'pair', 'pairs')} of certainly different people of these cameras "
        f"({threshold.site_negatives} of the site), whose similarities spread by {threshold.spread:.2f}"
    )


def view(one: View) -> str:
    """Something that was compared."""
    what = "known from before" if one.track_id is None else f"track {one.track_id}"
    clips = _count(one.clips, "clip", "clips")
    times = f"{clock_text(max(one.first_s, 0))} to {clock_text(one.last_s)}"
    if one.last_s < 0:
        times = f"{clock_text(-one.last_s)} before this run began"
    return f"{one.camera_id}, {what}, {times}, {clips}: {one.similarity:.2f}"


def part(one: PartComparison) -> str:
    """A body part and how alike it looks."""
    return f"{part_name(one)} {'hidden' if one.similarity is None else f'{one.similarity:.2f}'}"


def part_name(one: PartComparison) -> str:
    """What a body part is called."""
    return one.name.replace("_", " ")


def vetoes(candidate: Candidate) -> str:
    """Why a candidate could not be it; empty if it could."""
    return "; ".join(VETOES[veto] for veto in candidate.vetoes)


def floor(candidate: Candidate) -> str:
    """How far apart calibrated cameras saw both; empty if they never did."""
    if candidate.metres_apart is None:
        return ""
    sightings = _count(candidate.common_sightings, "common sighting", "common sightings")
    return f"{candidate.metres_apart:.1f} m apart in {sightings}"


def _weight(candidate: Candidate) -> str:
    total = candidate.log_odds.total if candidate.log_odds is not None else 0.0
    return f"{person(candidate.identity_id)} with {signed(total)}"


def _against(best: Candidate) -> str:
    return ", is not enough" if best.log_odds is not None and best.log_odds.total <= 0 else ""


def _count(number: int, one: str, more: str) -> str:
    return f"{number} {one if number == 1 else more}"
