"""Whatever an event's function raises becomes one line on the page."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import gradio as gr
import pytest

from keyreid_demos.told import told, told_on_the_way
from keyreid_stream.errors import InputError


@pytest.fixture
def warnings(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    said: list[str] = []
    monkeypatch.setattr(gr, "Warning", said.append)
    return said


def test_the_librarys_errors_are_told_as_they_are_and_escaped(warnings: list[str]) -> None:
    @told(2)
    def fails(name: str) -> list[str]:
        raise InputError(f"there is no {name}; choose another")

    assert fails("<b>P7</b>") == [gr.skip(), gr.skip()]
    assert warnings == ["There is no &lt;b&gt;P7&lt;/b&gt;; choose another"]


def test_other_errors_tell_no_more_than_their_kind_the_log_has_the_rest(
    warnings: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    @told(1)
    def fails() -> str:
        raise ZeroDivisionError("a secret of the machine")

    with caplog.at_level(logging.ERROR):
        assert fails() == gr.skip()
    assert warnings == ["That did not work (ZeroDivisionError); the terminal tells more."]
    assert "a secret of the machine" in caplog.text


def test_what_was_yielded_before_stays(warnings: list[str]) -> None:
    @told_on_the_way(1)
    def fails() -> Iterator[str]:
        yield "first"
        raise InputError("then not")

    assert list(fails()) == ["first", gr.skip()]
    assert warnings == ["Then not"]


def test_what_goes_well_is_passed_on(warnings: list[str]) -> None:
    assert told(1)(lambda one: one + 1)(1) == 2
    assert list(told_on_the_way(1)(lambda: iter([1, 2]))()) == [1, 2]
    assert not warnings
