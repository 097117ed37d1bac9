"""Write the subsets of known data sets that sweep.yaml names: so many images a class, the first ones of each.

Run    apt-get install dataset-fashion-mnist
       python benchmarks/subsets.py fashion /usr/share/datasets/fashion-mnist     5,000 + 1,000 images
       python benchmarks/subsets.py cifar10 cifar10.zip                           8,000 + 2,000 images
Writes data/raw/fashion.zip or data/raw/cifar10_small.zip: train/<class>/image, test/<class>/image; then
       dvc add data/raw/fashion.zip && git add data/raw/fashion.zip.dvc
"""

import argparse
import gzip
import io
import sys
import zipfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

RAW = Path("data/raw")
FASHION = ("t_shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle_boot")
PREFIXES = {"train": "train", "test": "t10k"}  # of the files of Fashion-MNIST
WANTED = {"fashion": {"train": 500, "test": 100}, "cifar10": {"train": 800, "test": 200}}  # images a class
NAMES = {"fashion": "fashion.zip", "cifar10": "cifar10_small.zip"}
HEADERS = {"images": 16, "labels": 8}  # bytes
SIDE = 28  # px

Member = tuple[str, bytes]  # path in the archive, content


def main() -> None:
    parser = argparse.ArgumentParser(description="Write a subset of a known data set into data/raw.")
    parser.add_argument("name", choices=WANTED)
    parser.add_argument("source", type=Path, help="folder of Fashion-MNIST's four files, or CIFAR-10 as a zip")
    options = parser.parse_args()
    if not options.source.exists():
        sys.exit(f"{options.source}: not found")
    readers = {"fashion": read_fashion, "cifar10": read_zip}
    target = RAW / NAMES[options.name]
    count = write_zip(target, take(readers[options.name](options.source), WANTED[options.name]))
    print(f"{target}: {count:,} images; dvc add {target} && git add {target}.dvc")


def read_fashion(folder: Path) -> Iterator[Member]:
    """Yield the images of Fashion-MNIST (Xiao et al., 2017) as PNG, in the order of its files."""
    for subset, prefix in PREFIXES.items():
        pixels = read_idx(folder / f"{prefix}-images-idx3-ubyte.gz", HEADERS["images"]).reshape(-1, SIDE, SIDE)
        labels = read_idx(folder / f"{prefix}-labels-idx1-ubyte.gz", HEADERS["labels"])
        for number, (image, label) in enumerate(zip(pixels, labels, strict=True)):
            yield f"{subset}/{FASHION[label]}/{number:05d}.png", encode_png(image)


def read_idx(path: Path, header: int) -> np.ndarray:
    """Return the bytes behind the header of a file in MNIST's format."""
    return np.frombuffer(gzip.decompress(path.read_bytes()), np.uint8, offset=header)


def encode_png(image: np.ndarray) -> bytes:
    """Return the PNG of uint8 [H, W]."""
    stream = io.BytesIO()
    Image.fromarray(image).save(stream, "PNG")
    return stream.getvalue()


def read_zip(path: Path) -> Iterator[Member]:
    """Yield the files of an archive of <subset>/<class>/image, by name."""
    with zipfile.ZipFile(path) as archive:
        for name in sorted(name for name in archive.namelist() if not name.endswith("/")):
            yield name, archive.read(name)


def take(members: Iterator[Member], wanted: dict[str, int]) -> Iterator[Member]:
    """Yield the first images of each class in each subset, so many of each as are wanted."""
    taken = Counter()
    for name, content in members:
        subset, label, _ = name.split("/")
        if taken[subset, label] < wanted[subset]:
            taken[subset, label] += 1
            yield name, content


def write_zip(path: Path, members: Iterator[Member]) -> int:
    """Write an archive without compression or dates, and return how many files it has."""
    count = 0
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members:
            archive.writestr(zipfile.ZipInfo(name), content)
            count += 1
    return count


if __name__ == "__main__":
    main()
