"""First weights of a network."""

import torch
from torch import Tensor, nn

from faceplate.errors import BadSettings

__all__ = ["INITIALISATIONS", "convolution_aware", "glorot", "initialise", "orthogonal_kernels"]


def glorot(module: nn.Module) -> None:
    """Initialise a convolution or a dense layer: Glorot uniform kernel, zero bias."""
    if isinstance(module, nn.Conv2d | nn.Linear):
        nn.init.xavier_uniform_(module.weight)
        if module.bias is not None:
            nn.init.zeros_(module.bias)


def convolution_aware(module: nn.Module) -> None:
    """Initialise a convolution with kernels that are orthogonal in Fourier space, zero bias.

    Convolution is multiplication in Fourier space, so there the kernels of an output channel are
    made orthogonal, and scaled to He's variance 2 / fan-in in the standard space. Dense layers and
    1x1 convolutions, which have no such space, are Glorot's.

    Origin: Convolution Aware Initialization, arXiv 1702.06295. The paper's spectra are real, which
    makes even kernels, and noise is added against their symmetry; here they are those of any real
    kernel and no noise is needed.
    """
    if not isinstance(module, nn.Conv2d) or module.kernel_size == (1, 1):
        glorot(module)
        return
    outputs, inputs, rows, columns = module.weight.shape
    with torch.no_grad():
        kernels = orthogonal_kernels(outputs, inputs, rows, columns)
        module.weight.copy_(kernels * (2 / (inputs * rows * columns * kernels.var())).sqrt())
        if module.bias is not None:
            module.bias.zero_()


def orthogonal_kernels(outputs: int, inputs: int, rows: int, columns: int) -> Tensor:
    """Return kernels (outputs, inputs, rows, columns) of norm one.

    Those of an output channel are orthogonal within each group of rows * columns input channels,
    more than that many cannot be.
    """
    size = rows * columns
    groups = -(-inputs // size)
    spectra = torch.linalg.qr(torch.randn(outputs * groups, size, size))[0]
    spectra = spectra.reshape(outputs, groups * size, rows, columns)[:, :inputs]
    # The Hartley transform is the Fourier transform in real numbers; it is its own inverse.
    transformed = torch.fft.fft2(spectra, norm="ortho")
    kernels: Tensor = transformed.real - transformed.imag
    return kernels


INITIALISATIONS = {"glorot": glorot, "convolution_aware": convolution_aware}
"""Name to what initialises one module."""


def initialise(net: nn.Module, name: str) -> None:
    """Initialise all layers of a network. Raises BadSettings for an unknown name."""
    if name not in INITIALISATIONS:
        raise BadSettings(
            f"initialisation {name!r}: expected one of {', '.join(sorted(INITIALISATIONS))}"
        )
    net.apply(INITIALISATIONS[name])
