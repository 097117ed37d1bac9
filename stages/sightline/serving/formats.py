"""Which image format a file's first bytes promise; what they do not, no decoder gets to see."""

from sightline.images.decoding.dicom import is_dicom
from sightline.serving.errors import ServiceError

BEGINNINGS = {
    "JPEG": (b"\xff\xd8\xff",),
    "PNG": (b"\x89PNG\r\n\x1a\n",),
    "GIF": (b"GIF87a", b"GIF89a"),
    "BMP": (b"BM",),
    "TIFF": (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"),
    "JPEG2000": (b"\0\0\0\x0cjP  ", b"\xff\x4f\xff\x51"),
    "JXL": (b"\xff\x0a", b"\0\0\0\x0cJXL "),
}
BRANDS = {"AVIF": (b"avif", b"avis"), "HEIC": (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1")}
FORMATS = (*BEGINNINGS, "WEBP", *BRANDS, "DICOM")


def refuse_other_formats(data: bytes, allowed: tuple[str, ...]) -> None:
    """Raise a ServiceError, status 415, where a file is of another format than those in `allowed`."""
    found = format_of(data)
    if found not in allowed:
        named = "no image format that is known" if found is None else f"{found}"
        raise ServiceError(415, "format_not_allowed", f"{named}: send {', '.join(allowed)}")


def format_of(data: bytes) -> str | None:
    """Return the format that the first bytes promise, one of `FORMATS`; None for any other."""
    if is_dicom(data):  # before all others, as the decoder does it
        return "DICOM"
    for name, beginnings in BEGINNINGS.items():
        if data.startswith(beginnings):
            return name
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WEBP"
    if data[4:8] == b"ftyp":
        return next((name for name, brands in BRANDS.items() if data[8:12] in brands), None)
    return None
