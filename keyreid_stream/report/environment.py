"""How pages are rendered."""

from __future__ import annotations

from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined


def rendered(template: str, content: dict[str, Any]) -> str:
    """A template of the package with its content; texts are escaped, and a name that is missing is an error."""
    environment = Environment(
        loader=PackageLoader("keyreid_stream.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(template).render(content)
