import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from sightline.images.decoding import color
from sightline.images.decoding import decode as decoding
from sightline.images.decoding.bad_image import BadImageError
from sightline.images.decoding.decode import decode as decode_within
from sightline.images.decoding.preprocessing import Preprocessing
from sightline.images.decoding.room import Room

HOW = Preprocessing(image_size=8, fit="stretch", resample="box", background=(10, 20, 30))
RED, GREEN = (255, 0, 0), (0, 255, 0)


def how(**changes):
    return Preprocessing(**{**vars(HOW), **changes})


def decode(data, preprocessing, max_pixels=10_000):
    return decode_within(data, preprocessing, max_pixels)


def halves(first, second, mode="RGB"):
    """Two rows of 16 x 8 pixels: the upper half in one colour, the lower in another."""
    image = Image.new(mode, (16, 16), first)
    image.paste(second, (0, 8, 16, 16))
    return image


@pytest.mark.parametrize("file_format", ["PNG", "BMP", "TIFF", "GIF", "WEBP", "JPEG"])
def test_every_format_gives_the_same_picture(encode, file_format):
    options = (
        {"lossless": True}
        if file_format == "WEBP"
        else {"quality": 100, "subsampling": 0}
        if file_format == "JPEG"
        else {}
    )
    decoded = decode(encode(halves(RED, GREEN), file_format, **options), HOW)
    assert decoded.pixels.shape == (8, 8, 3)
    assert decoded.pixels.dtype == np.uint8
    assert (decoded.width, decoded.height) == (16, 16)
    assert np.abs(decoded.pixels[1, 4].astype(int) - RED).max() <= 2
    assert np.abs(decoded.pixels[6, 4].astype(int) - GREEN).max() <= 2


@pytest.mark.parametrize(("mode", "value", "expected"), [("L", 77, 77), ("1", 1, 255), ("LA", (77, 255), 77)])
def test_grey_becomes_equal_channels(encode, mode, value, expected):
    assert (decode(encode(Image.new(mode, (9, 9), value)), HOW).pixels == expected).all()


def test_sixteen_bits_keep_their_upper_eight(encode):
    image = Image.fromarray(np.full((9, 9), 0xABCD, dtype=np.uint16))
    assert (decode(encode(image), HOW).pixels == 0xAB).all()


def test_transparency_shows_the_background(encode):
    clear = Image.new("RGBA", (9, 9), (255, 0, 0, 0))
    clear.putpixel((4, 4), (255, 0, 0, 255))
    half = Image.new("RGBA", (9, 9), (250, 0, 0, 128))
    assert (decode(encode(clear), how(resample="nearest", image_size=9)).pixels == (10, 20, 30)).all(axis=2).sum() == 80
    assert np.abs(decode(encode(half), HOW).pixels.astype(int) - (130, 10, 15)).max() <= 1


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P", "RGB", "L"])
def test_strips_compose_as_the_whole_does(encode, monkeypatch, mode):
    noise = np.random.default_rng(0).integers(0, 256, (13, 9, 4), dtype=np.uint8)
    image = Image.fromarray(noise).convert(mode)
    options = {} if mode in ("RGBA", "LA") else {"transparency": (7, 7, 7) if mode == "RGB" else 7}
    image.putpixel((4, 6), {"RGB": (7, 7, 7)}.get(mode, 7))
    monkeypatch.setattr(color, "STRIP", 30)  # 3 rows, and one remains
    read = Image.open(io.BytesIO(encode(image, "PNG", **options)))
    whole = Image.alpha_composite(Image.new("RGBA", read.size, (10, 20, 30, 255)), read.convert("RGBA")).convert("RGB")
    assert (10, 20, 30) in whole.get_flattened_data() or mode in ("RGBA", "LA")
    assert (np.asarray(color.to_rgb(read, (10, 20, 30))) == np.asarray(whole)).all()


