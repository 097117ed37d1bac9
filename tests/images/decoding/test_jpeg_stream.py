import io

import numpy as np
import pytest
from PIL import Image

from sightline.images.decoding.bad_image import BadImageError
from sightline.images.decoding.decode import decode
from sightline.images.decoding.jpeg_layout import lay_out
from sightline.images.decoding.jpeg_stream import DISORDER, LEFT_OVER, MISSING, watch
from sightline.images.decoding.preprocessing import Preprocessing

KINDS = {
    "sequential": {},
    "fitting tables": {"optimize": True},
    "progressive": {"progressive": True},
    "restarts": {"restart_marker_rows": 1},
    "many restarts": {"restart_marker_blocks": 1},
    "no subsampling": {"subsampling": 0, "quality": 100},
}


def noise(size, mode="RGB", seed=0):
    values = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    return Image.fromarray(values).convert(mode)


def save(image, **options):
    stream = io.BytesIO()
    image.save(stream, "JPEG", **options)
    return stream.getvalue()


def faults_of(data, draft=None):
    image = Image.open(io.BytesIO(data))
    image.draft(None, draft)
    faults = watch(image, data)
    image.load()
    return faults, np.asarray(image)


def longest(data):
    return max(lay_out(data).stretches, key=lambda stretch: stretch[1] - stretch[0])


@pytest.mark.parametrize("options", KINDS.values(), ids=KINDS)
@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
@pytest.mark.parametrize("draft", [None, (30, 20)])
def test_sound_files_have_no_fault_and_the_same_pixels(options, mode, draft):
    for size in ((1, 1), (8, 8), (67, 45), (160, 90)):
        data = save(noise(size, mode), **options)
        image = Image.open(io.BytesIO(data))
        image.draft(None, draft)
        faults, pixels = faults_of(data, draft)
        assert faults == []
        assert (pixels == np.asarray(image)).all()


@pytest.mark.parametrize("options", KINDS.values(), ids=KINDS)
def test_flat_images_whose_data_end_in_zeros_have_no_fault(options):
    for color in ((0, 0, 0), (128, 128, 128), (250, 3, 99)):
        assert faults_of(save(Image.new("RGB", (300, 200), color), **options))[0] == []


@pytest.mark.parametrize("kind", ["sequential", "fitting tables", "progressive", "restarts", "no subsampling"])
def test_data_that_are_cut_or_repeated_in_the_middle(kind):
    data = save(noise((160, 90)), **KINDS[kind])
    start, end = longest(data)
    quarter = (end - start) // 4
    cut = data[: start + quarter] + data[start + 2 * quarter :]
    repeated = data[: start + 2 * quarter] + data[start + quarter :]
    assert MISSING in faults_of(cut)[0]
    assert LEFT_OVER in faults_of(repeated)[0]


def test_a_marker_in_the_middle_ends_the_data_early():
    data = save(noise((160, 90)))
    start, end = longest(data)
    middle = (start + end) // 2
    for marker in (b"\xff\xd0", b"\xff\xd9"):
        assert MISSING in faults_of(data[:middle] + marker + data[middle + 2 :])[0]


def test_restart_markers_out_of_turn():
    data = save(noise((160, 90)), restart_marker_rows=1)  # six rows of 16 px, five markers
    ends = [end for _, end in lay_out(data).stretches[:-1]]
    assert [data[end : end + 2] for end in ends] == [bytes([255, 0xD0 + turn]) for turn in range(5)]
    (first, second), (third, fourth) = lay_out(data).stretches[1:3]
    assert DISORDER in faults_of(data[:first] + data[third:])[0]
    swapped = data[:first] + data[third:fourth] + data[second:third] + data[first:second] + data[fourth:]
    assert faults_of(swapped)[0] == []  # whole rows, in a wrong order: nothing in the file tells


@pytest.mark.parametrize("padding", [b"\xff\xff\xff", b"\0" * 40, b"\xff" * 41])
def test_padding_before_the_end_is_no_fault(padding):
    data = save(noise((160, 90)))
    assert faults_of(data[:-2] + padding + data[-2:])[0] == []


def test_other_files_are_left_alone():
    stream = io.BytesIO()
    noise((16, 16)).save(stream, "TIFF", compression="jpeg")
    faults, pixels = faults_of(stream.getvalue())
    assert (faults, pixels.shape) == ([], (16, 16, 3))


def test_damaged_jpegs_are_refused_or_used_and_told():
    data = save(noise((160, 90)))
    start, end = longest(data)
    cut = data[: (start + end) // 2] + data[end - (end - start) // 4 :]
    how = Preprocessing(90, "crop", "box", (0, 0, 0))
    with pytest.raises(BadImageError, match=f"^{MISSING}$"):
        decode(cut, how, 100_000)
    filled = decode(cut, Preprocessing(90, "crop", "box", (0, 0, 0), truncated="fill"), 100_000)
    sound = decode(data, how, 100_000)
    assert (filled.filled, sound.filled) == (True, False)
    assert (filled.pixels[:32] == sound.pixels[:32]).all()
    assert (filled.pixels[-1] == 128).all()


def test_more_restart_markers_than_can_be_meant_take_no_time():
    data = save(noise((160, 90)), restart_marker_rows=1)
    start = lay_out(data).stretches[0][1]
    turns = bytes(value for turn in range(8) for value in (255, 0xD0 + turn))
    layout = lay_out(data[:start] + turns * 10_000 + data[start:])
    assert len(layout.stretches) == 1
