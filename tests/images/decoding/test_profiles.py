import io
import struct
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image, ImageCms

from sightline.images.decoding.decode import decode
from sightline.images.decoding.preprocessing import Preprocessing
from sightline.images.decoding.profiles import to_srgb

HOW = Preprocessing(8, "stretch", "nearest", (10, 20, 30), color="srgb")
# columns: where red, green and blue lie in XYZ for the white of D50
P3 = np.array([[0.51512, 0.29198, 0.15710], [0.24120, 0.69225, 0.06657], [-0.00105, 0.04189, 0.78407]])
SRGB = np.array([[0.43607, 0.38515, 0.14307], [0.22249, 0.71687, 0.06061], [0.01392, 0.09708, 0.71410]])
GAMMA = 2.2
COLORS = np.random.default_rng(0).integers(0, 256, (8, 8, 3), dtype=np.uint8)


def profile(space, tags):
    """Write an ICC profile of version 2: a header, a table of tags, their contents."""
    place = 128 + 4 + 12 * len(tags)
    table = struct.pack(">I", len(tags))
    for name, content in tags.items():
        table += struct.pack(">4sII", name, place, len(content))
        place += len(content)
    head = struct.pack(">IIIII", place, 0, 0x02400000, int.from_bytes(b"mntr"), int.from_bytes(space)) + b"XYZ "
    head += bytes(12) + b"acsp" + bytes(28) + b"\0\0\xf6\xd6\0\1\0\0\0\0\xd3\x2d"
    return head.ljust(128, b"\0") + table + b"".join(tags.values())


def xyz(values):
    return b"XYZ \0\0\0\0" + struct.pack(">3i", *(round(value * 65536) for value in values))


CURVE = b"curv\0\0\0\0" + struct.pack(">IHH", 1, round(GAMMA * 256), 0)
NAME = b"desc\0\0\0\0" + struct.pack(">I", 2) + b"x\0" + bytes(80)
WHITE = xyz((0.9642, 1.0, 0.8249))
MATRIX = {b"desc": NAME, b"wtpt": WHITE} | {b"%cXYZ" % name: xyz(P3[:, n]) for n, name in enumerate(b"rgb")}
WIDE = profile(b"RGB ", MATRIX | {b"%cTRC" % name: CURVE for name in b"rgb"})
DARK_GREY = profile(b"GRAY", {b"desc": NAME, b"wtpt": WHITE, b"kTRC": CURVE})
STANDARD = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def encoded(linear):
    linear = np.clip(linear, 0, 1)
    return 255 * np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)


def expected(colors):
    """Return sRGB levels of P3's by the definitions of both."""
    return encoded((colors / 255) ** GAMMA @ (np.linalg.inv(SRGB) @ P3).T)


def difference(image, levels):
    return np.abs(np.asarray(image).astype(float) - levels).max()


def test_wide_gamut_becomes_srgb(encode):
    data = encode(COLORS, icc_profile=WIDE)
    assert difference(decode(data, HOW, 100).pixels, expected(COLORS)) <= 2
    assert (decode(data, replace(HOW, color="ignore"), 100).pixels == COLORS).all()
    assert difference(expected(COLORS), COLORS) > 20  # so that the first line can fail


def test_grey_by_its_profile(encode):
    grey = COLORS[..., 0]
    levels = encoded((grey[..., None] / 255) ** GAMMA)
    assert difference(decode(encode(grey, icc_profile=DARK_GREY), HOW, 100).pixels, levels) <= 1


@pytest.mark.parametrize("icc", [None, b"", STANDARD, b"no profile" * 20, DARK_GREY])
def test_images_without_a_profile_that_matters_are_left_as_they_are(icc):
    image = Image.fromarray(COLORS)
    assert to_srgb(image, icc) is image


@pytest.mark.parametrize("mode", ["RGBA", "P", "LA"])
def test_transparency_and_palettes_keep_their_shape(mode):
    alpha = np.zeros((8, 8), dtype=np.uint8)
    alpha[:4] = 200
    image = Image.fromarray(COLORS).convert({"LA": "L", "RGBA": "RGB"}.get(mode, mode))
    if mode == "P":
        plain = image.convert("RGB")
    else:
        plain = image.copy()
        image.putalpha(Image.fromarray(alpha))
    icc = DARK_GREY if mode == "LA" else WIDE
    found = to_srgb(image, icc)
    assert difference(found.convert("RGB"), np.asarray(to_srgb(plain, icc))) == 0
    if mode != "P":
        assert (np.asarray(found.getchannel("A")) == alpha).all()


def test_ink_is_converted_by_a_profile_of_ink_alone():
    image = Image.new("CMYK", (8, 8), (0, 255, 255, 0))
    assert to_srgb(image, WIDE) is image


def test_threads_share_a_conversion():
    image = Image.fromarray(np.random.default_rng(1).integers(0, 256, (300, 300, 3), dtype=np.uint8))
    alone = np.asarray(to_srgb(image, WIDE))
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda _: np.asarray(to_srgb(image, WIDE)), range(40)))
    assert all((one == alone).all() for one in together)


def test_a_jpeg_keeps_its_profile_at_half_size():
    stream = io.BytesIO()
    Image.new("RGB", (64, 64), (200, 40, 40)).save(stream, "JPEG", quality=100, icc_profile=WIDE)
    pixels = decode(stream.getvalue(), HOW, 10_000).pixels
    assert difference(pixels, expected(np.array([200, 40, 40]))) <= 3
