"""Batches of stored pixels, gathered by index from memory or from the device; no JPEG is touched in training."""

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

import numpy as np
import torch

Item = TypeVar("Item")
Begun = TypeVar("Begun")
Part = tuple[torch.Tensor, torch.Tensor, torch.Tensor]  # positions, pixels, labels of a batch or a part of one

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
            self.pixels = self.pixels.to(device)
            self.rows = self.rows.to(device)

    def __len__(self) -> int:
        return len(self.rows)

    def take(self, chosen: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return pixels uint8 [B, H, W, 3] and labels int64 [B], on the device, of positions in `rows`."""
        rows = self.rows[chosen.to(self.rows.device)]
        pixels = self.pixels.index_select(0, rows)  # a fifth of the time of self.pixels[rows]
        return pixels.to(self.device), self._labels_of(chosen)

    def ahead(self, chosen: Iterable[torch.Tensor]) -> Iterator[Part]:
        """Yield positions, and what `take` gives for them; a GPU gets each batch while it works on the one before."""
        if self.pixels.device.type == self.device.type:
            for positions in chosen:
                yield positions, *self.take(positions)
            return
        stream = torch.cuda.Stream(self.device)
        for positions, pixels, copied in one_ahead(chosen, lambda positions: self._send(positions, stream)):
            current = torch.cuda.current_stream(self.device)
            current.wait_event(copied)
            pixels.record_stream(current)  # made on another stream: its memory must not be given away too early
            yield positions, pixels, self._labels_of(positions)

    def _send(
        self, chosen: torch.Tensor, stream: torch.cuda.Stream
    ) -> tuple[torch.Tensor, torch.Tensor, torch.cuda.Event]:
        """Begin to copy a batch from memory that the GPU reads by itself; return it, and what tells its arrival."""
        pixels = self.pixels.index_select(0, self.rows[chosen]).pin_memory()
        with torch.cuda.stream(stream):
            sent = pixels.to(self.device, non_blocking=True)
        return chosen, sent, stream.record_event()

    def _labels_of(self, chosen: torch.Tensor) -> torch.Tensor:
        return self.labels[chosen.to(self.device)].long()

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


def one_ahead(items: Iterable[Item], begin: Callable[[Item], Begun]) -> Iterator[Begun]:
    """Yield what `begin` makes of each item, after it was called for the next one."""
    waiting: list[Begun] = []
    for item in items:
        waiting.append(begin(item))
        if len(waiting) > 1:
            yield waiting.pop(0)
    yield from waiting


def steps_per_epoch(images: int, batch_size: int) -> int:
    """Return the number of updates in a pass over `images`."""
    return max(1, images // batch_size)


def balanced_order(labels: torch.Tensor, power: float, generator: torch.Generator) -> torch.Tensor:
    """Return positions for an epoch of as many images as there are, in random order.

    A class with n images gets a share of the epoch in proportion to n^(1 - power): 0 keeps the natural shares, 1 gives
    every class the same, 0.5 goes by the square root. Within a class no image comes a second time before all others
    have come once, so that power 0 shows each image exactly once.

    Parameters
    ----------
    labels : Tensor of int64 [N], on the CPU
    power : float
        In [0, 1].
    generator : Generator
        On the CPU; seed it anew for each epoch.

    Returns
    -------
    Tensor of int64 [N]
    """
    counts = torch.bincount(labels)
    shares = torch.where(counts > 0, counts.double() ** (1 - power), 0.0)
    ends = (shares.cumsum(0) / shares.sum() * len(labels)).round().long()  # rounded sums: the quotas add up to N
    quotas = torch.diff(ends, prepend=torch.zeros(1, dtype=torch.long)).tolist()
    members = torch.argsort(labels, stable=True).split(counts.tolist())
    drawn = [deal(rows, quota, generator) for rows, quota in zip(members, quotas, strict=True)]
    return torch.cat(drawn)[torch.randperm(len(labels), generator=generator)]


def deal(rows: torch.Tensor, quota: int, generator: torch.Generator) -> torch.Tensor:
    """Return `quota` of the rows: all of them as often as they fit, then a random part of them."""
    whole, rest = divmod(quota, max(1, len(rows)))
    remainder = rows[torch.randperm(len(rows), generator=generator)[:rest]]
    return torch.cat([rows.repeat(whole), remainder])
