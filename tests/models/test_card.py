from __future__ import annotations

import datetime
from pathlib import Path

import pytest

from keyreid_stream.errors import WeightsError
from keyreid_stream.models.card import model_card
from keyreid_stream.models.known_weights import SHIPPED, shipped_names
from keyreid_stream.models.weights import (
    Provenance,
    ScoredFigures,
    WeightsFile,
    add_figures,
    load_weights,
    read_record,
    save_weights,
)
from tests.models.small_models import small_model

ROOT = Path(__file__).parents[2]

FIRST = ScoredFigures(data="cuhk03-val", protocol="first image; cosine", values={"rank1": 0.505, "queries": 200})
MEAN = ScoredFigures(data="cuhk03-val", protocol="mean over images; cosine", values={"rank1": 0.625, "mAP": 0.736})


def saved(folder: Path, **changes: object) -> WeightsFile:
    model = small_model()
    origin: dict[str, object] = {
        "source": "a test",
        "trained": True,
        "created": datetime.date(2026, 11, 22),
        "data_sets": ("cuhk03", "worlds"),
        "data_terms": {"cuhk03": "research only"},
        "recipe": "cuhk_tiny",
        "command": "keyreid train cuhk_tiny",
        "hardware": "a processor | two threads",
        "hours": 1.5,
        "terms": "research only",
        "metrics": {"validation_rank1": 0.5, "validation_queries": 40},
        "notes": "<b>new</b>\nlines",
    }
    provenance = Provenance.model_validate(origin | changes)
    return save_weights(folder / "mine.safetensors", model.config, model.state_dict(), provenance)


def test_a_card_tells_all_that_is_noted(tmp_path: Path) -> None:
    stored = saved(tmp_path, figures=(FIRST, MEAN))
    lines = model_card(stored).splitlines()
    parameters = sum(one.numel() for one in small_model().parameters())
    for line in (
        "# mine",
        "| cuhk03 | research only |",
        "| worlds | not stated |",
        "| hardware | a processor \\| two threads |",
        "| time of training steps | 1.5 hours |",
        "| command | `keyreid train cuhk_tiny` |",
        f"| parameters | {parameters:,} |",
        "| validation rank1 | 50.0 % |",
        "| validation queries | 40 |",
        "| protocol | rank1 | queries | mAP |",
        "| first image; cosine | 50.5 % | 200 |  |",
        "| mean over images; cosine | 62.5 % |  | 73.6 % |",
        "&lt;b>new&lt;/b> lines",
    ):
        assert line in lines, line
    assert any(stored.sha256 in line for line in lines)


def test_a_card_hides_nothing_that_is_missing(tmp_path: Path) -> None:
    bare = {"data_terms": {}, "recipe": None, "command": None, "hardware": None, "hours": None, "metrics": {}}
    text = model_card(saved(tmp_path, trained=False, data_sets=(), terms="not stated", **bare))
    assert text.count("not stated") == 5
    assert "the parameters are random" in text
    assert "untrained (random parameters)" in text
    assert "None were noted." in text


@pytest.mark.parametrize(
    ("data", "heading"), [("cuhk03", "On cuhk03, which they were trained on:"), ("lab", "On lab:")]
)
def test_figures_on_training_data_are_called_so(tmp_path: Path, data: str, heading: str) -> None:
    stored = saved(tmp_path, figures=(FIRST.model_copy(update={"data": data}),))
    assert heading in model_card(stored).splitlines()


def test_figures_are_added_and_replaced_beside_the_same_tensors(tmp_path: Path) -> None:
    before = saved(tmp_path)
    add_figures(before.path, [FIRST, MEAN])
    better = MEAN.model_copy(update={"values": {"rank1": 0.8}})
    add_figures(before.path.with_suffix(".json"), [better])
    after = load_weights(before.path)
    assert after.provenance.figures == (FIRST, better)
    assert after.sha256 == before.sha256
    unchanged = read_record(before.path.with_suffix(".json")).provenance.model_copy(update={"figures": ()})
    assert unchanged == before.provenance
    with pytest.raises(WeightsError, match="is missing"):
        add_figures(tmp_path / "other.safetensors", [FIRST])


@pytest.mark.parametrize("name", shipped_names())
def test_the_page_of_shipped_weights_is_their_card(name: str) -> None:
    page = ROOT / "docs" / "models" / f"{name}.md"
    expected = model_card(load_weights(SHIPPED / f"{name}.safetensors"))
    assert page.read_text(encoding="utf-8") == expected, f"write it again: keyreid weights card {name} > {page}"


@pytest.mark.parametrize("name", shipped_names())
def test_shipped_weights_say_all_that_a_card_asks_for(name: str) -> None:
    provenance = read_record(SHIPPED / f"{name}.json").provenance
    assert provenance.trained
    assert provenance.data_terms.keys() == set(provenance.data_sets)
    assert provenance.recipe
    assert provenance.command
    assert provenance.hardware
    assert provenance.hours
    assert provenance.terms != "not stated"
    assert provenance.metrics or provenance.figures
