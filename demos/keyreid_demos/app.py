"""The page and its server."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import gradio as gr

from keyreid_demos import people_page, search_page, tab_track
from keyreid_demos.context import Context
from keyreid_demos.events import QUIET
from keyreid_demos.live_route import live_router
from keyreid_demos.networks import Networks
from keyreid_demos.open_run import OpenRun
from keyreid_demos.run_files import files_router
from keyreid_demos.run_job import RunJob
from keyreid_demos.tab_live import add_live
from keyreid_demos.tab_measure import add_measure
from keyreid_demos.tab_model import add_model
from keyreid_demos.tab_people import add_people
from keyreid_demos.tab_search import add_search
from keyreid_demos.tab_track import Choices, add_track
from keyreid_demos.told import told
from keyreid_demos.uploads import MAX_VIDEO_BYTES
from keyreid_demos.visits import KEPT_S, Visits

CSS = f"""
.gradio-container .app {{ max-width: 1440px !important; width: 100% !important; margin: 0 auto; }}
footer {{ display: none !important; }}
.kr-head h1 {{ margin: 4px 0; font-size: 1.5em; }}
{people_page.CSS}{tab_track.CSS}{search_page.CSS}
"""


@dataclass(frozen=True, slots=True)
class PageConfig:
    """How the page is served.

    Attributes:
        host, port: where it listens; no port: the first free one from 7860.
        users: name and password of those who may come in; empty: everybody who reaches it.
        share: whether Gradio makes a public address for it, through a server of Hugging Face.
    """

    host: str = "127.0.0.1"
    port: int | None = None
    users: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    share: bool = False


def page(visits: Visits, networks: Networks, choices: Choices) -> gr.Blocks:
    """The page.

    Args:
        visits: everybody's.
        networks: models that all visitors use in turn.
        choices: what visitors may choose from.
    """
    blocks: gr.Blocks = gr.Blocks(
        title="keyreid", analytics_enabled=False, fill_width=True, delete_cache=(300, round(KEPT_S))
    )
    with blocks:
        visit = gr.BrowserState("", storage_key="keyreid-visit")
        opened = gr.State(0.0)
        context = Context(visits, networks, visit)
        shared = visits.shared
        about = f" · {shared.name}" if shared else ""
        gr.HTML(f'<div class="kr-head"><h1>Who is who, across cameras{about}</h1></div>')
        with gr.Tabs():
            if visits.live is not None:
                with gr.Tab("Live", id="live"):
                    add_live(context)
            with gr.Tab("Track", id="track"):
                add_track(context, opened, choices)
            with gr.Tab("People", id="people"):
                add_people(context, opened)
            with gr.Tab("Search", id="search"):
                add_search(context)
            with gr.Tab("Model", id="model"):
                add_model(context, opened)
            with gr.Tab("Measure", id="measure"):
                add_measure(context, opened)
        leave = gr.Button("End this visit and delete everything of it", size="sm", elem_id="kr-leave")

        @told(2)
        def enter(token: str) -> list[Any]:
            return [visits.enter(token or None), time.monotonic()]

        @told(2)
        def go(token: str) -> list[Any]:
            visits.leave(token)
            gr.Info("Everything of your visit is deleted.")
            return [visits.enter(None), time.monotonic()]

        blocks.load(enter, visit, [visit, opened], **QUIET)
        leave.click(go, visit, [visit, opened], **QUIET)
    return blocks


@contextmanager
def served(
    config: PageConfig,
    choices: Choices,
    networks: Networks,
    root: Path,
    run: Path | None = None,
    live: RunJob | None = None,
) -> Iterator[str]:
    """Serve the page until the block ends; its address.

    Args:
        config: where, and for whom.
        choices: what visitors may choose from.
        networks: for searching and looking.
        root: a private, empty folder: everything of visitors lies there until they leave.
        run: a run's folder that every visitor looks at.
        live: a deployment's run that every visitor may watch; it is stopped when the page ends.

    Raises:
        InputError: the folder is no run's.
    """
    visits = Visits(root, None if run is None else OpenRun(run), live)
    blocks = page(visits, networks, choices)
    try:
        app, address, public = blocks.queue(api_open=False, default_concurrency_limit=8).launch(
            server_name=config.host,
            server_port=config.port,
            auth=list(config.users) or None,
            share=config.share,
            prevent_thread_lock=True,
            quiet=True,
            show_error=False,
            inbrowser=False,
            run_history=False,
            footer_links=[],
            max_file_size=MAX_VIDEO_BYTES,
            theme=_theme(),
            css=CSS,
            enable_monitoring=False,
            ssr_mode=False,
            pwa=False,
            mcp_server=False,
        )
        for router in (files_router(visits), live_router(visits)):
            app.include_router(router)
            # Before Gradio's own, which takes whatever is left.
            app.router.routes.insert(0, app.router.routes.pop())
        visits.sweep_regularly()
        yield public or address
    finally:
        blocks.close(verbose=False)
        visits.close()


def _theme() -> Any:
    """Fonts of the system: the page loads nothing from anywhere."""
    fonts = ["system-ui", "-apple-system", "Segoe UI", "Roboto", "sans-serif"]
    theme = gr.themes.Soft(primary_hue="indigo", font=fonts, font_mono=["ui-monospace", "Menlo", "monospace"])
    # Plain titles: in colours they would outshine the people's.
    return theme.set(
        block_title_background_fill="none",
        block_title_background_fill_dark="none",
        block_title_text_color="*body_text_color_subdued",
        block_title_text_color_dark="*body_text_color_subdued",
        block_title_padding="0",
        block_title_text_weight="400",
    )
