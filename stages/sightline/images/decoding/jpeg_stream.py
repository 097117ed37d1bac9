"""JPEG files whose coded data do not fit their size: libjpeg goes on with wrong pixels, and Pillow passes over it.

How libjpeg takes the last bytes before a marker tells what it finds. While it decodes, it fills a buffer of bits with
several bytes at once, or takes none. When all pixels are made, it looks for the next marker, and takes byte by byte.
Source: libjpeg-turbo's jdhuff.c, jdphuff.c and jdmarker.c.
"""

from collections.abc import Callable

from PIL import Image, ImageFile

from sightline.images.decoding.jpeg_layout import lay_out

CODEC = "jpeg"
WATCHED = "sightline_jpeg"
SINGLE = 3  # bytes given one by one
SPARE = 8 + SINGLE  # zeros behind coded data: the buffer of bits takes 8, so that sound pixels are complete
PADDING = b"\0\xff"  # what some encoders leave before a marker
LEFT_OVER = "damaged: pixels are complete before the coded data end"
MISSING = "damaged: coded data end before the pixels are complete"
DISORDER = "damaged: restart markers are missing or out of turn"

Decode = Callable[[memoryview], tuple[int, int]]


def watch(image: Image.Image, data: bytes) -> list[str]:
    """Let a JPEG that Pillow has opened be decoded with an eye on its data; other images are left alone.

    Parameters
    ----------
    data : bytes
        What it was opened from.

    Returns
    -------
    list of str
        What is wrong with the coded data, once the image is loaded.
    """
    faults: list[str] = []
    if image.format in ("JPEG", "MPO") and [tile.codec_name for tile in image.tile] == [CODEC]:
        tile = image.tile[0]
        image.tile = [tile._replace(codec_name=WATCHED, args=(data[tile.offset :], faults, *tile.args))]
    return faults


class _WatchedJpeg(ImageFile.PyDecoder):
    """Pillow's decoder, given a file piece by piece."""

    _pulls_fd = True  # the whole file in one call

    def init(self, args: tuple) -> None:
        self.data, self.faults, *self.args = args

    def decode(self, _buffer: bytes) -> tuple[int, int]:
        decoder = Image._getdecoder(self.mode, CODEC, tuple(self.args))
        decoder.setimage(self.im, self.state.extents())
        try:
            reader = feed(self.data, decoder.decode, self.faults)
        finally:
            decoder.cleanup()
        if not reader.complete:
            raise OSError("image file is truncated")
        return -1, reader.error


Image.register_decoder(WATCHED, _WatchedJpeg)


class Reader:
    """Gives bytes to a decoder.

    Parameters
    ----------
    data : bytes
    decode : callable
        Takes bytes; returns how many it used, -1 when the image is complete, and the number of an error, 0 for none.
    """

    def __init__(self, data: bytes, decode: Decode):
        self.complete = False
        self.error = 0
        self._data = memoryview(data)
        self._decode = decode
        self._taken = 0

    def give(self, end: int) -> bool:
        """Give all before `end`; tell whether nothing of it is left."""
        if not self.complete:
            taken, self.error = self._decode(self._data[self._taken : end])
            self.complete = taken < 0
            self._taken += taken
        return self.complete or self._taken == end

    def gives_singly(self, end: int) -> bool:
        """Tell whether each of the last bytes before `end` is taken as it comes."""
        self.give(end - SINGLE)
        return all(self.give(end - later) for later in reversed(range(SINGLE)))


def feed(data: bytes, decode: Decode, faults: list[str]) -> Reader:
    """Decode a JPEG file, zeros behind each stretch of its coded data, and note its faults."""
    layout = lay_out(data)
    if not layout.ordered:
        faults.append(DISORDER)
    pieces = []
    done = 0
    for _, end in layout.stretches:
        pieces += [data[done:end], bytes(SPARE)]
        done = end
    reader = Reader(b"".join([*pieces, data[done:]]), decode)
    for number, (start, end) in enumerate(layout.stretches):
        before = SPARE * number
        last = start + len(data[start:end].rstrip(PADDING))
        if last - SINGLE > start and reader.gives_singly(last + before):
            faults.append(LEFT_OVER)
        if not reader.gives_singly(end + before + SPARE):
            faults.append(MISSING)
    reader.give(len(reader._data))
    return reader
