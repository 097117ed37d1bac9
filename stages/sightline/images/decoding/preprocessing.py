"""How images become squares of pixels: the contract between training and whoever decodes images later."""

from dataclasses import dataclass, field

from PIL import Image

Range = tuple[float, float]


def _upper_byte() -> dict[str, Range]:
    return {"uint16": (0, 65535)}


@dataclass(frozen=True)
class Preprocessing:
    """How image bytes become a square of pixels: what a model must know to see images as it did in training.

    Parameters
    ----------
    image_size : int
        Side of the result in pixels.
    fit : {"crop", "pad", "stretch"}
        Fill the square and cut what hangs over, show all of the image between bars, or ignore the aspect ratio.
    resample : str
        Name of a Pillow filter: nearest, box, bilinear, hamming, bicubic or lanczos; all but nearest average over the
        source's pixels when they shrink an image.
    background : sequence of int
        RGB in 0..255, behind transparent pixels and in the bars of ``pad``; kept as a tuple.
    color : {"srgb", "ignore"}
        Convert colours from the profile that a file carries, or take its numbers as they are.
    truncated : {"refuse", "fill"}
        What to do with a file whose end is missing, and with a JPEG damaged in the middle.
    ranges : dict of str to (float, float), or None
        For each kind of pixels of more than 8 bits (`depth.KINDS`), the values that become 0 and 255; what lies
        outside is clipped. None: not known yet, so that the first such image raises RangeUnknownError. The defaults
        of these four are what models meant that were exported before they told.
    bands : {3, 1}
        Numbers a pixel: red, green and blue, or one level of grey.

    Raises
    ------
    ValueError
        There is no such fit, another number of bands, or a range is empty.
    """

    image_size: int
    fit: str
    resample: str
    background: tuple[int, int, int]
    color: str = "ignore"
    truncated: str = "refuse"
    ranges: dict[str, Range] | None = field(default_factory=_upper_byte)
    bands: int = 3

    @property
    def shape(self) -> tuple[int, int, int]:
        """Height, width and bands of a stored image."""
        return self.image_size, self.image_size, self.bands

    def __post_init__(self) -> None:
        object.__setattr__(self, "background", tuple(self.background))
        if self.ranges is not None:
            object.__setattr__(self, "ranges", {kind: tuple(bounds) for kind, bounds in self.ranges.items()})
        if self.fit not in FITS:
            raise ValueError(f"fit must be one of {', '.join(FITS)} (got {self.fit!r})")
        if self.bands not in (1, 3):
            raise ValueError(f"bands must be 3 or 1 (got {self.bands!r})")
        for kind, (low, high) in (self.ranges or {}).items():
            if not low < high:
                raise ValueError(f"the range of {kind} must rise (got {low}, {high})")


def wanted_size(width: int, height: int, preprocessing: Preprocessing) -> tuple[int, int]:
    """Return the least size in pixels, (width, height), from which the square is made without enlarging."""
    if preprocessing.fit != "pad":
        return preprocessing.image_size, preprocessing.image_size
    return _padded_size(width, height, preprocessing.image_size)


def _padded_size(width: int, height: int, size: int) -> tuple[int, int]:
    longest = max(width, height)
    return max(1, round(width * size / longest)), max(1, round(height * size / longest))


def _filter(preprocessing: Preprocessing) -> Image.Resampling:
    return Image.Resampling[preprocessing.resample.upper()]


def _crop(image: Image.Image, preprocessing: Preprocessing) -> Image.Image:
    side = min(image.size)
    left, top = (image.width - side) / 2, (image.height - side) / 2
    if image.size == (preprocessing.image_size, preprocessing.image_size):
        return image
    return image.resize(
        (preprocessing.image_size,) * 2, _filter(preprocessing), box=(left, top, left + side, top + side)
    )


def _pad(image: Image.Image, preprocessing: Preprocessing) -> Image.Image:
    size = preprocessing.image_size
    inner = image.resize(_padded_size(*image.size, size), _filter(preprocessing))
    canvas = Image.new("RGB", (size, size), preprocessing.background)
    canvas.paste(inner, ((size - inner.width) // 2, (size - inner.height) // 2))
    return canvas


def _stretch(image: Image.Image, preprocessing: Preprocessing) -> Image.Image:
    return image.resize((preprocessing.image_size,) * 2, _filter(preprocessing))


FITS = {"crop": _crop, "pad": _pad, "stretch": _stretch}
