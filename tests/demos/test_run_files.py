"""The files of a run over HTTP: its outputs, to who looks at it, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from keyreid_demos.open_run import OpenRun
from keyreid_demos.run_files import PEOPLE, PREFIX, address_of, files_router, run_file
from keyreid_demos.visits import Visits
from keyreid_stream.errors import InputError
from tests.demos.runs import make_run

NOT_FILES = [
    "../run.gallery",
    "..",
    "",
    ".",
    "/etc/passwd",
    "crops/../../run.gallery",
    "crops/door/../../../run.gallery",
    "crops\\door\\1_0.jpg",
    "videos/../run.json",
    "crops/door",
    "crops/door/none.jpg",
    "notes.txt",
    "run.json\0.jpg",
    "crops/out/1_0.jpg",
    "tracks/a/b.txt",
]


@pytest.fixture
def run(tmp_path: Path) -> OpenRun:
    folder = make_run(tmp_path / "run", tmp_path / "run.gallery")
    (folder / "notes.txt").write_text("not an output of a run")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "1_0.jpg").write_bytes(b"secret")
    (folder / "crops" / "out").symlink_to(tmp_path / "elsewhere")
    return OpenRun(folder)


@pytest.fixture
def visits(tmp_path: Path) -> Visits:
    return Visits(tmp_path / "visits")


@pytest.fixture
def client(visits: Visits) -> TestClient:
    app = FastAPI()
    app.include_router(files_router(visits))
    return TestClient(app)


def entered(visits: Visits, run: OpenRun | None) -> str:
    token = visits.enter(None)
    visits.visit(token).run = run
    return token


@pytest.mark.parametrize("name", NOT_FILES)
def test_nothing_but_a_runs_outputs_is_found(run: OpenRun, name: str) -> None:
    with pytest.raises(InputError, match="is no file of this run"):
        run_file(run.folder, name)


@pytest.mark.parametrize("name", ["run.json", "events.jsonl", "tracks/door.txt", "crops/door/1_0.jpg"])
def test_a_runs_outputs_are_served_and_nobody_keeps_copies(
    run: OpenRun, visits: Visits, client: TestClient, name: str
) -> None:
    token = entered(visits, run)
    answer = client.get(address_of(token, run.folder, run.folder / name))
    assert answer.status_code == 200
    assert answer.content == (run.folder / name).read_bytes()
    assert answer.headers["cache-control"] == "private, no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    "path",
    [
        "../run.gallery",
        "%2e%2e/run.gallery",
        "..%2frun.gallery",
        "crops/%2e%2e/%2e%2e/run.gallery",
        "%2fetc%2fpasswd",
        "/etc/passwd",
        "crops%5cdoor",
        "crops/out/1_0.jpg",
        "notes.txt",
        "run.json%00",
    ],
)
def test_no_way_of_writing_a_path_leads_out_of_the_run(
    run: OpenRun, visits: Visits, client: TestClient, path: str
) -> None:
    answer = client.get(f"{PREFIX}/{entered(visits, run)}/{path}")
    assert answer.status_code == 404
    assert b"secret" not in answer.content


def test_a_visitor_does_not_get_anothers_files(run: OpenRun, visits: Visits, client: TestClient) -> None:
    owner, other = entered(visits, run), entered(visits, None)
    assert client.get(f"{PREFIX}/{owner}/run.json").status_code == 200
    assert client.get(f"{PREFIX}/{other}/run.json").status_code == 404
    assert client.get(f"{PREFIX}/guessed/run.json").status_code == 404
    visits.leave(owner)
    assert client.get(f"{PREFIX}/{owner}/run.json").status_code == 404


def test_people_are_a_table_as_they_are_known_now_and_no_formula(
    run: OpenRun, visits: Visits, client: TestClient
) -> None:
    run.rename(1, "=1+1")
    run.merge(1, 2)
    token = entered(visits, run)
    answer = client.get(f"{PEOPLE}/{token}")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.text.splitlines() == [
        "identity_id,name,camera_id,track_id,first_frame,first_s,last_s",
        "1,'=1+1,door,1,0,0.0,2.0",
        "1,'=1+1,door,2,0,1.0,3.0",
        "1,'=1+1,hall,1,0,4.0,6.0",
    ]
    assert client.get(f"{PEOPLE}/guessed").status_code == 404
    assert client.get(f"{PEOPLE}/{entered(visits, None)}").status_code == 404


def test_a_report_cannot_act_in_the_pages_name(run: OpenRun, visits: Visits, client: TestClient) -> None:
    (run.folder / "report.html").write_text("<script>document.cookie</script>")
    answer = client.get(f"{PREFIX}/{entered(visits, run)}/report.html")
    assert answer.headers["content-security-policy"] == "sandbox allow-scripts"


def test_a_video_can_be_sought_in(run: OpenRun, visits: Visits, client: TestClient) -> None:
    (run.folder / "videos").mkdir()
    (run.folder / "videos" / "mosaic.mp4").write_bytes(bytes(range(100)))
    answer = client.get(f"{PREFIX}/{entered(visits, run)}/videos/mosaic.mp4", headers={"Range": "bytes=10-19"})
    assert (answer.status_code, answer.content) == (206, bytes(range(10, 20)))
