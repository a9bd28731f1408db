"""Association: which tracks, across all cameras, are the same person."""

from keyreid_stream.association.config import AssociationConfig
from keyreid_stream.association.online import OnlineAssociator

__all__ = ["AssociationConfig", "OnlineAssociator"]
