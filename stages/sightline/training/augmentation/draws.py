"""Random numbers for a batch, all from one generator on the CPU, so that every device draws the same."""

import numpy as np
import torch


def uniform(shape: tuple[int, ...], low: float, high: float, generator: torch.Generator) -> torch.Tensor:
    """Return float32 numbers in [low, high)."""
    return torch.rand(shape, generator=generator) * (high - low) + low


def chance(count: int, probability: float, generator: torch.Generator) -> torch.Tensor:
    """Return bool [count], each true with the probability."""
    return torch.rand(count, generator=generator) < probability


def chosen_rows(count: int, probability: float, generator: torch.Generator) -> torch.Tensor:
    """Return int64 positions in 0..count - 1, each kept with the probability."""
    return torch.nonzero(chance(count, probability, generator)).flatten()


def numpy_generator(generator: torch.Generator) -> np.random.Generator:
    """Return NumPy's generator, which draws beta and Dirichlet variates, seeded from torch's."""
    return np.random.default_rng(int(torch.randint(2**62, (), generator=generator)))
