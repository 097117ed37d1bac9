import io
import struct
import zlib
from dataclasses import replace

import numpy as np
import pytest
import tifffile
from PIL import Image

from sightline.images.decoding.bad_image import BadImageError
from sightline.images.decoding.decode import decode, measure
from sightline.images.decoding.depth import TYPE_RANGES, Extent, RangeUnknownError, scale
from sightline.images.decoding.preprocessing import Preprocessing

SIDE = 8
HOW = Preprocessing(SIDE, "stretch", "nearest", (10, 20, 30))
GREY = np.arange(SIDE * SIDE, dtype=np.uint16).reshape(SIDE, SIDE) * 65  # 0..4095
COLOR = np.stack([GREY, GREY[::-1], GREY.T], axis=2)


def levels(data, **ranges):
    return decode(data, replace(HOW, ranges=ranges), 10_000).pixels


def tiff(values, **options):
    stream = io.BytesIO()
    tifffile.imwrite(stream, values, **options)
    return stream.getvalue()


def png(values, color_type, *chunks):
    """Write 16 bits a channel, each line as its difference from the pixel to the left (filter 1)."""
    values = values.reshape(len(values), -1)
    lines = values.astype(">u2").view(np.uint8)
    width = 2 * {0: 1, 2: 3, 4: 2, 6: 4}[color_type]  # bytes a pixel
    differences = lines.copy()
    differences[:, width:] -= lines[:, :-width]
    body = b"".join(b"\1" + line.tobytes() for line in differences)
    head = struct.pack(">IIBBBBB", lines.shape[1] // width, len(lines), 16, color_type, 0, 0, 0)
    parts = ((b"IHDR", head), *chunks, (b"IDAT", zlib.compress(body)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(part)) + name + part + struct.pack(">I", zlib.crc32(name + part)) for name, part in parts
    )


@pytest.mark.parametrize(
    ("values", "bounds", "expected"),
    [
        ([0, 4095, 2048], (0, 4095), [0, 255, 128]),  # 127.53
        ([-1000, 400, -300], (-1000, 400), [0, 255, 128]),  # 127.5, to the even one
        ([5, 99, 10, 20], (10, 20), [0, 255, 0, 255]),  # clipped
        ([np.nan, np.inf, -np.inf, 0.25], (0.0, 1.0), [0, 255, 0, 64]),
        ([1 << 31, (1 << 32) - 1], (0, (1 << 32) - 1), [128, 255]),
    ],
)
def test_a_range_becomes_0_to_255(values, bounds, expected):
    assert scale(np.array([values]), bounds).tolist() == [expected]


def test_strips_scale_as_the_whole_does(monkeypatch):
    monkeypatch.setattr("sightline.images.decoding.depth.STRIP", 20)
    assert (scale(GREY, (0, 4095)) == np.rint(GREY / 4095 * 255)).all()


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("uint16", GREY),
        ("int16", GREY.astype(np.int16) - 1000),
        ("uint32", GREY.astype(np.uint32) + (1 << 31)),
        ("int32", GREY.astype(np.int32) * -9),
        ("float32", GREY.astype(np.float32) / 1000 - 2),
    ],
)
@pytest.mark.parametrize("options", [{}, {"compression": "zlib"}, {"byteorder": ">"}])
def test_a_grey_tiff_of_every_kind(kind, values, options):
    if kind == "uint32":
        options = {**options, "byteorder": "<"}  # Pillow reads no unsigned 32 bits in the other order
    data = tiff(values, **options)
    low, high = values.min().item(), values.max().item()
    assert measure(data, 100)[:3] == (kind, low, high)
    expected = np.rint((values.astype(float) - low) / (high - low) * 255)
    assert (levels(data, **{kind: (low, high)}) == expected[..., None]).all()


@pytest.mark.parametrize("options", [{}, {"compression": "zlib"}, {"byteorder": ">"}])
def test_a_color_tiff_keeps_both_bytes(options):
    data = tiff(COLOR, photometric="rgb", **options)
    assert (levels(data, uint16=(0, 4095)) == np.rint(COLOR / 4095 * 255)).all()


