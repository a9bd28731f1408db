"""How the page's events are registered: for the page alone, not as an API."""

from __future__ import annotations

from typing import Any, Final

OURS: Final[dict[str, Any]] = {"api_visibility": "private"}
QUIET: Final[dict[str, Any]] = {**OURS, "show_progress": "hidden"}
"""Quick ones: a spinner would flicker."""
