"""Whom of a gallery a picture shows: the pipeline's detector, encoder and clip head, on one frame."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from keyreid_stream.association.decisions import PartComparison
from keyreid_stream.association.explaining import compared_parts
from keyreid_stream.association.gallery import Gallery
from keyreid_stream.association.similarity import Signatures, signatures, similarity
from keyreid_stream.interfaces import ClipHead, FrameEncoder, PoseDetector
from keyreid_stream.models.crops import crop_frames
from keyreid_stream.structures import Clip, ClipEmbedding, Detections, EmbeddingLayout, Frame, ImageArray


@dataclass(frozen=True, slots=True)
class Likeness:
    """Somebody in a gallery, and how alike they look to somebody in a picture.

    Attributes:
        identity_id, name: who.
        similarity: of the view of them that is most alike, -1 to 1.
        parts: the whole body and each part, compared with that view.
    """

    identity_id: int
    name: str
    similarity: float
    parts: tuple[PartComparison, ...] = ()


@dataclass(frozen=True, slots=True)
class PersonInPicture:
    """Somebody in a picture.

    Attributes:
        box_xyxy: where, pixels.
        likenesses: who of the gallery looks most like them, closest first.
    """

    box_xyxy: tuple[float, float, float, float]
    likenesses: tuple[Likeness, ...]


def search_picture(
    image: ImageArray,
    gallery: Gallery,
    encoder: FrameEncoder,
    head: ClipHead,
    *,
    detector: PoseDetector | None,
    global_weight: float,
    count: int = 5,
) -> list[PersonInPicture]:
    """Look for everyone in a picture.

    Args:
        image: (H, W, 3) uint8, RGB.
        gallery: who is known, of embeddings that `head` makes.
        encoder: the first half of the model.
        head: the second half.
        detector: finds the people; None where the whole picture is one, of whom every part is then taken for visible.
        global_weight: of the association settings that the gallery was made with.
        count: how many of the gallery to name for each.

    Returns:
        Everyone found, the most confident first.
    """
    frame = Frame("picture", 0, 0.0, image)
    found = _whole(image) if detector is None else detector.detect([frame])[0]
    order = np.argsort(-found.confidence, kind="stable")
    embeddings = _embedded(frame, found, encoder, head)
    if not embeddings:
        return []
    rows = signatures(embeddings, global_weight)
    identity_ids, similarities = gallery.nearest(rows, count)
    names = {identity_id: entry.name for identity_id, entry in gallery.entries()}
    people = []
    for row in order.tolist():
        left, top, right, bottom = (float(edge) for edge in found.boxes_xyxy[row])
        own = rows.of(np.array([row]))
        likenesses = zip(identity_ids[row].tolist(), similarities[row].tolist(), strict=True)
        named = tuple(
            Likeness(one, names[one], how, _parts(own, gallery, one, head.layout, global_weight))
            for one, how in likenesses
        )
        people.append(PersonInPicture((left, top, right, bottom), named))
    return people


def _parts(
    own: Signatures, gallery: Gallery, identity_id: int, layout: EmbeddingLayout, global_weight: float
) -> tuple[PartComparison, ...]:
    """Part by part, beside the view of somebody that is most alike."""
    views = [one.signature for one in gallery.exemplars(identity_id)]
    closest = max(views, key=lambda view: float(similarity(own, view, global_weight)[0, 0]))
    return compared_parts(own, closest, layout, global_weight)


def _embedded(frame: Frame, found: Detections, encoder: FrameEncoder, head: ClipHead) -> list[ClipEmbedding]:
    """Everyone as a clip of one crop."""
    encodings = encoder.encode(crop_frames([frame], [found], encoder.crop_spec))
    clips = []
    for row in range(len(encodings)):
        one = slice(row, row + 1)
        clips.append(Clip(encodings.tokens[one], encodings.class_rows[one], encodings.part_weights[one]))
    embedded = head.embed(clips)
    return [embedded[row] for row in range(len(embedded))]


def _whole(image: ImageArray) -> Detections:
    height, width = image.shape[:2]
    return Detections(np.array([[0, 0, width, height]], np.float32), np.ones(1, np.float32))
