"""scikit-learn's bundled handwritten digits: real images without a download."""

import io

import numpy as np
from PIL import Image
from sklearn.datasets import load_digits

from sightline.images.sources.listing import Listing


class InMemory:
    """Images that a library hands over as arrays or Pillow images, offered as lossless PNG files."""

    def __init__(self, names: list[str], images):
        self.refused: list[tuple[str, str]] = []
        self.hidden: list[str] = []
        self.notes: list[str] = []
        self._names = names
        self._images = images
        self._position = {name: index for index, name in enumerate(names)}

    def names(self) -> list[str]:
        return self._names

    def read(self, name: str, limit: int) -> bytes:
        stream = io.BytesIO()
        self._images(self._position[name]).save(stream, "PNG", compress_level=1)
        return stream.getvalue()


def open_digits() -> tuple[Listing, InMemory]:
    """Offer the 1,797 digits of 8 x 8 pixels; their grey levels 0..16 become 0..255."""
    digits = load_digits()
    pixels = np.rint(digits.images * (255 / 16)).astype(np.uint8)
    names = [f"{index:04d}.png" for index in range(len(pixels))]
    classes = [str(label) for label in digits.target]
    blank = [""] * len(names)
    return Listing(names, classes, blank, list(blank)), InMemory(names, lambda index: Image.fromarray(pixels[index]))
