"""An image file that Pillow opens."""

from PIL import ExifTags, Image

from sightline.images.decoding.bad_image import BadImageError
from sightline.images.decoding.depth import Deep
from sightline.images.decoding.formats import open_picture
from sightline.images.decoding.jpeg_stream import watch
from sightline.images.decoding.sixteen_bit import kind_of, read_deep

END_OF_JPEG = b"\xff\xd9"
DEEP = 5  # times as many bytes as a pixel of 8 bits takes, at most


class Picture:
    """An opened image file.

    Parameters
    ----------
    data : bytes
    max_pixels : int
        Largest width x height that is opened.
    fill : bool
        Whether to read a JPEG that is damaged, and a file whose end is missing: what it lacks is grey in a JPEG, black
        elsewhere.

    Attributes
    ----------
    filled : bool
        Whether that was needed.

    Raises
    ------
    BadImageError
        As `formats.open_picture` does.
    """

    def __init__(self, data: bytes, max_pixels: int, fill: bool):
        self.filled = False
        self._fill = fill
        self._size = None
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
        self._size = (width, height)
        self._image.draft(None, self._size)

    def picture(self) -> Image.Image:
        """Return the decoded image of 8 bits, in its own mode."""
        faults = watch(self._image, self._data)
        try:
            self._image.load()
        except OSError as error:
            if not self._fill or "truncated" not in str(error):
                raise
            self._complete()
        if faults and not self._fill:
            raise BadImageError(faults[0])
        self.filled = self.filled or bool(faults)
        return self._image

    def _complete(self) -> None:
        self.filled = True
        if self._image.format in ("JPEG", "MPO"):
            self._image = open_picture(self._data + END_OF_JPEG, self._max_pixels)  # shows a progressive one's scans
            self._image.draft(None, self._size)
            self._image.load()
        else:
            self._image.tile = []  # nothing is left to read: the lines so far stay

    def deep(self) -> Deep:
        """Return the values of an image of more than 8 bits."""
        return read_deep(self._image, open_picture(self._data, self._max_pixels))

    @property
    def profile(self) -> bytes | None:
        """The ICC profile of its colours; None for grey of more than 8 bits, whose range is stated instead."""
        if self.is_deep and self._image.mode not in ("RGB", "RGBA"):
            return None
        return self._image.info.get("icc_profile")

    @property
    def orientation(self) -> int:
        """The EXIF orientation of the decoded image, 1 where it has none or one that cannot be read."""
        try:
            return self._image.getexif().get(ExifTags.Base.Orientation, 1)
        except Exception:  # a damaged header beside pixels that are whole: viewers show them
            return 1
