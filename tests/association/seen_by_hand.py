"""A site seen by hand: two cameras, whoever a test says, and all that the engine knows of them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from keyreid_stream.association.config import AssociationConfig
from keyreid_stream.association.links import Links
from keyreid_stream.association.nodes import Groups, Nodes
from keyreid_stream.association.thresholds import Thresholds
from keyreid_stream.association.tracklets import TrackletBook
from keyreid_stream.association.travel import TravelTimes
from keyreid_stream.structures import ClipEmbedding, EmbeddingLayout, TrackEvidence, TrackKey

CONFIG = AssociationConfig(threshold=0.8, swap_rate=0.1, floor_tolerance_m=1.0, max_speed_m_s=5.0, max_gap_s=1.0)
LAYOUT = EmbeddingLayout(global_dim=2, parts=0, part_dim=0)
CAMERAS = ("a", "b")
Sight = tuple[str, int, float, float | None, tuple[float, float] | None]


class Site:
    """A book to see people with, and what links them; `looks` are embeddings that a camera gives instead of others."""

    def __init__(self, config: AssociationConfig, looks: Mapping[str, ClipEmbedding] | None = None) -> None:
        self._looks = looks or {}
        self.book = TrackletBook(config)
        self.thresholds, travel = Thresholds(config), TravelTimes(config.travel)
        for camera_id in CAMERAS:
            self.thresholds.camera(camera_id)
            travel.camera(camera_id)
        self.links = Links(config, self.book, self.thresholds, travel)

    def see(self, time_s: float, *sights: Sight) -> None:
        """Camera, track, left edge in pixels, direction of the embedding in degrees, place on the floor."""
        evidence = []
        for camera_id, track_id, left, degrees, place in sorted(sights):
            embedding = None
            if degrees is not None:
                angle = np.deg2rad(degrees)
                vector = np.array([np.cos(angle), np.sin(angle)], np.float32)
                look = ClipEmbedding(vector, np.zeros(0, np.float32), LAYOUT)
                embedding = self._looks.get(camera_id, look)
            box = np.array([left, 0, left + 10, 20], np.float32)
            key = TrackKey(camera_id, track_id)
            evidence.append(TrackEvidence(key, time_s, round(10 * time_s), box, 1, embedding, floor_xy=place))
        sightings = self.book.see(evidence, [CAMERAS.index(one.key.camera_id) for one in evidence])
        self.book.note(sightings)
        self.book.add_clips([one for one in sightings if one.evidence.embedding is not None])

    def weights(self) -> np.ndarray:
        nodes = Nodes.of(self.book, self.book.rows())
        singles = Groups.singles(nodes, self.book.layout, 0.5)
        return self.links.weights(singles, singles, self.links.pairs(nodes, nodes), 1)
