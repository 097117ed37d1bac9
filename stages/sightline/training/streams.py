"""The random streams of an epoch, and where in it a training was interrupted."""

from dataclasses import dataclass

import torch

from sightline.training.run import Run


@dataclass(frozen=True)
class Position:
    """A point between two updates: updates done in the epoch, its first rate, losses, states of the random streams."""

    step: int
    lr: float
    losses: torch.Tensor
    images: torch.Tensor
    network: torch.Tensor
    devices: list[torch.Tensor]


class Streams:
    """One epoch's generators: `order` of the images and `images` for augmentation; torch's own is for the network."""

    def __init__(self, run: Run, epoch: int):
        self.device = run.accelerator.device
        self.order = torch.Generator().manual_seed(run.seed("shuffle", epoch))
        self.images = torch.Generator().manual_seed(run.seed("augment", epoch))
        process = run.accelerator.process_index
        torch.manual_seed(run.seed("network", epoch + 1, *([process] if process else [])))  # dropout and its kind

    def position(self, step: int, lr: float, losses: list[torch.Tensor]) -> Position:
        """Return the point after `step` updates."""
        return Position(
            step,
            lr,
            torch.stack(losses).cpu(),
            self.images.get_state(),
            torch.get_rng_state(),
            torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
        )

    def go_to(self, position: Position) -> tuple[float, list[torch.Tensor]]:
        """Set the streams to where they were; return the epoch's first rate and the losses until then."""
        self.images.set_state(position.images)
        torch.set_rng_state(position.network)
        if position.devices:
            torch.cuda.set_rng_state_all(position.devices)
        return position.lr, list(position.losses.to(self.device))
