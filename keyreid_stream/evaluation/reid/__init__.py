"""How well embeddings find the same person in another camera: CMC and mAP."""

from keyreid_stream.evaluation.reid.entries import DISTRACTOR, JUNK, Entries
from keyreid_stream.evaluation.reid.ranking import Ranking, RetrievalScore, rank_gallery
from keyreid_stream.evaluation.reid.reranking import Reranking
from keyreid_stream.evaluation.reid.search import (
    SearchOptions,
    SearchPart,
    SearchResult,
    camera_to_camera,
    mean_score,
    published_cameras,
    search,
)
from keyreid_stream.evaluation.reid.similarity import Similarity, similarity_blocks

__all__ = [
    "DISTRACTOR",
    "JUNK",
    "Entries",
    "Ranking",
    "Reranking",
    "RetrievalScore",
    "SearchOptions",
    "SearchPart",
    "SearchResult",
    "Similarity",
    "camera_to_camera",
    "mean_score",
    "published_cameras",
    "rank_gallery",
    "search",
    "similarity_blocks",
]
