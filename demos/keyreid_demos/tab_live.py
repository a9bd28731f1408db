"""The tab of a running deployment: its cameras as they are now."""

from __future__ import annotations

from typing import Any

import gradio as gr

from keyreid_demos.context import Context
from keyreid_demos.events import QUIET
from keyreid_demos.live_route import live_address
from keyreid_demos.tab_track import progress_told
from keyreid_demos.told import told

_EVERY_S = 1.0


def add_live(context: Context) -> None:
    """Add the tab's components; for a page with a deployment."""
    picture = gr.HTML("", elem_id="kr-live")
    state = gr.HTML("", elem_id="kr-live-state")
    clock = gr.Timer(_EVERY_S)

    @told(2)
    def look(token: str, shown: str) -> list[Any]:
        live = context.visits.live
        if live is None or not token:
            return [gr.skip(), gr.skip()]
        context.visits.visit(token)
        begins = live.is_running and live.progress.frames > 0
        wanted = f'<img class="kr-video" alt="all cameras, live" src="{live_address(token, 0)}">' if begins else ""
        return [gr.skip() if wanted == shown else wanted, progress_told(live.progress)]

    clock.tick(look, [context.visit, picture], [picture, state], **QUIET)
