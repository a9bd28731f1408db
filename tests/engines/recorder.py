"""Stands in for a library and notes which of its names are used."""

from __future__ import annotations

from typing import Any

SUBCLASSED = ("ILogger", "IProgressMonitor")
PLAIN = (int, float, str, bytes, tuple, list, type(None))


class Recorder:
    """A library, or something that came out of it; `names` takes `Class.attribute`, and a few names of the library."""

    def __init__(self, target: Any, names: set[str], label: str | None = None) -> None:
        object.__setattr__(self, "_target", target)
        object.__setattr__(self, "_names", names)
        object.__setattr__(self, "_label", label)

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._target, name)
        if self._label is None:
            if name in (*SUBCLASSED, "ComputeCapability"):
                self._names.add(name)
        elif not name.startswith("__"):
            self._names.add(f"{self._label}.{name}")
        return value if name in SUBCLASSED else self._wrapped(value)

    def __setattr__(self, name: str, value: Any) -> None:
        self._names.add(f"{self._label}.{name}")
        setattr(self._target, name, unwrapped(value))

    def __call__(self, *given: Any, **named: Any) -> Any:
        return self._wrapped(
            self._target(*map(unwrapped, given), **{name: unwrapped(one) for name, one in named.items()})
        )

    def __bytes__(self) -> bytes:
        return bytes(self._target)

    def __dir__(self) -> list[str]:
        return dir(self._target)

    def _wrapped(self, value: Any) -> Any:
        kind = value if isinstance(value, type) else type(value)
        member_of_enum = not isinstance(value, type) and hasattr(kind, "__members__")
        if isinstance(value, PLAIN) or member_of_enum or kind.__name__ == "Dims":
            return value
        return Recorder(value, self._names, kind.__name__)


def unwrapped(value: Any) -> Any:
    return value._target if isinstance(value, Recorder) else value
