import io

import numpy as np
import pytest

from sightline.images.decoding.bad_image import BadImageError
from sightline.images.decoding.decode import decode, measure
from sightline.images.decoding.depth import RangeUnknownError
from sightline.images.decoding.preprocessing import Preprocessing

pydicom = pytest.importorskip("pydicom", reason="requirements-formats.txt")

VALUES = np.arange(64, dtype=np.int16).reshape(8, 8) * 40 - 1000  # -1000..1520


def dicom(values, photometric="MONOCHROME2", **tags):
    file = pydicom.Dataset()
    file.file_meta = pydicom.dataset.FileMetaDataset()
    file.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
    file.file_meta.MediaStorageSOPClassUID = file.SOPClassUID = pydicom.uid.CTImageStorage
    file.file_meta.MediaStorageSOPInstanceUID = file.SOPInstanceUID = "1.2.3"
    file.Rows, file.Columns = values.shape[:2]
    file.SamplesPerPixel = values.shape[2] if values.ndim == 3 else 1
    file.PhotometricInterpretation = photometric
    if values.ndim == 3:
        file.PlanarConfiguration = 0
    file.BitsAllocated = file.BitsStored = 8 * values.dtype.itemsize
    file.HighBit = file.BitsStored - 1
    file.PixelRepresentation = int(values.dtype.kind == "i")
    file.PixelData = values.tobytes()
    for name, value in tags.items():
        setattr(file, name, value)
    stream = io.BytesIO()
    file.save_as(stream, enforce_file_format=True)
    return stream.getvalue()


def levels(data, ranges=None):
    return decode(data, Preprocessing(8, "stretch", "nearest", (0, 0, 0), ranges=ranges), 1000).pixels[..., 0]


def test_the_window_is_of_rescaled_values():
    data = dicom(VALUES + 1024, RescaleSlope=1, RescaleIntercept=-1024, WindowCenter=40, WindowWidth=401)
    found = levels(data)
    assert (found[VALUES <= -160] == 0).all()  # 40 - 0.5 - 200 = -160.5
    assert (found[VALUES >= 240] == 255).all()
    assert found[VALUES == 0] == 102  # 160.5 / 400 * 255 = 102.3
    assert measure(data, 1000) is None


@pytest.mark.parametrize("function", ["LINEAR", "LINEAR_EXACT", "SIGMOID"])
def test_windows_agree_with_pydicom(function):
    data = dicom(VALUES, WindowCenter=[100, 1], WindowWidth=[900, 2], VOILUTFunction=function)
    file = pydicom.dcmread(io.BytesIO(data))
    trusted = pydicom.pixels.apply_voi_lut(file.pixel_array, file)
    expected = (trusted + 32768) / 65535 * 255
    assert np.abs(levels(data) - expected).max() <= 0.51


def test_white_may_be_the_least_value():
    data = dicom(VALUES, "MONOCHROME1", WindowCenter=0, WindowWidth=801)
    assert levels(data)[0, 0] == 255
    assert levels(data)[7, 7] == 0


def test_a_stated_range_stands_above_the_window():
    data = dicom(VALUES, WindowCenter=0, WindowWidth=2)
    assert (levels(data, {"dicom": (-1000, 1550)}) == np.rint((VALUES + 1000) / 10)).all()


def test_without_a_window_a_range_is_found():
    data = dicom(VALUES)
    with pytest.raises(RangeUnknownError, match="dicom_unwindowed"):
        levels(data)
    assert measure(data, 1000)[:3] == ("dicom_unwindowed", -1000, 1520)
    assert (levels(data, {"dicom_unwindowed": (-1000, 1550)}) == np.rint((VALUES + 1000) / 10)).all()


@pytest.mark.parametrize("window", [{"WindowCenter": ""}, {"WindowCenter": "", "WindowWidth": ""}, {"WindowWidth": 0}])
def test_a_window_without_numbers_is_none(window):
    data = dicom(VALUES, **{"WindowCenter": 40, "WindowWidth": 400} | window)
    assert measure(data, 1000).kind == "dicom_unwindowed"


def test_colours_are_as_they_are():
    color = np.random.default_rng(0).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    how = Preprocessing(8, "stretch", "nearest", (0, 0, 0), ranges={})
    assert (decode(dicom(color, "RGB"), how, 1000).pixels == color).all()


def test_damage_has_a_reason():
    data = dicom(VALUES, WindowCenter=0, WindowWidth=9)
    for spoilt in (data[:-20], data[:200]):
        with pytest.raises(BadImageError, match=r"damaged|DICOM without pixels"):
            levels(spoilt)
    with pytest.raises(BadImageError, match="too large: 8 x 8"):
        decode(data, Preprocessing(8, "crop", "box", (0, 0, 0)), 63)
