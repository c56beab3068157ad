"""Several processes that train one model together, started by torchrun.

Every process has its share of each batch; gradients are averaged, so that all hold the same weights
and learn as one process would with the joined batch. The first (rank 0) leads: it reports, saves
and decides, and tells the others what comes next. If a process is lost, the others stop with an
error; torchrun starts all anew, and they go on from the last save.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from enum import IntEnum
from typing import NamedTuple

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from faceplate.errors import BadSettings, NotReady

__all__ = ["Next", "Order", "Ranks", "joined_ranks"]

_PATIENCE = timedelta(days=7)
"""A pause may last; a process that is gone is noticed by its closed connection."""


class Next(IntEnum):
    """What all processes do next."""

    BEGIN = 0
    """Build the network and go to a save, or to the beginning."""
    STEP = 1
    """Train one step."""
    END = 2
    """Stop."""


class Order(NamedTuple):
    """What the first process tells the others."""

    next: Next
    step: int = -1
    """Of the save to begin from, -1 for none; or number of the step to train."""
    lr_factor: float = 1.0
    """Of the learning rate, from going back after trouble."""


@dataclass(frozen=True)
class Ranks:
    """This process among those that train together; one alone by default."""

    rank: int = 0
    """Number of this process, from 0."""
    world: int = 1
    """Number of processes."""
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    """Where this process trains."""

    @property
    def is_first(self) -> bool:
        """Whether this process leads."""
        return self.rank == 0

    def share(self, batch: int, parts: int = 1) -> range | None:
        """Return the places of a joined batch that are this process's; None: all, it is alone.

        Raises:
            BadSettings: The batch cannot be shared evenly, or a share not cut into `parts`.
        """
        if self.world == 1:
            return None
        if batch % (self.world * parts):
            raise BadSettings(
                f"a batch of {batch} cannot be shared by {self.world} processes"
                + (f" in {parts} parts each" if parts > 1 else "")
                + f": take a multiple of {self.world * parts}"
            )
        size = batch // self.world
        return range(self.rank * size, (self.rank + 1) * size)

    def joined(self, module: nn.Module) -> nn.Module:
        """Return a module whose gradients are averaged over all processes."""
        if self.world == 1:
            return module
        return DistributedDataParallel(module, gradient_as_bucket_view=True)

    @contextmanager
    def quiet(self, modules: Sequence[nn.Module], wanted: bool) -> Iterator[None]:
        """Keep gradients to this process inside the context, if wanted: more of them follow."""
        with ExitStack() as stack:
            for module in modules if wanted else ():
                if isinstance(module, DistributedDataParallel):
                    stack.enter_context(module.no_sync())
            yield

    def mean(self, values: Tensor) -> Tensor:
        """Return the mean of a tensor over all processes. Raises NotReady if one is lost."""
        if self.world > 1:
            with self.watched():
                dist.all_reduce(values)
            values = values / self.world
        return values

    def tell(self, order: Order) -> None:
        """Tell the others what comes next; for the first one. Raises NotReady if one is lost."""
        if self.world > 1:
            with self.watched():
                dist.broadcast(self._packed(order), 0)

    def hear(self) -> Order:
        """Return what the first one says comes next. Raises NotReady if it is lost."""
        packed = self._packed(Order(Next.END))
        with self.watched():
            dist.broadcast(packed, 0)
        kind, step, lr_factor = packed.tolist()
        return Order(Next(int(kind)), int(step), lr_factor)

    @contextmanager
    def leading(self) -> Iterator[None]:
        """Tell the others to stop when the context ends, however that is."""
        try:
            yield
        except NotReady:  # one of them is lost: nobody hears any more
            raise
        except BaseException:
            self.tell(Order(Next.END))
            raise
        else:
            self.tell(Order(Next.END))

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Turn what is said of a lost process into an error that helps. Raises NotReady."""
        try:
            yield
        except RuntimeError as error:
            if self.world == 1 or not _is_loss(error):
                raise
            raise NotReady(
                "a process of this training was lost: start the job again, it goes on from its "
                f"last save (torchrun --max-restarts does so by itself); {error}"
            ) from error

    def _packed(self, order: Order) -> Tensor:
        values = [float(order.next), float(order.step), order.lr_factor]
        return torch.tensor(values, dtype=torch.float64, device=self.device)


def _is_loss(error: RuntimeError) -> bool:
    text = str(error).lower()
    return isinstance(error, dist.DistError) or "gloo" in text or "connection" in text


@contextmanager
def joined_ranks(
    device: torch.device, environment: Mapping[str, str] = os.environ
) -> Iterator[Ranks]:
    """Join the processes that torchrun started; alone without it.

    Args:
        device: Of the training: NCCL joins GPUs, of which each process takes one, and gloo CPUs.
        environment: Where torchrun says who is who: RANK, WORLD_SIZE, LOCAL_RANK.
    """
    world = int(environment.get("WORLD_SIZE", "1"))
    if world == 1:
        yield Ranks(device=device)
        return
    if device.type == "cuda":
        device = torch.device("cuda", int(environment["LOCAL_RANK"]))
        torch.cuda.set_device(device)
    dist.init_process_group("nccl" if device.type == "cuda" else "gloo", timeout=_PATIENCE)
    try:
        yield Ranks(int(environment["RANK"]), world, device)
    finally:
        dist.destroy_process_group()
