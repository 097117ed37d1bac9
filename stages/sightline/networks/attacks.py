"""Projected gradient ascent: small changes of images that raise a loss; to measure with, and to train on."""

from collections.abc import Callable

import torch

OVERREACH = 2.5  # steps together may go so many times the largest change (Madry et al., 2018)


def climb(
    loss: Callable[[torch.Tensor], torch.Tensor], images: torch.Tensor, start: torch.Tensor, epsilon: float, steps: int
) -> torch.Tensor:
    """Go `steps` times up the loss, never farther than `epsilon` from the images.

    Madry et al., 2018, "Towards Deep Learning Models Resistant to Adversarial Attacks".

    Parameters
    ----------
    loss : callable
        Sum over images float [N, C, H, W] in [0, 1].
    start : torch.Tensor
        Like the images, from `draw_start`.
    epsilon : float
        Largest change of a value, in [0, 1].
    """
    attacked = (images + epsilon * start).clamp(0, 1)
    for _ in range(steps):
        attacked = attacked + OVERREACH * epsilon / steps * ascend(loss, attacked)
        attacked = torch.clamp(attacked, images - epsilon, images + epsilon).clamp(0, 1)
    return attacked


def draw_start(shape: torch.Size, stream: torch.Generator, device: torch.device) -> torch.Tensor:
    """Return where attacks begin, evenly spread over [-1, 1], drawn on the CPU."""
    return (torch.rand(shape, generator=stream) * 2 - 1).to(device)


def ascend(loss: Callable[[torch.Tensor], torch.Tensor], images: torch.Tensor) -> torch.Tensor:
    """Return the sign of the loss's gradient."""
    images = images.detach().requires_grad_()
    return torch.autograd.grad(loss(images), images)[0].sign()
