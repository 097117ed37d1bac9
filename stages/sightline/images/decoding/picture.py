"""An image file that Pillow opens."""

from PIL import ExifTags, Image

from sightline.images.decoding.depth import Deep
from sightline.images.decoding.formats import open_picture
from sightline.images.decoding.sixteen_bit import kind_of, read_deep

DEEP = 5  # times as many bytes as a pixel of 8 bits takes, at most


class Picture:
    """An opened image file.

    Parameters
    ----------
    data : bytes
    max_pixels : int
        Largest width x height that is opened.

    Raises
    ------
    BadImageError
        As `formats.open_picture` does.
    """

    def __init__(self, data: bytes, max_pixels: int):
        self._image = open_picture(data, max_pixels)
        self._data = data
        self._max_pixels = max_pixels
        self.width, self.height = self._image.size
        self.is_deep = bool(kind_of(self._image))

    @property
    def memory(self) -> int:
        """How many pixels of 4 bytes it takes to decode it."""
        return self._image.width * self._image.height * (DEEP if self.is_deep else 1)

    def shrink(self, width: int, height: int) -> None:
        """Decode a JPEG at a half, a quarter or an eighth where that leaves at least this size in pixels."""
        self._image.draft(None, (width, height))

    def picture(self) -> Image.Image:
        """Return the decoded image of 8 bits, in its own mode."""
        self._image.load()
        return self._image

    def deep(self) -> Deep:
        """Return the values of an image of more than 8 bits."""
        return read_deep(self._image, open_picture(self._data, self._max_pixels))

    @property
    def orientation(self) -> int:
        """The EXIF orientation of the decoded image, 1 where it has none or one that cannot be read."""
        try:
            return self._image.getexif().get(ExifTags.Base.Orientation, 1)
        except Exception:  # a damaged header beside pixels that are whole: viewers show them
            return 1
