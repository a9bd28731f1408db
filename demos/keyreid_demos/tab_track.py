"""The tab of runs: videos or a built-in world in, progress per camera, and a mosaic that plays."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import gradio as gr

from keyreid_demos.context import Context
from keyreid_demos.events import QUIET
from keyreid_demos.live_route import live_address
from keyreid_demos.open_run import OpenRun
from keyreid_demos.run_files import PEOPLE, address_of
from keyreid_demos.run_job import CameraProgress, Progress, RunJob
from keyreid_demos.run_settings import UPLOADED, video_request, world_request
from keyreid_demos.told import told, told_on_the_way
from keyreid_demos.uploads import take_videos
from keyreid_demos.visits import Visit
from keyreid_stream.errors import InputError
from keyreid_stream.tracking.trackers import TRACKERS
from keyreid_stream.world.scene import scene_names

_LOOK_EVERY_S = 0.4

OFFERED = ("*.json", "*.jsonl", "*.html", "*.parquet", "tracks/*.txt", "videos/*.mp4")
"""What of a run can be downloaded, of what `run_files.SHOWN` allows."""

CSS = """
.kr-progress { display: grid; grid-template-columns: minmax(90px, max-content) 1fr max-content; gap: 6px 12px;
  align-items: center; }
.kr-video { width: 100%; max-height: 72vh; border-radius: 10px; background: #111; display: block; }
.kr-files { columns: 220px; padding: 0; margin: 6px 0; list-style: none; }
.kr-files li { margin: 2px 0; overflow-wrap: anywhere; }
.kr-failed { color: var(--error-text-color, #b91c1c); font-weight: 600; }
"""


@dataclass(frozen=True, slots=True)
class Choices:
    """What visitors may choose from: the operator names it, never a visitor's upload.

    Attributes:
        detectors: words to weights.
        models: words to weights; None for those that come with the package.
    """

    detectors: dict[str, str]
    models: dict[str, str | None]


def add_track(context: Context, opened: Any, choices: Choices) -> None:
    """Add the tab's components.

    Args:
        context: shared by all tabs.
        opened: a component to change when the visitor looks at another run.
        choices: detectors and models.
    """
    with gr.Row():
        with gr.Column(scale=2, min_width=300):
            scene = gr.Dropdown([*scene_names(), UPLOADED], value="plaza", label="Cameras", elem_id="kr-cameras")
            with gr.Group() as world:
                seconds = gr.Slider(4, 60, value=12, step=1, label="Seconds")
                seed = gr.Number(value=7, precision=0, minimum=0, label="Seed")
            videos = gr.File(
                label="Videos, one a camera",
                file_count="multiple",
                type="filepath",
                visible=False,
                elem_id="kr-videos",
            )
            detector = gr.Dropdown(list(choices.detectors), value=next(iter(choices.detectors)), label="Detector")
            model = gr.Dropdown(list(choices.models), value=next(iter(choices.models)), label="KeyRe-ID weights")
            tracker = gr.Dropdown(list(TRACKERS), value="botsort", label="Tracker")
            with gr.Row():
                start = gr.Button("Find people", variant="primary", elem_id="kr-start")
                stop = gr.Button("Stop", elem_id="kr-stop")
        with gr.Column(scale=5, min_width=320):
            state = gr.HTML("", elem_id="kr-state")
            result = gr.HTML("", elem_id="kr-result")
    visit = context.visit

    def show_world(which: str) -> list[Any]:
        return [gr.Group(visible=which != UPLOADED), gr.File(visible=which == UPLOADED)]

    @told_on_the_way(3)
    def run(
        token: str, which: str, length_s: float, number: float, files: list[str] | None, finds: str, tells: str, by: str
    ) -> Iterator[list[Any]]:
        here = context.visits.visit(token)
        if here.job is not None and here.job.is_running:
            raise InputError("a run of yours is going on; stop it first, or let it end")
        settings = (choices.detectors[finds], choices.models[tells], by)
        folder = here.next_run_folder()
        if which == UPLOADED:
            request = video_request(take_videos(files or [], here.folder), folder, *settings)
        else:
            request = world_request(which, length_s, int(number), folder, *settings)
        yield from _follow(context, here, RunJob(request, folder))

    @told(1)
    def end(token: str) -> Any:
        here = context.visits.visit(token)
        if here.job is None or not here.job.is_running:
            raise InputError("nothing is running")
        here.job.stop()
        return gr.skip()

    @told(2)
    def show(token: str) -> list[Any]:
        """After a reload, or for a run that was given: what there is."""
        here = context.visits.visit(token)
        told_of = "" if here.job is None else progress_told(here.job.progress)
        return [told_of, _result(context, here)]

    scene.change(show_world, scene, [world, videos], **QUIET)
    chosen = [visit, scene, seconds, seed, videos, detector, model, tracker]
    # One run after the other, whoever asks: two would only make each other slow.
    start.click(run, chosen, [state, result, opened], concurrency_limit=1, concurrency_id="run", **QUIET)
    stop.click(end, visit, state, **QUIET)
    opened.change(show, visit, [state, result], **QUIET)


def _follow(context: Context, here: Visit, job: RunJob) -> Iterator[list[Any]]:
    here.job = job
    picture: Any = f'<img class="kr-video" alt="" src="{live_address(here.token, id(job))}">'
    while job.is_running:
        job.wait(_LOOK_EVERY_S)
        context.visits.visit(here.token)  # whoever waits for a run is here
        begins = job.progress.frames > 0
        yield [progress_told(job.progress), picture if begins else gr.skip(), gr.skip()]
        picture = gr.skip() if begins else picture
    if (job.folder / "run.json").is_file() and (job.folder / "events.jsonl").is_file():
        here.run = OpenRun(job.folder)
    yield [progress_told(job.progress), _result(context, here), time.monotonic()]


def progress_told(progress: Progress) -> str:
    """How far a run is, as HTML."""
    style = "kr-failed" if progress.state == "failed" else "kr-state"
    head = f'<p class="{style}" data-state="{progress.state}">{escape(_words(progress))}</p>'
    expected = (progress.expected_frames or 0) / max(1, len(progress.cameras))
    rows = "".join(_camera(one, expected) for one in progress.cameras)
    notices = "".join(f'<p class="kr-dim">{escape(one)}</p>' for one in progress.notices)
    return f'{head}<div class="kr-progress">{rows}</div>{notices}'


def _camera(one: CameraProgress, expected: float) -> str:
    share = min(100.0, 100 * one.frames / expected) if expected else 0.0
    dropped = "" if one.dropped is None else f", {one.dropped} dropped"
    return (
        f'<span>{escape(one.camera_id)}</span><span class="kr-bar"><i style="width:{share:.0f}%"></i></span>'
        f'<span class="kr-dim">{one.frames} frames, {one.identities} people{dropped}</span>'
    )


def _words(progress: Progress) -> str:
    text = progress.message[:1].upper() + progress.message[1:]
    if progress.state == "running" and progress.expected_frames and progress.frames:
        return f"{text}: {100 * progress.frames / progress.expected_frames:.0f} %"
    return text


def _result(context: Context, here: Visit) -> str:
    run = context.open_run(here.token)
    if run is None:
        return '<p class="kr-dim">Choose cameras, then <b>Find people</b>. The built-in worlds need nothing else.</p>'
    files = sorted(path for pattern in OFFERED for path in run.folder.glob(pattern))
    links = "".join(_link(here.token, run.folder, path) for path in files)
    links += f'<li><a href="{PEOPLE}/{here.token}" download>people.csv, as corrected</a></li>'
    listed = f"<details><summary>Files of this run</summary><ul class='kr-files'>{links}</ul></details>"
    return _video(here.token, run) + listed


def _video(token: str, run: OpenRun) -> str:
    mosaic = run.folder / "videos" / "mosaic.mp4"
    if not mosaic.is_file():
        return '<p class="kr-dim">This run kept no video.</p>'
    address = escape(address_of(token, run.folder, mosaic))
    return f'<video class="kr-video" controls autoplay muted loop playsinline src="{address}"></video>'


def _link(token: str, folder: Path, path: Path) -> str:
    name = path.relative_to(folder).as_posix()
    return f'<li><a href="{escape(address_of(token, folder, path))}" download>{escape(name)}</a></li>'
