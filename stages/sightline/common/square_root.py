"""torch's square root without MKL, for `arithmetic: portable`.

MKL's vector functions begin with the processor's approximation of 1/sqrt(x), which differs between makers and is no
matter of instruction sets: optimizers would differ in their first update. torch's own rsqrt and reciprocal are made of
correctly rounded instructions.
"""

import torch
from torch.library import Library

_OVERRIDES: list[Library] = []  # they hold as long as the object lives


def replace_square_root() -> None:
    """Let torch compute square roots on processors the same way everywhere; a second call changes nothing."""
    if _OVERRIDES:
        return
    library = Library("aten", "IMPL")
    for name, function in (("sqrt", square_root), ("sqrt_", square_root_in_place), ("sqrt.out", square_root_into)):
        library.impl(name, function, "CPU", allow_override=True)
    _OVERRIDES.append(library)


def square_root(values: torch.Tensor) -> torch.Tensor:
    """Return 1 / (1 / sqrt(x)): rounded three times, exact for 0 and infinity."""
    return torch.rsqrt(values).reciprocal_()


def square_root_in_place(values: torch.Tensor) -> torch.Tensor:
    """Replace values by their square roots."""
    return values.rsqrt_().reciprocal_()


def square_root_into(values: torch.Tensor, *, out: torch.Tensor) -> torch.Tensor:
    """Write the square roots into `out`."""
    return torch.rsqrt(values, out=out).reciprocal_()
