"""An exponential moving average of a network: what is evaluated and saved."""

from __future__ import annotations

import copy
from collections.abc import Mapping

import torch

from keyreid_stream.models.keyreid import KeyReID


class MovingAverage:
    """A second network whose every number follows the first one's, statistics of BatchNorm included.

    Early on it follows faster, since an average over fewer steps than there were would remember the random start.

    Attributes:
        network: the averaged network, in evaluation mode, without gradients.
    """

    def __init__(self, network: KeyReID, decay: float) -> None:
        """Start from a copy of `network`; `decay` in [0, 1), 0 for no averaging."""
        self.network = copy.deepcopy(network).eval().requires_grad_(False)
        self._decay = decay

    @torch.no_grad()
    def update(self, network: KeyReID, step: int) -> None:
        """Move towards `network`, which has the same parameters, after 0-based step `step`."""
        decay = min(self._decay, (1 + step) / (10 + step))
        ours, theirs = self.network.state_dict(), network.state_dict()
        floating = [name for name, tensor in ours.items() if tensor.is_floating_point()]
        torch._foreach_lerp_([ours[name] for name in floating], [theirs[name] for name in floating], 1 - decay)
        for name in ours.keys() - set(floating):
            ours[name].copy_(theirs[name])

    def state_dict(self) -> dict[str, torch.Tensor]:
        """The averaged numbers."""
        return dict(self.network.state_dict())

    def load_state_dict(self, state: Mapping[str, torch.Tensor]) -> None:
        """Take over averaged numbers."""
        self.network.load_state_dict(state)
