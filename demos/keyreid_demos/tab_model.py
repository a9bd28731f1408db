"""The tab of the model: body parts and attention over a crop, and two crops part by part."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import gradio as gr
import numpy as np

from keyreid_demos import search_page
from keyreid_demos.context import Context
from keyreid_demos.dropped import dropped_picture
from keyreid_demos.events import OURS, QUIET
from keyreid_demos.networks import Networks
from keyreid_demos.told import told
from keyreid_demos.uploads import read_picture
from keyreid_stream.association import AssociationConfig
from keyreid_stream.errors import InputError
from keyreid_stream.models.crops import join_crops
from keyreid_stream.models.looking import look
from keyreid_stream.report.looking_sheet import draw_attention, draw_parts
from keyreid_stream.structures import ImageArray

_NOT_FOUND = "The detector found no person in this crop, so every part counts as seen."

_BY_WEIGHTS = {
    "soft": '<p class="kr-dim">Compared in aligned mode: the weights in use were trained in that one.</p>',
    "signed": '<p class="kr-dim">Compared in published mode: the weights in use were trained in that one.</p>',
}


def add_model(context: Context, opened: Any) -> None:
    """Add the tab's components.

    Args:
        context: shared by all tabs.
        opened: a component that changes when the visitor looks at another run.
    """
    pictures, choices = [], []
    with gr.Row():
        for number, title in enumerate(("One person", "Another, to compare"), start=1):
            with gr.Column(min_width=260):
                pictures.append(
                    gr.Image(
                        type="filepath",
                        sources=["upload", "clipboard"],
                        label=title,
                        height=260,
                        elem_id=f"kr-crop-{number}",
                    )
                )
                choices.append(gr.Dropdown(label="or from the run", choices=[], elem_id=f"kr-pick-{number}"))
    go = gr.Button("Look", variant="primary", elem_id="kr-look")
    note = gr.HTML("")
    with gr.Row(visible=False) as results:
        with gr.Column(scale=3, min_width=320):
            gr.HTML(
                "<h4>Body parts, aligned mode</h4><p class='kr-dim'>How much each patch belongs to each part. What is "
                "not seen does not count when two people are compared.</p>"
            )
            aligned = gr.Image(
                label="aligned",
                show_label=False,
                interactive=False,
                buttons=["fullscreen", "download"],
                elem_id="kr-aligned",
            )
            gr.HTML(
                "<h4>Body parts, published mode</h4><p class='kr-dim'>The same keypoints as the published model weighs "
                "them: background weighs -1, a part that is hidden counts as much as any.</p>"
            )
            published = gr.Image(
                label="published",
                show_label=False,
                interactive=False,
                buttons=["fullscreen", "download"],
                elem_id="kr-published",
            )
        with gr.Column(scale=2, min_width=300):
            gr.HTML("<h4>Where the network looks</h4>")
            attention = gr.Image(
                label="attention",
                show_label=False,
                interactive=False,
                buttons=["fullscreen", "download"],
                elem_id="kr-attention",
            )
            gr.HTML("<h4>Compared</h4>")
            compared = gr.HTML("", elem_id="kr-compared")

    @told(2)
    def offer(token: str) -> list[Any]:
        run = context.open_run(token)
        names = [] if run is None else [(person.title, person.identity_id) for person in run.people() if person.crop()]
        return [gr.Dropdown(choices=names, value=None) for _ in choices]

    @told(1)
    def pick(token: str, who: int | None) -> Any:
        run = context.open_run(token)
        crop = None if run is None or who is None else run.crop_of(int(who))
        return gr.skip() if crop is None else np.asarray(read_picture(crop))

    @told(6)
    def show(token: str, one: Any, other: Any) -> list[Any]:
        here = context.visits.visit(token)
        images = [image for sent in (one, other) if (image := dropped_picture(here, sent)) is not None]
        if not images:
            raise InputError("no picture was given; drop a crop of one person, or choose somebody of the run")
        return [*looked_at(context.networks, images), gr.Row(visible=True)]

    opened.change(offer, context.visit, choices, **QUIET)
    for choice, picture in zip(choices, pictures, strict=True):
        choice.input(pick, [context.visit, choice], picture, **QUIET)
    shown = [note, aligned, published, attention, compared, results]
    go.click(show, [context.visit, *pictures], shown, preprocess=False, **OURS)


def looked_at(networks: Networks, images: list[ImageArray]) -> list[Any]:
    """A note, part maps in both modes, attention, and how alike two crops are.

    Args:
        networks: the model and the detector.
        images: one or two crops, (H, W, 3) uint8 RGB.
    """
    with networks.lock:
        loaded = networks.loaded
        spec = loaded.encoder.crop_spec
        soft, signed = replace(spec, weighting="soft"), replace(spec, weighting="signed")
        seen, found = zip(*(networks.crops(image, soft, signed) for image in images), strict=True)
        # In the mode of the model's weights, whichever that is; then in each of the two.
        own, by_soft, by_signed = ([crops[mode] for crops in seen] for mode in range(3))
        # Each crop is a clip of its own: the share it has in a clip says nothing between two people.
        sheets = [draw_attention(one.images, look(loaded.model.model.eval(), one.images), spec) for one in own]
        compared = ""
        if len(images) > 1:
            alike, parts = networks.compare(own[0], own[1], AssociationConfig().global_weight)
            compared = search_page.compared(alike, parts) + _BY_WEIGHTS[spec.weighting]
    note = "" if all(found) else f'<p class="kr-dim">{_NOT_FOUND}</p>'
    return [
        note,
        draw_parts(join_crops(by_soft, soft), soft),
        draw_parts(join_crops(by_signed, signed), signed),
        np.concatenate(sheets),
        compared or '<p class="kr-dim">Give two crops to compare them.</p>',
    ]
