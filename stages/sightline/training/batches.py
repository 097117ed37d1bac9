"""Batches of stored pixels, gathered by index from memory or from the device; no JPEG is touched in training."""

from collections.abc import Iterator

import numpy as np
import torch

from sightline.training.sampling import balanced_order

DEVICE_SHARE = 0.5  # of the device's free memory that the pixels may take


class Batches:
    """Pixels and labels of a data set, read in batches of rows.

    Parameters
    ----------
    pixels : ndarray of uint8 [N, H, W, 3]
        Usually a memory map. It moves to a CUDA device whole when it fits there, and stays where it is otherwise.
    rows : ndarray of int [n]
        Positions in `pixels` that may be asked for.
    labels : ndarray of int [n]
        Like `rows`, kept as they are: int32 takes half the memory of int64.
    classes : int
        How many there are, whether or not these rows show all of them.
    """

    def __init__(self, pixels: np.ndarray, rows: np.ndarray, labels: np.ndarray, classes: int, device: torch.device):
        self.classes = classes
        self.pixels = torch.from_numpy(pixels)
        self.rows = torch.from_numpy(rows)
        self.labels = torch.from_numpy(labels).to(device)
        self.device = device
        if device.type == "cuda" and pixels.nbytes < DEVICE_SHARE * torch.cuda.mem_get_info(device)[0]:
            self.pixels, self.rows = self.pixels.to(device), self.rows.to(device)

    def __len__(self) -> int:
        return len(self.rows)

    def take(self, chosen: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return pixels uint8 [B, H, W, 3] and labels int64 [B], on the device, of positions in `rows`."""
        rows = self.rows[chosen.to(self.rows.device)]
        pixels = self.pixels.index_select(0, rows)  # a fifth of the time of self.pixels[rows]
        return pixels.to(self.device, non_blocking=True), self.labels[chosen.to(self.device)].long()

    def shuffled(self, batch_size: int, generator: torch.Generator, balance: float) -> Iterator[torch.Tensor]:
        """Yield the positions of full batches in random order, int64 [B].

        The images that fill no batch are left out, others each time; fewer than `batch_size` make one batch.

        Parameters
        ----------
        balance : float
            In [0, 1]: 0 takes each image once, 1 takes every class equally often (`balanced_order`).
        """
        if balance:
            order = balanced_order(self.labels.cpu(), balance, generator)
        else:
            order = torch.randperm(len(self), generator=generator, dtype=torch.int32)
        for step in range(steps_per_epoch(len(self), batch_size)):
            yield order[step * batch_size : (step + 1) * batch_size].long()

    def in_order(self, batch_size: int, process: int, processes: int) -> Iterator[torch.Tensor]:
        """Yield the positions that a process out of some takes, in their order."""
        for start in range(process, len(self), processes * batch_size):
            yield torch.arange(start, min(start + processes * batch_size, len(self)), processes)


def steps_per_epoch(images: int, batch_size: int) -> int:
    """Return the number of updates in a pass over `images`."""
    return max(1, images // batch_size)
