"""Which formats are read, told by a file's first bytes, and what to do about a file that is none of them.

Pillow knows formats that start programs (EPS) or hold no pixels (HDF5, WMF), so those that are opened are named here.
"""

import io

from PIL import Image
from PIL.TiffImagePlugin import SAMPLEFORMAT, SAMPLESPERPIXEL, SUBIFD, ImageFileDirectory_v2, TiffImageFile

from sightline.images.decoding.bad_image import BadImageError, damaged_image

OF_PIXELS = """
    JPEG PNG GIF BMP PPM TIFF WEBP AVIF JPEG2000 TGA ICO ICNS DIB PCX DCX QOI SGI PSD DDS SUN XBM XPM MSP IM PIXAR CUR
    GBR BLP FTEX SPIDER FLI PCD IMT XVTHUMB MCIDAS
"""
FORMATS = tuple(OF_PIXELS.split())  # the most frequent first
DRAWN_BY_PROGRAMS = ("EPS", "IPTC")  # Pillow hands the first, which the other may hold, to Ghostscript
HEIF_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx")
READABLE = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"\x00\x00\x00\x0cjP  ")  # beginnings that promise an image
TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
BIG = (b"+\0", b"\0+")  # BigTIFF
SIGNED = 2  # of a TIFF's sample format
KIND_OF_PICTURE, REDUCED = 254, 1  # tag NewSubfileType, its value of a thumbnail
DNG_VERSION = 50706
SMALL_HEADER, BIG_HEADER = 8, 16  # bytes
RAW = "a camera's raw data: develop it to TIFF or JPEG"
VIDEO = "a video: save the frames that are meant"
TOLD = {  # by the beginning, that of texts in lower case
    (b"<svg",): "SVG holds commands to draw: render it as PNG",
    (b"<!doctype html", b"<html"): "a web page, perhaps in place of a download",
    (b"version https://git-lfs",): "a pointer of Git LFS: run `git lfs pull`",
    (b"%pdf",): "PDF: save its pages or pictures as PNG",
    (b"FUJIFILMCCD-RAW", b"IIRO", b"IIRS", b"IIU\0"): RAW,
    (b"\x1aE\xdf\xa3", b"FLV\1", b"\0\0\1\xba", b"\0\0\1\xb3", b"OggS"): VIDEO,
    (b"\x93NUMPY", b"\x89HDF", b"SIMPLE  =", b"v/1\1", b"#?RADIANCE", b"#?RGBE"): "numbers: save them as 16-bit TIFF",
    (b"PK\3\4", b"\x1f\x8b", b"7z\xbc\xaf"): "an archive",
}
EXTRA = "pip install -r requirements-formats.txt, or convert it to PNG"


def open_picture(data: bytes, max_pixels: int) -> Image.Image:
    """Open an image with Pillow without decoding it.

    Raises
    ------
    BadImageError
        It is empty, no image, damaged, of more than `max_pixels`, or needs a package that is not installed.
    """
    if not data:
        raise BadImageError("empty file")
    try:
        image = Image.open(io.BytesIO(data), formats=_formats(data))
    except BadImageError:
        raise
    except Image.UnidentifiedImageError:
        raise BadImageError(advice(data)) from None
    except Exception as error:
        raise damaged_image(error) from None
    if image.format in DRAWN_BY_PROGRAMS:
        raise BadImageError(f"{image.format} files may start another program: convert it to PNG")
    if image.format == "TIFF":
        _refuse_other_tiffs(image, data)
    refuse_large(image.width, image.height, max_pixels)
    return image


def _refuse_other_tiffs(image: TiffImageFile, data: bytes) -> None:
    """Raise BadImageError for a TIFF whose values Pillow takes for others, or whose first picture is not the main one.

    Source: TIFF 6.0 and the DNG specification 1.7; NEF, ARW and PEF, too, begin with a thumbnail.
    """
    tags = image.tag_v2
    if SIGNED in tags.get(SAMPLEFORMAT, ()) and image.mode in ("L", "LA", "RGB"):
        raise BadImageError("not supported: a TIFF of signed 8-bit values: save them unsigned, or in 16 bits")
    is_thumbnail = tags.get(KIND_OF_PICTURE, 0) == REDUCED and (SUBIFD in tags or tags.next)
    if is_thumbnail or DNG_VERSION in tags or data[8:10] == b"CR":
        raise BadImageError(f"not an image: {RAW}")


def refuse_large(width: int, height: int, max_pixels: int) -> None:
    """Raise BadImageError for more than `max_pixels`."""
    if width * height > max_pixels:
        raise BadImageError(f"too large: {width} x {height} pixels (prepare.max_pixels)")


def _formats(data: bytes) -> tuple[str, ...]:
    """Return what Pillow may try, after loading the package that a format needs."""
    if _is_heif(data):
        try:
            from pi_heif import register_heif_opener
        except ImportError:
            raise BadImageError(f"not supported: HEIC needs the package pi-heif: {EXTRA}") from None
        register_heif_opener()
        return ("HEIF",)
    if data.startswith(b"\xff\x0a") or data[:12] == b"\0\0\0\x0cJXL \r\n\x87\n":
        try:
            import pillow_jxl  # noqa: F401, which registers itself
        except ImportError:
            raise BadImageError(f"not supported: JPEG XL needs the package pillow-jxl-plugin: {EXTRA}") from None
        return ("JXL",)
    return (*FORMATS, *DRAWN_BY_PROGRAMS)


def _is_heif(data: bytes) -> bool:
    return data[4:8] == b"ftyp" and any(brand in data[8:64] for brand in HEIF_BRANDS)


def advice(data: bytes) -> str:
    """Return what a file is that cannot be opened, and what to do."""
    webp = data[:4] == b"RIFF" and data[8:12] == b"WEBP"
    if data.startswith(READABLE) or webp or data[4:12] == b"ftypavif" or _is_heif(data):
        return "damaged: begins as an image that cannot be read"
    if data.startswith(TIFF):
        return _why_no_tiff(data)
    if data[4:12] == b"ftypcrx ":  # Canon's CR3
        return f"not an image: {RAW}"
    if data[4:8] == b"ftyp" or (data[:4] == b"RIFF" and data[8:12] == b"AVI "):
        return f"not an image: {VIDEO}"
    text = data[:1000].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if text.startswith(b"<?xml") and b"<svg" in text:
        text = b"<svg"
    told = [what for begins, what in TOLD.items() if data.startswith(begins) or text.startswith(begins)]
    return f"not an image: {told[0]}" if told else "not an image"


def _why_no_tiff(data: bytes) -> str:
    channels = _count_channels(data)
    if channels > 1:
        return f"not supported: a TIFF of {channels} channels in this form: save RGB or grey, interleaved"
    try:
        TiffImageFile(io.BytesIO(data))
    except SyntaxError as error:
        if "pixel mode" in str(error):
            return "not supported: a TIFF of such pixels (64-bit floats, float colours, five channels, ...): convert it"
    except Exception:  # whatever damage makes it stumble over
        pass
    return "damaged: begins as a TIFF that cannot be read"


def _count_channels(data: bytes) -> int:
    """Return how many numbers a pixel of a TIFF has, 0 where its header does not tell."""
    try:
        directory = ImageFileDirectory_v2(data[: BIG_HEADER if data[2:4] in BIG else SMALL_HEADER])
        stream = io.BytesIO(data)
        stream.seek(directory.next)
        directory.load(stream)
        return int(directory.get(SAMPLESPERPIXEL, 0))
    except Exception:  # whatever damage makes it stumble over
        return 0
