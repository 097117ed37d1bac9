"""One random stream a purpose, so that resuming or reordering one does not shift the others."""

import hashlib


def stream_seed(seed: int, purpose: str, *position: int) -> int:
    """Return the seed of a stream.

    Parameters
    ----------
    seed : int
        The experiment's `seed`.
    purpose : str
        What the stream is for, such as ``"shuffle"``.
    position : int
        Where in the run it stands, such as fold, epoch and step.

    Returns
    -------
    int
        In [0, 2**32), the range that NumPy, scikit-learn and torch all take; equal arguments give equal seeds on
        every machine.
    """
    name = "/".join([str(seed), purpose, *map(str, position)])
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "big")
