import io

import pytest
from PIL import Image

from sightline.images.decoding.formats import HEIF_BRANDS
from sightline.serving.formats import BRANDS, FORMATS, format_of


@pytest.mark.parametrize("name", ["JPEG", "PNG", "GIF", "BMP", "TIFF", "JPEG2000", "WEBP", "AVIF"])
def test_what_pillow_writes_is_told(name):
    stream = io.BytesIO()
    Image.new("RGB", (8, 8)).save(stream, name)
    assert format_of(stream.getvalue()) == name
    assert name in FORMATS


@pytest.mark.parametrize("data", [b"", b"BM"[:1], b"RIFF\0\0\0\0AVI ", b"\0\0\0\x18ftypisom", b"%!PS", b"<svg"])
def test_what_is_no_image_is_not(data):
    assert format_of(data) is None


def test_dicom_comes_first_as_in_the_decoder():
    assert format_of(b"BM" + bytes(126) + b"DICM") == "DICOM"


def test_the_brands_of_phones_are_the_decoders():
    assert set(HEIF_BRANDS) <= set(BRANDS["HEIC"])
