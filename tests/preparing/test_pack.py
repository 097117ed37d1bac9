from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from sightline.images.decoding.preprocessing import Preprocessing
from sightline.images.sources.containers import Folder
from sightline.images.sources.digits import InMemory
from sightline.preparing.executing.local import open_threads
from sightline.preparing.kept import Kept
from sightline.preparing.pack import pack
from sightline.preparing.pixel_file import PixelFile
from sightline.preparing.shards import MOST_IMAGES

HOW = Preprocessing(image_size=8, fit="crop", resample="bilinear", background=(0, 0, 0))
LARGEST = 10**6  # px
NOTHING = Kept([], HOW.shape)


def pack_all(names, container, how=HOW):
    with open_threads() as threads:
        return list(pack(names, container, how, LARGEST, threads, NOTHING))


@pytest.mark.parametrize("side", [8, 80], ids=["thumbnails", "photos in threads"])
def test_images_come_in_order_with_the_bad_ones_named(tmp_path, encode, side):
    names = [f"{number:03d}.png" for number in range(MOST_IMAGES * 5 + 3)]
    for number, name in enumerate(names):
        shade = np.full((side, side, 3), number % 256, dtype=np.uint8)
        shade[1:, 1:] = (
            np.random.default_rng(number).integers(0, 256, (side - 1, side - 1, 3)) if side > 8 else number % 256
        )
        (tmp_path / name).write_bytes(b"" if number % 50 == 7 else encode(shade))
    batches = pack_all(names, Folder(tmp_path))
    positions = [position for batch in batches for position in batch.positions]
    bad = [position for batch in batches for position, reason in batch.bad if reason == "empty file"]
    assert bad == list(range(7, len(names), 50))
    assert sorted(positions + bad) == list(range(len(names)))
    assert positions == sorted(positions)
    if side == 8:
        pixels = np.concatenate([batch.pixels for batch in batches])
        assert pixels[:, 0, 0, 0].tolist() == [position % 256 for position in positions]


def test_a_batch_of_large_images_is_small(tmp_path, encode):
    names = [f"{number}.png" for number in range(6)]
    for name in names:
        (tmp_path / name).write_bytes(encode((9, 9)))
    batches = pack_all(names, Folder(tmp_path), replace(HOW, image_size=700))  # 1.5 MB each, of 4 MiB
    assert [batch.positions.tolist() for batch in batches] == [[0, 1], [2, 3], [4, 5]]


def test_no_files_are_no_batches(tmp_path):
    assert sum(len(batch.positions) for batch in pack_all([], Folder(tmp_path))) == 0


def test_a_growing_file_is_one_that_numpy_wrote(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (1234, 8, 8, 3), dtype=np.uint8)
    with PixelFile(tmp_path / "grown.npy", (8, 8, 3)) as file:
        for part in np.array_split(pixels, 7):
            file.append(part)
    np.save(tmp_path / "saved.npy", pixels)
    assert (tmp_path / "grown.npy").read_bytes() == (tmp_path / "saved.npy").read_bytes()


def test_pictures_in_memory_are_offered_without_loss():
    pixels = np.random.default_rng(0).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    container = InMemory(["a"], lambda index: Image.fromarray(pixels))
    (batch,) = pack_all(["a"], container)
    assert (batch.pixels[0] == pixels).all()
