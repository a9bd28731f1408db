"""The whole story in a browser: a video in, people out, searched, merged, undone, forgotten; and still so on reload.

`KEYREID_SHOTS=FOLDER` keeps a picture of every tab, to be looked at.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from keyreid_stream.sinks.mp4 import Mp4File
from keyreid_stream.world.address import open_world
from tests.demos.browser import ARGUMENTS, CHROMIUM, page_at, why_no_browser

pytestmark = pytest.mark.skipif(why_no_browser() is not None, reason=str(why_no_browser()))

SECONDS = 4
WITHIN_MS = 60_000
SHOTS = os.environ.get("KEYREID_SHOTS")


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Drawn people from one camera."""
    path = tmp_path_factory.mktemp("videos") / "front door.mp4"
    (camera,) = open_world(f"world://plaza?seconds={SECONDS}&cameras=1&fps=10&width=640&height=360&seed=42")
    file = Mp4File(path, 10)
    for frame in camera.frames():
        file.write(frame.image, frame.timestamp_s)
    file.close()
    return path


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with page_at() as (address, _):
        yield address


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


class Visitor:
    """A browser window of its own, with what it was told."""

    def __init__(self, chromium: Any, address: str, **options: Any) -> None:
        self.context = chromium.new_context(viewport={"width": 1280, "height": 900}, **options)
        self.page = self.context.new_page()
        self.page.set_default_timeout(WITHIN_MS)
        self.address = address
        self.outside: list[str] = []
        self.errors: list[str] = []
        self.page.on("request", self._note)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.open()

    def _note(self, request: Any) -> None:
        if not request.url.startswith((self.address, "data:", "blob:")):
            self.outside.append(request.url)

    def open(self, path: str = "") -> None:
        self.page.goto(self.address + path)
        self.page.wait_for_selector("#kr-leave")
        self.page.wait_for_function("() => localStorage.getItem('keyreid-visit') !== null")
        self.page.wait_for_timeout(1000)

    def tab(self, name: str) -> None:
        visible = self.page.get_by_role("tab", name=name, exact=True).and_(self.page.locator(":visible"))
        if not visible.count():  # a narrow page keeps the last tabs in a menu
            self.page.locator(".overflow-menu > button").click()
            visible = self.page.locator(".overflow-dropdown button", has_text=name)
        visible.first.click()

    def people(self) -> list[str]:
        """Titles of the cards."""
        self.tab("People")
        return [text.strip() for text in self.page.locator(".kr-card .kr-title").all_inner_texts()]

    def until_people(self, count: int) -> None:
        self.page.wait_for_function(f"() => document.querySelectorAll('.kr-card').length === {count}")

    def choose(self, number: int) -> str:
        """Click on a card; who it is."""
        title = self.people()[number]
        self.page.locator(".kr-card").nth(number).click()
        self.page.wait_for_function(f"() => document.querySelector('#kr-heading')?.innerText.includes('{title}')")
        return title

    def shoot(self, name: str) -> None:
        if SHOTS:
            self.page.wait_for_timeout(800)
            Path(SHOTS).mkdir(parents=True, exist_ok=True)
            self.page.screenshot(path=Path(SHOTS) / f"{name}.png", full_page=True)


def upload(visitor: Visitor, *paths: Path) -> None:
    page = visitor.page
    page.locator("#kr-cameras input").click()
    page.get_by_role("option", name="my videos").click()
    page.locator("#kr-videos").wait_for()
    with page.expect_response(lambda answer: "/upload" in answer.url):
        page.locator("#kr-videos input[type=file]").set_input_files([str(path) for path in paths])
    page.locator("#kr-videos").get_by_text(paths[0].stem.split(" ")[0]).first.wait_for()
    page.click("#kr-start")


