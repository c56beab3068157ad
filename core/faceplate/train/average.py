"""A running mean of the weights, which predicts steadier than the weights of any one step."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn

__all__ = ["Average"]


class Average:
    """The exponential mean of a network's weights over its steps.

    Early steps, whose weights are far from settled, are forgotten sooner: at step t the decay is
    at most (1 + t) / (10 + t).

    Args:
        net: The network; its weights, as they are, are the mean's beginning.
        decay: Of the mean, as 0.999.
    """

    def __init__(self, net: nn.Module, decay: float) -> None:
        self._net, self._decay = net, decay
        self._means = {name: value.detach().clone() for name, value in net.named_parameters()}

    @torch.no_grad()
    def follow(self, step: int) -> None:
        """Take the weights after a step, numbered from 0, into the mean."""
        decay = min(self._decay, (1 + step) / (10 + step))
        params = [param.detach() for param in self._net.parameters()]
        torch._foreach_lerp_(list(self._means.values()), params, 1 - decay)

    def weights(self) -> dict[str, Tensor]:
        """Return the mean by name, with whatever else the network's state holds."""
        return {**self._net.state_dict(), **self._means}

    @torch.no_grad()
    def restore(self, weights: Mapping[str, Tensor]) -> None:
        """Put a saved mean back."""
        for name, mean in self._means.items():
            mean.copy_(weights[name])

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Let the network predict with the mean inside the context."""
        self._exchange()
        try:
            yield
        finally:
            self._exchange()

    def _exchange(self) -> None:
        for name, param in self._net.named_parameters():
            mean = self._means[name]
            self._means[name] = param.data
            param.data = mean
