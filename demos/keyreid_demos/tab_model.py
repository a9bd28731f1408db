"""The tab of the model: body parts and attention over a crop, and two crops part by part."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import gradio as gr
import numpy as np

from keyreid_demos import search_page
from keyreid_demos.context import Context
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
    def show(_token: str, one: str | None, other: str | None) -> list[Any]:
        paths = [path for path in (one, other) if path is not None]
        if not paths:
            raise InputError("no picture was given; drop a crop of one person, or choose somebody of the run")
        return [*looked_at(context.networks, [read_picture(path) for path in paths]), gr.Row(visible=True)]

    opened.change(offer, context.visit, choices, **QUIET)
    for choice, picture in zip(choices, pictures, strict=True):
        choice.input(pick, [context.visit, choice], picture, **QUIET)
    go.click(show, [context.visit, *pictures], [note, aligned, published, attention, compared, results], **OURS)


def looked_at(networks: Networks, images: list[ImageArray]) -> list[Any]:
    """A note, part maps in both modes, attention, and how alike two crops are.

    Args:
        networks: the model and the detector.
        images: one or two crops, (H, W, 3) uint8 RGB.
    """
    with networks.lock:
        loaded = networks.loaded
        spec = loaded.encoder.crop_spec
        seen = [networks.crop(image) for image in images]
        signed_spec = replace(spec, weighting="signed")
        signed = [networks.crop(image, signed_spec)[0] for image in images]
        crops = join_crops([one for one, _ in seen], spec)
        # Each crop is a clip of its own: the share it has in a clip says nothing between two people.
        sheets = [draw_attention(one.images, look(loaded.model.model.eval(), one.images), spec) for one, _ in seen]
        compared = ""
        if len(images) > 1:
            alike, parts = networks.compare(images[0], images[1], AssociationConfig().global_weight)
            compared = search_page.compared(alike, parts)
    note = "" if all(found for _, found in seen) else f'<p class="kr-dim">{_NOT_FOUND}</p>'
    return [
        note,
        draw_parts(crops, spec),
        draw_parts(join_crops(signed, signed_spec), signed_spec),
        np.concatenate(sheets),
        compared or '<p class="kr-dim">Give two crops to compare them.</p>',
    ]
