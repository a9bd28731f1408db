"""Optional libraries; this module itself imports nothing that takes long."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType


def import_library(name: str) -> ModuleType:
    """Import an optional library.

    Raises:
        ImportError: it is not installed, or half installed, whatever it raises then; in one line.
    """
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        if error.name == name:
            raise ImportError(f"{name} is not installed") from None
        raise ImportError(f"{name} is installed but does not import ({error})") from error
    except Exception as error:
        reason = next(iter(str(error).strip().splitlines()), "")
        raise ImportError(f"{name} is installed but does not import ({type(error).__name__}: {reason})") from error
