"""What an earlier run decoded is not decoded again, and nothing else changes."""

import errno
import os
import shutil
from pathlib import Path

import pytest

from prepare import main
from sightline.common.params import load_params
from sightline.parameters.prepare import PrepareParams
from sightline.preparing import shards
from sightline.preparing.kept import FOLDER

PREPARED = Path("data/prepared")


@pytest.fixture
def prepare(photo_folder, set_params, monkeypatch):
    """Run prepare as DVC does, which removes outputs first; return how many images were decoded, and the files."""
    set_params(**{"prepare.source": "data/raw/photos", "prepare.image_size": 16, "prepare.max_bad_fraction": 0.5})
    decode, decoded = shards.decode, []

    def count(*arguments):
        decoded.append(None)
        return decode(*arguments)

    monkeypatch.setattr(shards, "decode", count)

    def run(**changes):
        set_params(**changes)
        shutil.rmtree(PREPARED, ignore_errors=True)
        decoded.clear()
        main(load_params(PrepareParams))
        return len(decoded), {path.name: path.read_bytes() for path in PREPARED.iterdir()}

    return run


def fresh(prepare):
    """Return what a run writes that knows of no other."""
    shutil.rmtree(FOLDER)
    return prepare()[1]


def test_only_new_images_are_decoded_and_the_bytes_are_those_of_a_fresh_run(prepare, photo_folder, encode, capsys):
    assert prepare()[0] == 7
    (photo_folder / "cat/1_new.jpg").write_bytes(encode((30, 40), "JPEG"))
    (photo_folder / "cat/3.png").rename(photo_folder / "dog/moved.png")
    (photo_folder / "dog/0.png").unlink()
    (photo_folder / "dog/bad.png").write_bytes(b"no image")
    capsys.readouterr()
    decoded, written = prepare()
    assert decoded == 2  # the new one and the bad one
    assert "prepare: 6 images were decoded by an earlier run (.prepared-cache)" in capsys.readouterr().out
    assert written == fresh(prepare)
    assert prepare()[0] == 1  # bad ones are looked at again: a package may be there that was missing


def test_kept_pixels_take_no_room_and_only_the_last_run_is_kept(prepare):
    prepare()
    [first] = FOLDER.glob("*.npy")
    assert first.stat().st_ino == (PREPARED / "images.npy").stat().st_ino
    (FOLDER / ".killed.partial").write_bytes(b"half")
    assert prepare(**{"prepare.fit": "pad"})[0] == 7
    [second] = FOLDER.glob("*.npy")
    assert second.name != first.name
    assert sorted(path.suffix for path in FOLDER.iterdir()) == [".images", ".npy"]


@pytest.mark.parametrize("change", [{"image_size": 24}, {"resample": "box"}, {"max_pixels": 10_000}])
def test_images_that_were_made_otherwise_are_not_taken(prepare, change):
    prepare()
    assert prepare(**{f"prepare.{key}": value for key, value in change.items()})[0] == 7


def test_a_lower_limit_refuses_what_was_decoded_under_a_higher_one(prepare, photo_folder, encode):
    (photo_folder / "cat/large.png").write_bytes(encode((40, 40)))
    assert b"large" not in prepare()[1]["quarantine.csv"]
    assert b"large" in prepare(**{"prepare.max_pixels": 1000})[1]["quarantine.csv"]


def test_a_damaged_image_is_decoded_anew_with_a_line(prepare, capsys):
    expected = prepare()[1]
    [pixels] = FOLDER.glob("*.npy")
    content = bytearray(pixels.read_bytes())
    content[-5] ^= 1
    pixels.write_bytes(content)
    capsys.readouterr()
    assert prepare() == (1, expected)
    assert "prepare: 1 images of .prepared-cache are damaged: decoded anew" in capsys.readouterr().out
    assert prepare() == (0, expected)


def cut_table(table, pixels):
    table.write_bytes(table.read_bytes()[:-1])


def change_table(table, pixels):
    table.write_bytes(b"x" + table.read_bytes()[1:])


def lose_pixels(table, pixels):
    pixels.unlink()


def empty_pixels(table, pixels):
    pixels.write_bytes(b"")


@pytest.mark.parametrize("damage", [cut_table, change_table, lose_pixels, empty_pixels])
def test_what_is_damaged_as_a_whole_is_a_line(prepare, capsys, damage):
    expected = prepare()[1]
    damage(next(FOLDER.glob("*.images")), next(FOLDER.glob("*.npy")))
    capsys.readouterr()
    assert prepare() == (7, expected)
    assert "is damaged, so that all images are decoded anew: " in capsys.readouterr().out
    assert prepare() == (0, expected)


def test_pixels_that_are_cut_cost_only_the_images_that_were_lost(prepare):
    expected = prepare()[1]
    [pixels] = FOLDER.glob("*.npy")
    pixels.write_bytes(pixels.read_bytes()[: -2 * 16 * 16 * 3])
    assert prepare() == (2, expected)


def test_where_links_are_impossible_a_line_says_that_nothing_is_kept(prepare, monkeypatch, capsys):
    def refuse(self, target):
        raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))

    monkeypatch.setattr(Path, "hardlink_to", refuse)
    assert prepare()[0] == 7
    assert "prepare: .prepared-cache: this run's images could not be kept: " in capsys.readouterr().out
    assert prepare()[0] == 7
