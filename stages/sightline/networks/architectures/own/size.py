"""How large one of Sightline's own networks is: times as many channels, times as many blocks."""

import re
from typing import NamedTuple

MULTIPLE = 8  # of which channels are, as vector units and channel gates like it
SIZED = re.compile(r"(?P<name>.+?)(_w(?P<width>[\d.]+))?(_d(?P<depth>\d+))?")


class Size(NamedTuple):
    """Factors of a network's channels and of its blocks at each resolution."""

    width: float = 1.0
    depth: int = 1

    def channels(self, count: int) -> int:
        """Return so many times as many channels, to the nearest multiple of 8."""
        return count if self.width == 1 else max(MULTIPLE, MULTIPLE * round(self.width * count / MULTIPLE))


AS_DRAWN = Size()


def read_size(architecture: str) -> tuple[str, Size]:
    """Return the name and the size that ``cnn_w2_d3`` says; without them that of the network as it is drawn."""
    found = SIZED.fullmatch(architecture)
    return found["name"], Size(float(found["width"] or 1), int(found["depth"] or 1))
