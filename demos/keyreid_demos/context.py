"""What the tabs share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from keyreid_demos.networks import Networks
from keyreid_demos.open_run import OpenRun
from keyreid_demos.visits import Visits


@dataclass(frozen=True, slots=True)
class Context:
    """What the tabs share.

    Attributes:
        visits: everybody's.
        networks: models that all visitors use in turn.
        visit: the component that holds the visitor's token; an input of every event.
    """

    visits: Visits
    networks: Networks
    visit: Any

    def open_run(self, token: str | None) -> OpenRun | None:
        """The run that a visitor looks at.

        Raises:
            InputError: the visit is over.
        """
        return self.visits.open_run(token)