def test_16_bit_png_keep_both_bytes():
    expected = np.rint(COLOR / 4095 * 255)
    opaque = np.full((SIDE, SIDE, 1), 0xFFFF)
    assert (levels(png(COLOR, 2), uint16=(0, 4095)) == expected).all()
    assert (levels(png(np.concatenate([COLOR, opaque], axis=2), 6), uint16=(0, 4095)) == expected).all()
    assert (levels(png(GREY, 0), uint16=(0, 4095)) == expected[..., :1]).all()
    assert (levels(png(np.dstack([GREY, opaque]), 4), uint16=(0, 4095)) == expected[..., :1]).all()


def test_16_bit_transparency_shows_the_background():
    clear = np.zeros((SIDE, SIDE, 1), dtype=np.uint16)
    clear[:4] = 0xFFFF
    key_of_grey = (b"tRNS", struct.pack(">H", 65))  # the second pixel alone; 66 would be another
    key_of_color = (b"tRNS", struct.pack(">HHH", *COLOR[0, 1].tolist()))
    for data in (
        png(np.concatenate([COLOR, clear], axis=2), 6),
        png(np.dstack([GREY, clear]), 4),
        tiff(np.concatenate([COLOR, clear], axis=2), photometric="rgb", extrasamples=["unassalpha"]),
    ):
        pixels = levels(data, uint16=(0, 4095))
        assert (pixels[4:] == (10, 20, 30)).all()
        assert pixels[3, 7, 0] == round(GREY[3, 7] / 4095 * 255)
    for data in (png(GREY, 0, key_of_grey), png(COLOR, 2, key_of_color)):
        pixels = levels(data, uint16=(0, 4095))
        assert (pixels == (10, 20, 30)).all(axis=2).sum() == 1
        assert pixels[0, 1].tolist() == [10, 20, 30]


def test_multiplied_alpha_is_divided_out():
    alpha = np.full((SIDE, SIDE, 1), 0x8000, dtype=np.uint16)
    half = tiff(np.concatenate([COLOR // 2, alpha], axis=2), photometric="rgb", extrasamples=["assocalpha"])
    full = tiff(np.concatenate([COLOR, alpha], axis=2), photometric="rgb", extrasamples=["unassalpha"])
    difference = levels(half, uint16=(0, 4095)).astype(int) - levels(full, uint16=(0, 4095))
    assert np.abs(difference).max() <= 1


def test_white_may_be_the_least_value():
    data = tiff(GREY, photometric="miniswhite")
    assert (levels(data, uint16=(0, 4095)) == 255 - np.rint(GREY / 4095 * 255)[..., None]).all()


def test_what_cannot_be_scaled_has_a_reason():
    data = tiff(GREY.astype(np.float32))
    with pytest.raises(RangeUnknownError, match="float32"):
        decode(data, replace(HOW, ranges=None), 100)
    with pytest.raises(BadImageError, match="no known range: float32 pixels"):
        levels(data, uint16=(0, 255))
    with pytest.raises(BadImageError, match="no pixel is a finite number"):
        levels(tiff(np.full((4, 4), np.nan, np.float32)), float32=(0, 1))
    planes = tiff(np.moveaxis(COLOR, 2, 0), photometric="rgb", planarconfig="separate")
    with pytest.raises(BadImageError, match="separate planes"):
        levels(planes, uint16=(0, 4095))


def test_an_extent_leaves_out_what_is_clear_or_no_number():
    values = np.arange(1000, dtype=np.float32).reshape(20, 50)
    values[0, 0] = -1e9
    values[19, 49] = np.nan
    extent = measure(tiff(values), 10_000)
    assert extent == Extent("float32", -1e9, 998.0, 4.0, 994.0)
    clear = np.zeros((SIDE, SIDE, 1), dtype=np.uint16)
    assert measure(png(np.dstack([GREY, clear]), 4), 100) is None
    clear[2] = 0xFFFF
    assert measure(png(np.dstack([GREY, clear]), 4), 100)[1:3] == (GREY[2].min(), GREY[2].max())


def test_eight_bits_are_not_measured(encode):
    assert measure(encode((9, 9)), 100) is None
    assert measure(encode((9, 9), "JPEG"), 100) is None


def test_the_range_of_a_type_keeps_the_upper_byte():
    every = np.arange(0, 65536, 257, dtype=np.uint16).reshape(16, 16)
    stream = io.BytesIO()
    Image.fromarray(every).save(stream, "PNG")
    how = replace(HOW, image_size=16, ranges=TYPE_RANGES)
    assert (decode(stream.getvalue(), how, 1000).pixels[..., 0] == every >> 8).all()
