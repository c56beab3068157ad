"""Weights of one model for another: every tensor that does not fit is named, none is guessed."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor

from faceplate.errors import BadSettings, near_names
from faceplate.models.net import SwapNet

__all__ = ["Fitted", "fit_weights"]

logger = logging.getLogger(__name__)

_SHOWN = 12


@dataclass(frozen=True, eq=False)
class Fitted:
    """Weights that a network can load."""

    weights: dict[str, Tensor]
    """All of them, by name."""
    initialised: list[str]
    """Those that begin afresh, as was asked."""
    unused: list[str]
    """Tensors of the other model that have no place in this one."""


def fit_weights(
    net: SwapNet, weights: Mapping[str, Tensor], initialise: Sequence[str], what: str
) -> Fitted:
    """Return the weights of another model as far as they fit, and fresh ones where that is asked.

    Args:
        net: The network they are for, freshly initialised.
        weights: Of the other model.
        initialise: What begins afresh whether it fits or not: names of tensors or of what holds
            them; ``inters`` stands for all bottlenecks.
        what: The other model, for messages.

    Raises:
        BadSettings: A tensor does not fit and is not named in `initialise`, or a name in it is none
            of the network's.
    """
    fresh = net.state_dict()
    chosen = _chosen(net, fresh, initialise)
    misfits = [
        f"{name} ({_shape(weights.get(name))}, expected {_shape(tensor)})"
        for name, tensor in fresh.items()
        if name not in chosen and _shape(weights.get(name)) != _shape(tensor)
    ]
    if misfits:
        raise _refusal(misfits, what)
    unused = sorted(set(weights) - set(fresh))
    _tell(sorted(chosen), unused, what)
    taken = {name: t if name in chosen else weights[name] for name, t in fresh.items()}
    return Fitted(taken, sorted(chosen), unused)


def _chosen(net: SwapNet, fresh: Mapping[str, Tensor], initialise: Sequence[str]) -> set[str]:
    names_of = {module: name for name, module in net.named_modules()}
    chosen: set[str] = set()
    for asked in initialise:
        parts = [names_of[part] for part in net.inters()] if asked == "inters" else [asked]
        found = {n for n in fresh for part in parts if n == part or n.startswith(f"{part}.")}
        if not found:
            known = sorted({"inters", *(name.partition(".")[0] for name in fresh)})
            near = near_names(asked, known, 1)
            hint = f"did you mean {near[0]!r}?" if near else f"its parts are {', '.join(known)}"
            raise BadSettings(f"initialise {asked!r}: the network has no such part; {hint}")
        chosen |= found
    return chosen


def _refusal(misfits: Sequence[str], what: str) -> BadSettings:
    for misfit in misfits:
        logger.warning("%s does not fit: %s", what, misfit)
    rest = len(misfits) - _SHOWN
    more = f" and {rest} more, all in the log" if rest > 0 else ""
    parts = sorted({misfit.partition(".")[0].partition(" ")[0] for misfit in misfits})
    return BadSettings(
        f"{len(misfits)} tensors of {what} do not fit the new network: "
        f"{'; '.join(misfits[:_SHOWN])}{more}. Ask for the same shape, or let what does not fit "
        f"begin afresh with --initialise {' '.join(parts)}"
    )


def _tell(initialised: Sequence[str], unused: Sequence[str], what: str) -> None:
    for name in initialised:
        logger.info("%s begins afresh, as was asked", name)
    for name in unused:
        logger.warning("%s of %s has no place in the new network", name, what)


def _shape(tensor: Tensor | None) -> str:
    return "missing" if tensor is None else " x ".join(map(str, tensor.shape)) or "scalar"
