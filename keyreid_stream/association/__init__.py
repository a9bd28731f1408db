"""Association: which tracks, across all cameras, are the same person."""

from keyreid_stream.association.config import AssociationConfig
from keyreid_stream.association.decision_log import DecisionLog, forget_decisions, read_decisions
from keyreid_stream.association.decisions import Candidate, Decision
from keyreid_stream.association.online import OnlineAssociator
from keyreid_stream.association.store import GalleryStore
from keyreid_stream.association.stored import StoredAssociator, open_associator

__all__ = [
    "AssociationConfig",
    "Candidate",
    "Decision",
    "DecisionLog",
    "GalleryStore",
    "OnlineAssociator",
    "StoredAssociator",
    "forget_decisions",
    "open_associator",
    "read_decisions",
]
