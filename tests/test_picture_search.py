from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from keyreid_stream.association import AssociationConfig
from keyreid_stream.association.exemplars import Exemplar
from keyreid_stream.association.gallery import Gallery
from keyreid_stream.association.similarity import signatures
from keyreid_stream.fakes import FakeClipHead, FakeDetector, FakeFrameEncoder
from keyreid_stream.models.crops import make_crops
from keyreid_stream.picture_search import PersonInPicture, search_picture
from keyreid_stream.structures import Clip, ClipEmbedding, ClipEmbeddings, EmbeddingLayout, ImageArray

RED, BLUE = (200, 0, 0), (0, 0, 200)
SETTINGS = AssociationConfig()


def picture(*colours: tuple[int, int, int]) -> ImageArray:
    """People of these colours side by side on black."""
    image = np.zeros((120, 200, 3), np.uint8)
    for place, colour in enumerate(colours):
        image[20:100, 10 + 60 * place : 50 + 60 * place] = colour
    return image


def gallery_of(*colours: tuple[int, int, int]) -> Gallery:
    """Identities 1, 2, …, of one exemplar each; the second has a name."""
    encoder, head, gallery = FakeFrameEncoder(), FakeClipHead(), Gallery(SETTINGS)
    for colour in colours:
        crops = make_crops(
            np.full((80, 40, 3), colour, np.uint8), np.array([[0, 0, 40, 80]], np.float32), None, encoder.crop_spec
        )
        seen = encoder.encode(crops)
        embedding = head.embed([Clip(seen.tokens, seen.class_rows, seen.part_weights)])[0]
        one = Exemplar(signatures([embedding], SETTINGS.global_weight), "door", 1, 0.0, 1.0)
        gallery.add_exemplar(gallery.found(0.0), one)
    gallery.name(2, "the baker")
    return gallery


def found(image: ImageArray, gallery: Gallery, *, crop: bool = False, count: int = 5) -> list[PersonInPicture]:
    return search_picture(
        image,
        gallery,
        FakeFrameEncoder(),
        FakeClipHead(),
        detector=None if crop else FakeDetector(keypoints=False),
        global_weight=SETTINGS.global_weight,
        count=count,
    )


def test_everyone_in_a_picture_is_named_by_whom_they_look_like() -> None:
    people = found(picture(BLUE, RED), gallery_of(RED, BLUE))
    assert [[one.identity_id for one in person.likenesses] for person in people] == [[2, 1], [1, 2]]
    assert [person.likenesses[0].name for person in people] == ["the baker", ""]
    assert [person.box_xyxy for person in people] == [(10, 20, 50, 100), (70, 20, 110, 100)]
    assert people[0].likenesses[0].similarity > people[0].likenesses[1].similarity


def test_a_crop_is_one_person_whole() -> None:
    (person,) = found(np.full((80, 40, 3), BLUE, np.uint8), gallery_of(RED, BLUE), crop=True, count=1)
    assert [one.identity_id for one in person.likenesses] == [2]
    assert person.likenesses[0].similarity > 0.99
    assert person.box_xyxy == (0, 0, 40, 80)


def test_nobody_in_the_picture_and_nobody_known() -> None:
    assert found(np.zeros((120, 200, 3), np.uint8), gallery_of(RED, BLUE)) == []
    (person,) = found(picture(RED), Gallery(SETTINGS))
    assert person.likenesses == ()


def test_each_part_is_compared_with_the_view_that_is_most_alike() -> None:
    (person,) = found(picture(RED), gallery_of(RED, BLUE))
    same, other = person.likenesses
    assert same.parts[0].name == "whole body"
    assert len(same.parts) == 1 + FakeFrameEncoder().crop_spec.parts
    assert same.parts[0].similarity == pytest.approx(1.0, abs=1e-3)  # half precision
    assert other.parts[0].similarity is not None
    assert other.parts[0].similarity < 0.99


class FixedHead(FakeClipHead):
    """Makes one embedding of whatever it sees: looking along x, its second part hidden."""

    @property
    def layout(self) -> EmbeddingLayout:
        return EmbeddingLayout(global_dim=2, parts=2, part_dim=2)

    def embed(self, clips: Sequence[Clip]) -> ClipEmbeddings:
        rows = np.tile(np.array([1, 0, 1, 0, 1, 0], np.float32), (len(clips), 1))
        return ClipEmbeddings(rows, np.tile(np.array([1, 0], np.float32), (len(clips), 1)), self.layout)


def view(*numbers: float) -> Exemplar:
    """Of an embedding: global part, then head and torso, both seen; half of the weight is the global part's."""
    embedding = ClipEmbedding(np.array(numbers, np.float32), np.ones(2, np.float32), FixedHead().layout)
    return Exemplar(signatures([embedding], 0.5), "door", 1, 0.0, 1.0)


def test_parts_are_of_the_closest_of_several_views_and_a_hidden_one_has_no_similarity() -> None:
    """By hand: (0.5 * 0.6 + 0.25 * 0.8) / 0.75, for the torso does not count; the other view's is 0.25 / 0.75."""
    gallery = Gallery(AssociationConfig(global_weight=0.5))
    identity_id = gallery.found(0.0)
    gallery.add_exemplar(identity_id, view(0, 1, 1, 0, 1, 0))
    gallery.add_exemplar(identity_id, view(0.6, 0.8, 0.8, 0.6, 0, 1))
    (person,) = search_picture(
        np.zeros((80, 40, 3), np.uint8), gallery, FakeFrameEncoder(), FixedHead(), detector=None, global_weight=0.5
    )
    (one,) = person.likenesses
    assert one.similarity == pytest.approx(2 / 3, abs=1e-3)  # exemplars are in half precision
    assert [part.name for part in one.parts] == ["whole body", "head", "torso"]
    whole, head, torso = one.parts
    assert whole.similarity == pytest.approx(0.6, abs=1e-3)
    assert head.similarity == pytest.approx(0.8, abs=1e-3)
    assert (head.visibility, head.candidate_visibility) == (1.0, 1.0)
    assert torso.similarity is None
    assert (torso.visibility, torso.candidate_visibility) == (0.0, 1.0)
