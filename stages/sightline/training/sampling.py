"""Orders of an epoch in which rare classes come more often."""

import torch


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
    part = rows[torch.randperm(len(rows), generator=generator)[:rest]]
    return torch.cat([rows.repeat(whole), part])
