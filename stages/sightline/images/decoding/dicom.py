"""DICOM files by pydicom: their own window, rescaled values, the first frame."""

import io
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from sightline.images.decoding.bad_image import BadImageError, damaged_image
from sightline.images.decoding.depth import DICOM, DICOM_UNWINDOWED, Deep
from sightline.images.decoding.formats import EXTRA, refuse_large
from sightline.images.decoding.preprocessing import Range

if TYPE_CHECKING:
    import pydicom

COLORS = ("RGB", "YBR_FULL", "YBR_FULL_422", "YBR_PARTIAL_422", "YBR_PARTIAL_420", "YBR_ICT", "YBR_RCT")


def is_dicom(data: bytes) -> bool:
    """Tell whether a file begins as DICOM files do."""
    return data[128:132] == b"DICM"


class Scan:
    """A DICOM file, as `picture.Picture` is one that Pillow opens."""

    orientation = 1  # pixels are stored as they are shown
    profile = None
    filled = False

    def __init__(self, data: bytes, max_pixels: int):
        try:
            import pydicom
        except ImportError:
            raise BadImageError(f"not supported: DICOM needs the package pydicom: {EXTRA}") from None
        try:
            self._file = pydicom.dcmread(io.BytesIO(data))
            self.width, self.height = int(self._file.Columns), int(self._file.Rows)
        except AttributeError:
            raise BadImageError("not an image: DICOM without pixels") from None
        except Exception as error:
            raise damaged_image(error) from None
        refuse_large(self.width, self.height, max_pixels)
        self.memory = 5 * self.width * self.height  # pixels of 4 bytes: values and their copy in 8
        self.is_deep = self._file.PhotometricInterpretation not in (*COLORS, "PALETTE COLOR")

    def shrink(self, width: int, height: int) -> None:
        """Do nothing: there is no cheaper way to fewer pixels."""

    def picture(self) -> Image.Image:
        """Return a colour image in 8 bits."""
        from pydicom.pixels import apply_color_lut

        pixels = self._pixels()
        if self._file.PhotometricInterpretation == "PALETTE COLOR":
            pixels = apply_color_lut(pixels, self._file)
        if pixels.dtype.itemsize > 1:
            pixels = (pixels >> (8 * (pixels.dtype.itemsize - 1))).astype(np.uint8)
        return Image.fromarray(pixels)

    def deep(self) -> Deep:
        """Return the values of a grey image, such as Hounsfield units, and the window in which it is meant to be seen.

        Windows are those of DICOM PS3.3, C.11.2.1; other functions and tables are applied by pydicom.
        """
        from pydicom.pixels import apply_modality_lut, apply_voi_lut

        values = apply_modality_lut(self._pixels(), self._file)
        window = _window(self._file)
        shown = None
        if "VOILUTSequence" in self._file or self._file.get("VOILUTFunction") == "SIGMOID":
            shown = apply_voi_lut(values, self._file, index=0)
            window = _range_of_shown(self._file)
        kind = DICOM_UNWINDOWED if window is None else DICOM
        inverted = self._file.PhotometricInterpretation == "MONOCHROME1"
        return Deep(kind, values, None, inverted, window, shown)

    def _pixels(self) -> np.ndarray:
        from pydicom.pixels import pixel_array

        try:
            return pixel_array(self._file, index=0)
        except (RuntimeError, NotImplementedError, ImportError) as error:
            if "missing dependencies" in str(error) or "plugin" in str(error):
                name = self._file.file_meta.TransferSyntaxUID.name
                raise BadImageError(f"not supported: DICOM compressed as {name}: decompress it") from None
            raise


def _window(file: "pydicom.Dataset") -> Range | None:
    """Return the values that become black and white by the first window; None where there is none."""
    center, width = _first(file.get("WindowCenter")), _first(file.get("WindowWidth"))
    if center is None or width is None or width <= 0:  # as anonymizers leave them
        return None
    function = file.get("VOILUTFunction", "LINEAR")
    if function == "LINEAR_EXACT":
        return center - width / 2, center + width / 2
    half = max(width - 1, 1) / 2
    return center - 0.5 - half, center - 0.5 + half


def _first(value: object) -> float | None:
    """Return the first of one or several numbers; None where the element is empty or not there."""
    numbers = np.atleast_1d(value)
    return None if not len(numbers) or numbers[0] is None else float(numbers[0])


def _range_of_shown(file: "pydicom.Dataset") -> Range:
    """Return the least and the greatest value that pydicom gives after a table or a sigmoid."""
    if "VOILUTSequence" in file:
        return 0, (1 << int(file.VOILUTSequence[0].LUTDescriptor[2])) - 1
    signed = int(file.PixelRepresentation)
    least = -signed << (int(file.BitsStored) - 1)
    greatest = least + (1 << int(file.BitsStored)) - 1
    slope, intercept = float(file.get("RescaleSlope", 1)), float(file.get("RescaleIntercept", 0))
    return least * slope + intercept, greatest * slope + intercept
