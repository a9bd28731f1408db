"""Errors of the library as messages of the page: one line each, never a trace."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Iterator
from html import escape
from typing import Any

import gradio as gr

from keyreid_stream.errors import KeyReIDError

logger = logging.getLogger("keyreid_demos")


def told(count: int) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Wrap an event's function: what it raises becomes a message, and its outputs stay as they are.

    Args:
        count: outputs of the event.
    """

    def wrap(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def wrapped(*arguments: Any, **named: Any) -> Any:
            try:
                return function(*arguments, **named)
            except gr.Error:
                raise
            except Exception as error:  # noqa: BLE001 - the page stays usable, whatever it was
                gr.Warning(_line(error))
                return [gr.skip()] * count if count > 1 else gr.skip()

        return wrapped

    return wrap


def told_on_the_way(count: int) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """The same for a function that yields outputs again and again."""

    def wrap(function: Callable[..., Iterator[Any]]) -> Callable[..., Any]:
        @functools.wraps(function)
        def wrapped(*arguments: Any, **named: Any) -> Iterator[Any]:
            try:
                yield from function(*arguments, **named)
            except gr.Error:
                raise
            except Exception as error:  # noqa: BLE001 - as above
                gr.Warning(_line(error))
                yield [gr.skip()] * count if count > 1 else gr.skip()

        return wrapped

    return wrap


def _line(error: Exception) -> str:
    if isinstance(error, KeyReIDError):
        text = str(error)
        return escape(text[:1].upper() + text[1:])
    logger.error("an event of the page failed", exc_info=error)
    return f"That did not work ({type(error).__name__}); the terminal tells more."
