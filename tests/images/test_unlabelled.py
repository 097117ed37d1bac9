import tarfile
import zipfile

import numpy as np
import pytest

from sightline.common.errors import SightlineError
from sightline.images.decoding.preprocessing import Preprocessing
from sightline.images.unlabelled import gather_images

HOW = Preprocessing(4, "stretch", "box", (255, 255, 255))


@pytest.fixture
def grays(tmp_path, encode):
    """A folder of ten images whose pixels are their number, and a file that is none."""
    folder = tmp_path / "grays"
    (folder / "below").mkdir(parents=True)
    for number in range(10):
        content = encode(np.full((6, 6, 3), number, dtype=np.uint8))
        (folder / ("below" if number % 2 else ".") / f"{number}.png").write_bytes(content)
    (folder / "zzz.txt").write_text("no image")
    return folder


def values(path, most=100):
    return [None if image is None else int(image.mean()) for image in gather_images(path, HOW, most, "test")]


def test_all_images_of_a_folder_by_path_and_none_for_what_is_no_image(grays):
    assert values(grays) == [0, 2, 4, 6, 8, 1, 3, 5, 7, 9, None]
    assert values(grays, most=3) == [0, 1, None]  # the first, the middle, the last


@pytest.mark.parametrize("name", ["a.zip", "a.tar", "a.tar.gz"])
def test_archives_hold_the_same(grays, tmp_path, name):
    files = sorted((path for path in grays.rglob("*") if path.is_file()), reverse=True)
    if name == "a.zip":
        with zipfile.ZipFile(tmp_path / name, "w") as archive:
            for path in files:
                archive.write(path, path.relative_to(grays))
    else:
        with tarfile.open(tmp_path / name, f"w:{name[6:]}") as archive:
            for path in files:
                archive.add(path, path.relative_to(grays))
    expected = [0, 1, None] if name == "a.zip" else [None, 1, 0]  # a tar is read forwards
    assert values(tmp_path / name, most=3) == expected
    assert len(values(tmp_path / name)) == 11


@pytest.mark.parametrize(("name", "told"), [("none", "does not exist"), ("grays/0.png", "must be a folder or one of")])
def test_what_is_no_source_is_one_line(grays, tmp_path, name, told):
    with pytest.raises(SightlineError, match=f"^test: .*{told}"):
        values(tmp_path / name)