def test_the_story(chromium: Any, address: str, video: Path, tmp_path: Path) -> None:
    one = Visitor(chromium, address)
    page = one.page
    upload(one, video)
    page.wait_for_selector("[data-state=finished]")
    page.wait_for_function("() => document.querySelector('#kr-result video')?.readyState >= 2")
    one.shoot("track")

    one.tab("People")
    page.wait_for_selector(".kr-card")
    found = one.people()
    assert len(found) >= 3
    name = one.choose(0)
    one.shoot("people")

    # Search with a crop that the page shows.
    source = page.locator(".kr-card img").first.get_attribute("src")
    crop = tmp_path / "crop.jpg"
    crop.write_bytes(page.request.get(address.rstrip("/") + source).body())
    one.tab("Search")
    page.locator("#kr-picture input[type=file]").set_input_files(str(crop))
    page.locator("#kr-picture img").first.wait_for()
    page.locator("#kr-alone input").check()
    page.click("#kr-search")
    page.wait_for_selector("#kr-found .kr-likeness")
    assert page.locator("#kr-found .kr-title").first.inner_text() == name
    one.shoot("search")

    # Rename, merge, undo.
    one.choose(0)
    page.get_by_label("Name", exact=True).fill("Ada <i>Lovelace</i>")
    page.get_by_role("button", name="Rename").click()
    page.wait_for_function("() => document.querySelector('.kr-card .kr-title').innerText.includes('Ada <i>')")
    page.get_by_label("Is the same person as").click()
    page.get_by_role("option", name=found[1], exact=True).click()
    page.get_by_role("button", name="Merge", exact=True).click()
    one.until_people(len(found) - 1)
    one.open()
    one.tab("People")
    one.until_people(len(found) - 1)
    page.get_by_role("button", name=re.compile("^Undo")).click()
    one.until_people(len(found))

    # Forget somebody, and load the page again.
    gone = one.choose(1)
    page.get_by_text("Forget this person for good").click()
    page.get_by_label("Erase them from the gallery").check()
    page.get_by_role("button", name="Forget", exact=True).click()
    one.until_people(len(found) - 1)
    one.open()
    one.tab("People")
    one.until_people(len(found) - 1)
    assert gone not in one.people()
    assert one.people()[0].endswith("Ada <i>Lovelace</i>")

    # The model, by crops of the run; and the figures.
    one.tab("Model")
    for number in (1, 2):
        page.locator(f"#kr-pick-{number} input").click()
        page.get_by_role("option").nth(number - 1).click()
        page.locator(f"#kr-crop-{number} img").first.wait_for()
    page.click("#kr-look")
    page.wait_for_selector("#kr-compared .kr-parts")
    page.locator("#kr-attention img").wait_for()
    one.shoot("model")
    one.tab("Measure")
    page.wait_for_selector("#kr-measure .kr-table")
    one.shoot("measure")

    # Somebody else sees nothing of it, also not who knows the names of files.
    other = Visitor(chromium, address)
    assert other.people() == []
    token = other.page.evaluate("() => localStorage.getItem('keyreid-visit')")
    mine = source.split("/")[3]
    assert token != mine
    assert other.page.request.get(f"{address}keyreid/files/{'x' * 32}/run.json").status == 404

    assert one.outside == other.outside == []
    assert one.errors == other.errors == []


def test_a_broken_upload_is_a_message_and_no_trace(chromium: Any, address: str, tmp_path: Path) -> None:
    playlist, noise = tmp_path / "list.mp4", tmp_path / "noise.mp4"
    playlist.write_text("#EXTM3U\n/etc/passwd\n")
    noise.write_bytes(b"\x00\x00\x00\x18ftypisom" + np.random.default_rng(0).bytes(20_000))
    visitor = Visitor(chromium, address)
    upload(visitor, playlist)
    visitor.page.get_by_text("list.mp4 is no video that is taken here").wait_for()
    visitor.open()
    upload(visitor, noise)
    visitor.page.wait_for_selector("[data-state=failed]")
    said = visitor.page.locator("#kr-state").inner_text()
    assert "Traceback" not in said
    assert "/tmp" not in said
    assert visitor.errors == []


def test_a_broken_picture_is_a_message_and_no_trace(chromium: Any, address: str, tmp_path: Path) -> None:
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(300))
    visitor = Visitor(chromium, address)
    visitor.tab("Model")
    visitor.page.locator("#kr-crop-1 input[type=file]").set_input_files(str(broken))
    visitor.page.locator("#kr-crop-1 img").first.wait_for(state="attached")
    visitor.page.click("#kr-look")
    visitor.page.get_by_text("Broken.png is no picture that can be read").wait_for()
    assert visitor.errors == []


@pytest.mark.slow
def test_a_deployment_is_watched_while_it_runs_and_its_people_are_there_afterwards(
    chromium: Any, video: Path, tmp_path: Path
) -> None:
    deployment = tmp_path / "site.toml"
    deployment.write_text(
        f"""
        [sources]
        cameras = ["door={video}"]
        [pose]
        weights = "world-pose"
        [association]
        gallery = "{tmp_path / "people.gallery"}"
        """
    )
    with page_at("--live", str(deployment), "--out", str(tmp_path / "run")) as (address, process):
        visitor = Visitor(chromium, address)
        page = visitor.page
        page.wait_for_function("() => document.querySelector('#kr-live img')?.naturalWidth > 0")
        visitor.shoot("live")
        page.wait_for_selector("#kr-live-state [data-state=finished]")
        visitor.open()
        visitor.tab("People")
        page.wait_for_selector(".kr-card")
        found = visitor.people()
        visitor.choose(0)
        page.get_by_label("Name", exact=True).fill("the guard")
        page.get_by_role("button", name="Rename").click()
        page.wait_for_function("() => document.querySelector('.kr-card .kr-title').innerText.includes('the guard')")
        assert len(found) >= 3
        assert visitor.errors == []
        process.terminate()
        assert process.wait(30) == 130
    assert (tmp_path / "run" / "events.jsonl").is_file()


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_nothing_is_wider_than_the_page(chromium: Any, address: str, width: int, scheme: str) -> None:
    visitor = Visitor(chromium, address, color_scheme=scheme)
    visitor.page.set_viewport_size({"width": width, "height": 844})
    for tab in ("Track", "People", "Search", "Model", "Measure"):
        visitor.tab(tab)
        visitor.page.wait_for_timeout(200)
        visitor.shoot(f"{tab.lower()}-{width}-{scheme}")
        assert visitor.page.evaluate("() => document.documentElement.scrollWidth") <= width
    visitor.context.close()
