import io
import sys
import zlib

import numpy as np
import pytest
from PIL import Image

from sightline.images.decoding.bad_image import BadImageError
from sightline.images.decoding.decode import decode
from sightline.images.decoding.formats import DRAWN_BY_PROGRAMS, FORMATS
from sightline.images.decoding.preprocessing import Preprocessing

HOW = Preprocessing(16, "stretch", "box", (0, 0, 0))
SMOOTH = Image.fromarray(np.arange(48, dtype=np.uint8).reshape(4, 4, 3) * 5).resize((32, 32), Image.Resampling.BICUBIC)


def reason(data):
    with pytest.raises(BadImageError) as caught:
        decode(data, HOW, 10_000)
    return str(caught.value)


def close_to_smooth(pixels):
    expected = np.asarray(SMOOTH.resize((16, 16), Image.Resampling.BOX)).astype(int)
    return np.abs(pixels - expected).mean() < 4


def heic(image, **options):
    pillow_heif = pytest.importorskip("pillow_heif", reason="writes HEIC files")
    pytest.importorskip("pi_heif", reason="requirements-formats.txt")
    stream = io.BytesIO()
    pillow_heif.from_pillow(image).save(stream, quality=95, **options)
    return stream.getvalue()


def test_heic_of_phones_is_read_upright():
    exif = Image.Exif()
    exif[274] = 6
    decoded = decode(heic(SMOOTH.crop((0, 0, 32, 24)), exif=exif.tobytes()), HOW, 10_000)
    assert (decoded.width, decoded.height) == (24, 32)
    assert close_to_smooth(decode(heic(SMOOTH), HOW, 10_000).pixels)
    assert reason(heic(SMOOTH)[:-300]).startswith("damaged")


def test_jpeg_xl_is_read(encode):
    pytest.importorskip("pillow_jxl", reason="requirements-formats.txt")
    assert close_to_smooth(decode(encode(SMOOTH, "JXL", quality=95), HOW, 10_000).pixels)


def test_avif_and_jpeg_2000_are_read(encode):
    assert close_to_smooth(decode(encode(SMOOTH, "AVIF", quality=95), HOW, 10_000).pixels)
    assert close_to_smooth(decode(encode(SMOOTH, "JPEG2000"), HOW, 10_000).pixels)


def test_several_pictures_in_a_jpeg_give_the_main_one(encode):
    other = Image.new("RGB", (8, 8))
    assert close_to_smooth(decode(encode(SMOOTH, "MPO", save_all=True, append_images=[other]), HOW, 10_000).pixels)


@pytest.mark.parametrize(
    ("package", "begin", "name"),
    [
        ("pi_heif", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "HEIC needs the package pi-heif"),
        ("pillow_jxl", b"\xff\x0a\0\0", "JPEG XL needs the package pillow-jxl-plugin"),
        ("pydicom", bytes(128) + b"DICM", "DICOM needs the package pydicom"),
    ],
)
def test_a_missing_package_is_named(monkeypatch, package, begin, name):
    monkeypatch.setitem(sys.modules, package, None)
    advice = "pip install -r requirements-formats.txt, or convert it to PNG"
    assert reason(begin + bytes(50)) == f"not supported: {name}: {advice}"


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b'<?xml version="1.0"?>\n<svg width="9">', "SVG holds commands to draw"),
        (b"\xef\xbb\xbf<svg>", "SVG"),
        (b"<!DOCTYPE html><title>404", "a web page"),
        (b"version https://git-lfs.github.com/spec/v1", "a pointer of Git LFS: run `git lfs pull`"),
        (b"%PDF-1.7", "PDF"),
        (b"\0\0\0\x20ftypisom\0\0\2\0isomiso2avc1mp41", "a video"),
        (b"RIFF\0\0\0\0AVI LIST", "a video"),
        (b"\x1aE\xdf\xa3", "a video"),
        (b"\x93NUMPY\1\0", "numbers"),
        (b"PK\3\4", "an archive"),
    ],
)
def test_what_is_no_image_is_told(data, told):
    assert reason(data + bytes(100)).startswith(f"not an image: {told}")
    assert reason(b"hello, this is text") == "not an image"


def test_broken_images_are_damaged_and_no_strangers(encode):
    text = b"tEXta\0b"
    png = encode(SMOOTH)
    broken = png[:33] + b"\0\0\0\3" + text + b"\0\0\0\0" + png[33:]
    assert reason(broken).startswith("damaged")
    compressed = encode(SMOOTH, "TIFF", compression="tiff_lzw")  # whose tags lie behind the pixels
    assert reason(compressed[: len(compressed) // 2]).startswith("damaged")
    assert reason(encode(SMOOTH, "JPEG")[:3] + bytes(50)).startswith("damaged")


def test_a_tiff_of_doubles_is_said():
    tifffile = pytest.importorskip("tifffile")
    stream = io.BytesIO()
    tifffile.imwrite(stream, np.ones((8, 8)))
    assert reason(stream.getvalue()).startswith("not supported: a TIFF of such pixels (64-bit floats")


def test_a_tiff_of_signed_bytes_is_said():
    tifffile = pytest.importorskip("tifffile")
    stream = io.BytesIO()
    tifffile.imwrite(stream, np.full((8, 8), -1, dtype=np.int8))
    assert reason(stream.getvalue()).startswith("not supported: a TIFF of signed 8-bit values")


def test_raw_data_are_told_from_the_thumbnail_that_they_begin_with(encode):
    dng = encode(SMOOTH, "TIFF", tiffinfo={50706: b"\1\4\0\0"})
    nef = encode(SMOOTH, "TIFF", save_all=True, append_images=[Image.new("RGB", (64, 64))], tiffinfo={254: 1})
    for data in (dng, nef, b"\0\0\0\x18ftypcrx " + bytes(50)):
        assert reason(data) == "not an image: a camera's raw data: develop it to TIFF or JPEG"
    assert close_to_smooth(decode(encode(SMOOTH, "TIFF", tiffinfo={254: 1}), HOW, 10_000).pixels)


def test_damaged_exif_does_not_cost_the_picture(encode):
    exif = b"eXIfgarbage!"
    png = encode(SMOOTH)
    chunk = (8).to_bytes(4, "big") + exif + zlib.crc32(exif).to_bytes(4, "big")
    assert close_to_smooth(decode(png[:33] + chunk + png[33:], HOW, 10_000).pixels)


def test_every_format_is_one_of_pillow():
    Image.init()
    assert {*FORMATS, *DRAWN_BY_PROGRAMS} <= set(Image.OPEN)


@pytest.mark.parametrize("bigtiff", [False, True])
@pytest.mark.parametrize(("channels", "planes"), [(4, "contig"), (5, "separate"), (13, "contig"), (2, "separate")])
def test_a_multispectral_tiff_is_refused_with_its_channels(bigtiff, channels, planes):
    tifffile = pytest.importorskip("tifffile")
    shape = (9, 9, channels) if planes == "contig" else (channels, 9, 9)
    stream = io.BytesIO()
    tifffile.imwrite(
        stream,
        np.zeros(shape, np.uint8),
        photometric="minisblack",
        planarconfig=planes,
        extrasamples=["unspecified"] * (channels - 1),
        bigtiff=bigtiff,
    )
    told = f"not supported: a TIFF of {channels} channels in this form: save RGB or grey, interleaved"
    assert reason(stream.getvalue()) == told
