"""Several processes that train one model together, started by torchrun.

Every process has its share of each batch; gradients are averaged, so that all hold the same weights
and learn as one process would with the joined batch. The first (rank 0) reports and saves. If a
process is lost, the others stop with an error; torchrun starts all anew, and they go on from the
last save.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from faceplate.errors import BadSettings, NotReady

__all__ = ["Ranks", "joined_ranks"]


@dataclass(frozen=True)
class Ranks:
    """This process among those that train together; one alone by default."""

    rank: int = 0
    """Number of this process, from 0."""
    world: int = 1
    """Number of processes."""
    local: int = 0
    """Number of this process on its machine: the GPU it takes."""

    @property
    def is_first(self) -> bool:
        """Whether this process reports and saves."""
        return self.rank == 0

    def share(self, batch: int) -> range:
        """Return the places of a joined batch that are this process's.

        Raises:
            BadSettings: The batch cannot be shared evenly.
        """
        if batch % self.world:
            raise BadSettings(
                f"a batch of {batch} cannot be shared evenly by {self.world} processes: take a "
                f"multiple of {self.world}"
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
            with told_as_lost():
                dist.all_reduce(values)
            values = values / self.world
        return values

    def any(self, here: bool) -> bool:
        """Return whether it is so in any process. Raises NotReady if one is lost."""
        return bool(self.mean(torch.tensor(float(here))).item()) if self.world > 1 else here

    def wait(self) -> None:
        """Wait until all processes are here. Raises NotReady if one is lost."""
        if self.world > 1:
            with told_as_lost():
                dist.barrier()


@contextmanager
def told_as_lost() -> Iterator[None]:
    """Turn what the network of processes says of a lost one into an error that helps."""
    try:
        yield
    except RuntimeError as error:
        raise NotReady(
            "a process of this training was lost: start the job again, it goes on from its last "
            f"save (torchrun --max-restarts does so by itself); {error}"
        ) from error


@contextmanager
def joined_ranks(
    device: torch.device, environment: Mapping[str, str] = os.environ
) -> Iterator[Ranks]:
    """Join the processes that torchrun started; alone without it.

    Args:
        device: Of the training: NCCL joins GPUs, gloo CPUs.
        environment: Where torchrun says who is who: RANK, WORLD_SIZE, LOCAL_RANK.
    """
    world = int(environment.get("WORLD_SIZE", "1"))
    if world == 1:
        yield Ranks()
        return
    dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        yield Ranks(int(environment["RANK"]), world, int(environment["LOCAL_RANK"]))
    finally:
        dist.destroy_process_group()
