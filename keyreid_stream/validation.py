"""What pydantic finds wrong, in a line for people."""

from __future__ import annotations

from pydantic import BaseModel, ValidationError


def first_fault(error: ValidationError, settings: type[BaseModel] | None = None) -> str:
    """The first fault and where it is, in one line.

    Args:
        error: what pydantic raised.
        settings: the model that was validated, for settings that a user wrote: the line then tells the value that was
            given, or the names that are allowed where one is unknown. Leave it out for files from elsewhere.
    """
    fault = error.errors(include_url=False)[0]
    where = ".".join(str(step) for step in fault["loc"])
    reason = fault["msg"].removeprefix("Value error, ")
    if settings is None:
        line = f"{where!r}: {reason}" if where else reason
    elif fault["type"] == "extra_forbidden":
        section = _section(settings, fault["loc"][:-1])
        allowed = (
            f"choose from: {', '.join(sorted(section.model_fields))}" if section else "remove it or correct its name"
        )
        line = f"unknown setting {where!r}; {allowed}"
    elif fault["type"] == "missing":
        line = f"setting {where!r} is missing; add it"
    elif isinstance(fault["input"], dict):
        line = f"{where}: {reason}" if where else reason  # of a table, which may hold a misplaced secret
    else:
        line = f"setting {where!r} is {fault['input']!r}: {reason}"
    return " ".join(line.split())


def _section(root: type[BaseModel], steps: tuple[str | int, ...]) -> type[BaseModel] | None:
    """The model class that a path of setting names leads to."""
    for step in steps:
        field = root.model_fields.get(str(step))
        annotation = field.annotation if field else None
        if not (isinstance(annotation, type) and issubclass(annotation, BaseModel)):
            return None
        root = annotation
    return root
