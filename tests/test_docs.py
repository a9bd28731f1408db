"""Every Python example of the README and the guides is run, in a folder with two short camera videos."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
EXAMPLE = re.compile(r"(<!-- fragment -->\n\n?)?^```python\n(.*?)^```$", re.DOTALL | re.MULTILINE)
"""A block after `<!-- fragment -->` is a piece of something larger and only has to compile."""

REAL_INPUT = ("cam0.mp4", "yolov8n-pose.pt", "runs/lab")


def examples() -> list[tuple[str, bool, str]]:
    found = []
    for page in PAGES:
        for number, (fragment, code) in enumerate(EXAMPLE.findall(page.read_text(encoding="utf-8")), 1):
            found.append((f"{page.relative_to(ROOT)}-{number}", bool(fragment), code))
    return found


@pytest.mark.parametrize(("name", "fragment", "code"), [pytest.param(*one, id=one[0]) for one in examples()])
def test_example(
    name: str,
    fragment: bool,
    code: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> None:
    compile(code, name, "exec")
    if fragment:
        return
    if any(word in code for word in REAL_INPUT):
        data: Path = request.getfixturevalue("data")
        for clip in request.getfixturevalue("lab_clips")[:2]:
            (tmp_path / clip.name).symlink_to(clip)
        (tmp_path / "yolov8n-pose.pt").symlink_to(data / "weights" / "yolov8n-pose.pt")
        if "runs/lab" in code:
            (tmp_path / "runs" / "lab").mkdir(parents=True)
            (tmp_path / "runs" / "lab" / "events.jsonl").touch()
    monkeypatch.chdir(tmp_path)
    (tmp_path / "example.py").write_text(code, encoding="utf-8")
    runpy.run_path(str(tmp_path / "example.py"))


def test_every_link_to_a_file_of_ours_leads_somewhere() -> None:
    for page in PAGES:
        for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.relative_to(ROOT)} links to {target}"
