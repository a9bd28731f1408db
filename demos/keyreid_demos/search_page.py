"""What was found, as HTML. Every text from outside is escaped."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from html import escape
from pathlib import Path

import cv2
import numpy as np

from keyreid_demos.people import Person
from keyreid_stream.association.decisions import PartComparison
from keyreid_stream.picture_search import Likeness, PersonInPicture
from keyreid_stream.report import decision_words as words
from keyreid_stream.report.embedding import encoded
from keyreid_stream.report.sections import css as css_colour
from keyreid_stream.sinks.mosaic import clock_text
from keyreid_stream.sinks.palette import identity_colour
from keyreid_stream.structures import ImageArray

_CUT_HEIGHT, _CUT_WIDTH = 180, 100

CSS = """
.kr-found { border: 1px solid var(--border-color-primary); border-radius: 10px; padding: 12px; margin-bottom: 14px;
  background: var(--background-fill-secondary); display: flex; gap: 14px; flex-wrap: wrap; align-items: flex-start; }
.kr-found > img { border-radius: 8px; }
.kr-ranked { flex: 1 1 260px; display: grid; gap: 14px; min-width: 0;
  grid-template-columns: repeat(auto-fill, minmax(min(270px, 100%), 1fr)); }
.kr-likeness { display: flex; gap: 12px; align-items: flex-start; flex-wrap: wrap;
  border-left: 4px solid var(--kr); padding-left: 10px; }
.kr-likeness img { height: 96px; border-radius: 6px; }
.kr-likeness > div { flex: 1 1 180px; min-width: 0; }
"""


def found(
    image: ImageArray,
    people: Sequence[PersonInPicture],
    known: Mapping[int, Person],
    address: Callable[[Path], str],
) -> str:
    """A card for everyone in a picture, with whom they look like.

    Args:
        image: (H, W, 3) the picture.
        people: who was found in it.
        known: people of the run, by every id they went by.
        address: where a browser finds a file.
    """
    if not people:
        return '<p class="kr-dim">Nobody was found in this picture. Is it of one person alone? Then tick the box.</p>'
    return "".join(_card(image, one, known, address) for one in people)


def compared(similarity: float, parts: Sequence[PartComparison]) -> str:
    """Two pictures part by part."""
    return f"<p>Similarity <b>{similarity:.2f}</b></p>{parts_table(parts, ('first', 'second'))}"


def parts_table(parts: Sequence[PartComparison], sides: tuple[str, str] = ("picture", "gallery")) -> str:
    """A bar for each part that both show; how far each side shows it is told on hovering.

    Args:
        parts: compared.
        sides: what the two are called.
    """
    return f'<div class="kr-parts">{"".join(_part(one, sides) for one in parts)}</div>'


def _part(one: PartComparison, sides: tuple[str, str]) -> str:
    shown = tuple(zip(sides, (one.visibility, one.candidate_visibility), strict=True))
    seen = escape("seen: " + ", ".join(f"{side} {100 * share:.0f}%" for side, share in shown))
    if one.similarity is None:
        hiding = " and ".join(side for side, share in shown if share <= 0)
        said, width = escape(f"hidden ({hiding})"), 0.0
    else:
        said, width = f"{one.similarity:.2f}", max(0.0, min(1.0, one.similarity))
    return (
        f'<span title="{seen}">{escape(words.part_name(one))}</span>'
        f'<span class="kr-bar" title="{seen}"><i style="width:{100 * width:.0f}%"></i></span><span>{said}</span>'
    )


def _card(image: ImageArray, one: PersonInPicture, known: Mapping[int, Person], address: Callable[[Path], str]) -> str:
    height, width = image.shape[:2]
    left, top = max(0, int(one.box_xyxy[0])), max(0, int(one.box_xyxy[1]))
    right, bottom = min(width, max(left + 1, int(one.box_xyxy[2]))), min(height, max(top + 1, int(one.box_xyxy[3])))
    cut = image[top:bottom, left:right]
    scale = min(_CUT_HEIGHT / cut.shape[0], _CUT_WIDTH / cut.shape[1])
    size = (max(1, round(scale * cut.shape[1])), max(1, round(scale * cut.shape[0])))
    small = np.asarray(cv2.resize(cut, size, interpolation=cv2.INTER_AREA), np.uint8)
    data = base64.b64encode(encoded(small, ".jpg")).decode()
    ranked = "".join(_likeness(like, known.get(like.identity_id), address) for like in one.likenesses)
    ranked = ranked or '<p class="kr-dim">The gallery is empty: nobody of this run was seen well enough.</p>'
    return (
        f'<div class="kr-found"><img alt="whom the picture shows" src="data:image/jpeg;base64,{data}">'
        f'<div class="kr-ranked">{ranked}</div></div>'
    )


def _likeness(like: Likeness, person: Person | None, address: Callable[[Path], str]) -> str:
    colour = css_colour(identity_colour(like.identity_id))
    crop = None if person is None else person.crop()
    picture = f'<img alt="" src="{escape(address(crop))}">' if crop is not None else ""
    title = escape(f"P{like.identity_id} {like.name}".strip())
    seen = ""
    if person is not None:
        cameras = ", ".join(person.cameras)
        seen = f"{escape(cameras)}<br>{clock_text(person.first_s)} to {clock_text(person.last_s)}"
    return (
        f'<div class="kr-likeness" style="--kr:{colour}">{picture}<div><span class="kr-title">{title}</span> '
        f'<b>{like.similarity:.2f}</b><div class="kr-dim">{seen}</div>{parts_table(like.parts)}</div></div>'
    )