def test_a_transparent_palette_shows_the_background(encode):
    image = Image.new("P", (9, 9), 1)
    image.putpixel((0, 0), 0)
    image.putpalette([0, 0, 0, 255, 255, 255])
    pixels = decode(encode(image, "PNG", transparency=1), how(resample="nearest", image_size=9)).pixels
    assert (pixels == (10, 20, 30)).all(axis=2).sum() == 80


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_alpha_that_is_empty_everywhere_is_passed_over(encode, mode):
    image = halves(200, 90, "L").convert(mode)
    if mode == "P":
        data = encode(image, "PNG", transparency=bytes(256))
    else:
        image.putalpha(0)
        data = encode(image)
    pixels = decode(data, HOW).pixels
    assert (pixels[:4] == 200).all()
    assert (pixels[4:] == 90).all()


def test_cmyk_becomes_rgb(encode):
    decoded = decode(encode(Image.new("CMYK", (9, 9), (0, 255, 255, 0)), "TIFF"), HOW)
    assert (decoded.pixels == RED).all()


def test_an_animation_gives_its_first_frame(encode):
    frames = [Image.new("RGB", (9, 9), RED), Image.new("RGB", (9, 9), GREEN)]
    assert (decode(encode(frames[0], "GIF", save_all=True, append_images=frames[1:]), HOW).pixels == RED).all()


def test_exif_orientation_turns_the_picture_and_its_size(encode):
    image = Image.new("RGB", (32, 16), RED)
    image.paste(GREEN, (0, 0, 16, 16))  # green on the left
    exif = Image.Exif()
    exif[274] = 6  # turn by 90 degrees clockwise: the left side comes to the top
    decoded = decode(encode(image, "PNG", exif=exif), HOW)
    assert (decoded.width, decoded.height) == (16, 32)
    assert (decoded.pixels[0] == GREEN).all()
    assert (decoded.pixels[-1] == RED).all()


def test_crop_cuts_pad_adds_bars_and_stretch_does_neither(encode):
    wide = Image.new("RGB", (32, 16), RED)
    wide.paste(GREEN, (0, 0, 8, 16))  # the leftmost quarter, which a central crop cuts off
    data = encode(wide)
    assert (decode(data, how(fit="crop")).pixels == RED).all()
    stretched = decode(data, how(fit="stretch")).pixels
    assert (stretched[:, :2] == GREEN).all()
    assert (stretched[:, 2:] == RED).all()
    padded = decode(data, how(fit="pad")).pixels
    assert (padded[:2] == (10, 20, 30)).all()
    assert (padded[6:] == (10, 20, 30)).all()
    assert (padded[2:6, :2] == GREEN).all()


def test_box_averages_when_it_shrinks(encode):
    checks = np.zeros((16, 16, 3), dtype=np.uint8)
    checks[::2, ::2] = 200
    assert (decode(encode(checks), HOW).pixels == 50).all()


def test_a_large_jpeg_is_decoded_smaller_with_its_true_size(encode):
    decoded = decode(encode(Image.new("RGB", (96, 80), (100, 150, 200)), "JPEG", quality=95), HOW)
    assert (decoded.width, decoded.height) == (96, 80)
    assert np.abs(decoded.pixels.astype(int) - (100, 150, 200)).max() <= 3


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda data: b"", "empty file"),
        (lambda data: b"hello, this is text", "not an image"),
        (lambda data: data[: len(data) // 2], "damaged"),
        (lambda data: data[:40], "damaged|not an image"),
    ],
)
def test_spoilt_files_have_a_reason(encode, spoil, reason):
    for file_format in ("PNG", "JPEG"):
        with pytest.raises(BadImageError, match=reason):
            decode(spoil(encode((60, 60), file_format)), HOW)


def test_a_bomb_is_refused_before_it_is_decoded(encode):
    with pytest.raises(BadImageError, match="too large: 200 x 100 pixels"):
        decode(encode(Image.new("1", (200, 100))), HOW)


@pytest.mark.parametrize("name", ["iCCP", "zTXt", "iTXt", "tEXt"])
@pytest.mark.parametrize("behind_pixels", [False, True])
def test_a_png_with_megabytes_of_profile_or_text_is_read(encode, name, behind_pixels):
    plain = encode(Image.new("RGB", (9, 9), RED))
    text = bytes(10) + b"x" * 3_000_000
    body = {
        "iCCP": b"icc\0\0" + zlib.compress(text),
        "zTXt": b"key\0\0" + zlib.compress(text),
        "iTXt": b"key\0\1\0\0\0" + zlib.compress(text),
        "tEXt": b"key\0" + text,
    }[name]
    kind = name.encode()
    chunk = struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
    place = len(plain) - 12 if behind_pixels else 33  # before the end, or after the header
    assert (decode(plain[:place] + chunk + plain[place:], HOW).pixels == RED).all()


