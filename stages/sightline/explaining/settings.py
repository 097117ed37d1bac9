"""What the explaining methods can be told, from the `gradcam` section of params.yaml."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch

from sightline.common.seeding import stream_seed


@dataclass(frozen=True)
class Settings:
    """How finely and how often the methods look; each takes what concerns it.

    Parameters
    ----------
    cells : int
        Squares a side that occlusion, lime and kernel_shap hide.
    samples : int
        Images with hidden squares that lime and kernel_shap look at.
    steps : int
        Images between nothing and the image of integrated_gradients; noisy copies of smoothgrad.
    noise : float
        Deviation of smoothgrad's noise, as a share of the image's range of values.
    seed : int
        The experiment's.
    """

    cells: int
    samples: int
    steps: int
    noise: float
    seed: int


@contextmanager
def drawn_from(seed: int, purpose: str) -> Iterator[None]:
    """Let torch's global stream, which captum draws from, be that of one purpose; restored at the end."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(stream_seed(seed, f"gradcam/{purpose}"))
        yield
