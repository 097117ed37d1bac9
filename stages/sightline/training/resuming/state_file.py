"""The file of a member's saved state, its checksum in itself: one rename brings both, so that no kill parts them."""

import hashlib
from pathlib import Path
from typing import IO, Any

import torch

BLOCK = 1 << 20  # bytes
DIGEST = hashlib.sha256().digest_size  # bytes


class Summed:
    """A file to write to that keeps the SHA-256 of what is written: no second pass over a large state."""

    def __init__(self, stream: IO[bytes]):
        self._stream = stream
        self._sum = hashlib.sha256()

    def write(self, content: bytes) -> int:
        self._sum.update(content)
        return self._stream.write(content)

    def flush(self) -> None:
        self._stream.flush()

    def digest(self) -> bytes:
        return self._sum.digest()


def write_state(stream: IO[bytes], state: dict[str, Any]) -> None:
    """Write a state and the SHA-256 of its bytes."""
    summed = Summed(stream)
    torch.save(state, summed)
    stream.write(summed.digest())


def read_state(path: Path) -> dict[str, Any]:
    """Read a state, on the CPU; the archive's directory is looked for from the end, so that the checksum is passed."""
    return torch.load(path, map_location="cpu", weights_only=True)


def is_whole(path: Path) -> bool:
    """Tell whether a state ends with the SHA-256 of all that stands before it."""
    left = path.stat().st_size - DIGEST
    summed = hashlib.sha256()
    with path.open("rb") as stream:
        while left > 0 and (block := stream.read(min(left, BLOCK))):
            summed.update(block)
            left -= len(block)
        return stream.read() == summed.digest()