def test_decoded_pixels_are_bound_by_their_size_after_the_draft(encode, monkeypatch):
    taken = []

    class Recorded(Room):
        def take(self, pixels):
            taken.append(pixels)
            return super().take(pixels)

    monkeypatch.setattr(decoding, "ROOM", Recorded(10))
    decode(encode(Image.new("RGB", (96, 80))), HOW)
    decode(encode(Image.new("RGB", (96, 80)), "JPEG"), HOW)  # at an eighth, 12 x 10, still larger than 8 x 8
    cut = encode(Image.new("RGB", (60, 60)))
    with pytest.raises(BadImageError, match="damaged"):
        decode(cut[: len(cut) // 2], HOW)
    assert taken == [96 * 80, 12 * 10, 60 * 60]
    with decoding.ROOM.take(10):  # nothing is held any more
        pass


def test_float_pixels_are_refused(encode):
    with pytest.raises(BadImageError, match="float"):
        decode(encode(Image.new("F", (9, 9), 0.5), "TIFF"), HOW)


def test_an_unknown_fit_is_refused_and_a_list_becomes_a_tuple():
    assert how(background=[1, 2, 3]) == how(background=(1, 2, 3))
    with pytest.raises(ValueError, match="fit must be one of crop, pad, stretch"):
        how(fit="squeeze")


@pytest.mark.parametrize("wrapped", [False, True])
def test_no_file_starts_a_program(encode, monkeypatch, wrapped):
    monkeypatch.setattr("PIL.EpsImagePlugin.Ghostscript", lambda *_args: pytest.fail("Ghostscript was started"))
    data = encode((8, 8), "EPS")
    if wrapped:  # an IPTC record of 8 x 8 pixels in grey, and what Pillow opens in it
        fields = {(3, 60): b"\1\0", (3, 65): b"\1", (3, 20): b"\0\x08", (3, 30): b"\0\x08", (3, 120): b"\5"}
        head = b"".join(bytes([0x1C, *tag, 0, len(value)]) + value for tag, value in fields.items())
        data = head + bytes([0x1C, 8, 10, *len(data).to_bytes(2, "big")]) + data
    with pytest.raises(BadImageError, match=f"^{'IPTC' if wrapped else 'EPS'} files may start another program"):
        decode(data, HOW)


@pytest.mark.parametrize(
    ("file_format", "options", "rest"),
    [("JPEG", {}, 128), ("JPEG", {"progressive": True}, None), ("PNG", {}, 0), ("BMP", {}, 0)],
)
def test_a_file_without_its_end_is_refused_or_filled(encode, file_format, options, rest):
    noise = Image.fromarray(np.random.default_rng(0).integers(30, 256, (64, 64), dtype=np.uint8)).convert("RGB")
    data = encode(noise, file_format, **options)
    cut = data[: len(data) * 2 // 3]
    with pytest.raises(BadImageError, match="truncated"):
        decode(cut, how(image_size=64))
    whole, filled = (decode(part, how(image_size=64, truncated="fill")) for part in (data, cut))
    assert filled.filled
    assert not whole.filled
    if rest is None:  # every line, from the scans that are there
        assert np.abs(filled.pixels.astype(int) - whole.pixels).mean() < 30
    elif file_format == "BMP":  # from the bottom up
        assert (filled.pixels[-16:] == whole.pixels[-16:]).all()
        assert (filled.pixels[0] == rest).all()
    else:
        assert (filled.pixels[:16] == whole.pixels[:16]).all()
        assert np.abs(filled.pixels[-1].astype(int) - rest).max() <= 1


def test_a_jpeg_without_its_last_two_bytes_loses_nothing(encode):
    data = encode((64, 64), "JPEG")
    filled = decode(data[:-2], how(image_size=64, truncated="fill"))
    assert (filled.pixels == decode(data, how(image_size=64)).pixels).all()
