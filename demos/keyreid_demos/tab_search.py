"""The tab of search: whom of the run a picture shows."""

from __future__ import annotations

from typing import Any

import gradio as gr

from keyreid_demos import search_page
from keyreid_demos.context import Context
from keyreid_demos.dropped import dropped_picture
from keyreid_demos.events import OURS
from keyreid_demos.run_files import address_of
from keyreid_demos.told import told
from keyreid_demos.uploads import checked_picture
from keyreid_stream.errors import InputError

MOST_NAMED = 20


def add_search(context: Context) -> None:
    """Add the tab's components."""
    with gr.Row():
        with gr.Column(scale=2, min_width=280):
            picture = gr.Image(
                type="filepath", sources=["upload", "clipboard"], label="A picture", height=320, elem_id="kr-picture"
            )
            alone = gr.Checkbox(label="It is cut out around one person", elem_id="kr-alone")
            count = gr.Slider(1, MOST_NAMED, value=5, step=1, label="How many to name")
            search = gr.Button("Search", variant="primary", elem_id="kr-search")
        with gr.Column(scale=5, min_width=320):
            result = gr.HTML(
                '<p class="kr-dim">Drop a picture of somebody. Who of the open run looks like them is named, with how '
                "alike each part of the body is: similarities, no decision.</p>",
                elem_id="kr-found",
            )

    @told(1)
    def find(token: str, sent: Any, is_alone: bool, most: float) -> str:
        run = context.open_run(token)
        if run is None:
            raise InputError("no run is open; make one in the first tab")
        image = checked_picture(dropped_picture(context.visits.visit(token), sent))
        with run.opened_gallery() as store:
            people = context.networks.search(image, store, is_crop=bool(is_alone), count=_count(most))
        known = {one: person for person in run.people() for one in {person.identity_id, *person.ids}}
        return search_page.found(image, people, known, lambda file: address_of(token, run.folder, file))

    inputs: list[Any] = [context.visit, picture, alone, count]
    search.click(find, inputs, result, preprocess=False, **OURS)


def _count(most: Any) -> int:
    """What the slider was set to, which nobody has checked yet."""
    if not isinstance(most, int | float) or not 1 <= most <= MOST_NAMED:
        raise InputError(f"how many to name is {str(most)[:20]!r}; give 1 to {MOST_NAMED}")
    return int(most)
