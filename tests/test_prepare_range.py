"""`prepare.range` through the whole stage."""

import json
from pathlib import Path

import numpy as np
import pytest

from prepare import main
from sightline.common.errors import SightlineError
from sightline.common.params import load_params
from sightline.images.store import open_pixels, read_dataset
from sightline.parameters.prepare import PrepareParams


@pytest.fixture
def prepare(set_params):
    def run(source, **changes):
        set_params(**{"prepare.source": source, "prepare.image_size": 16, **changes})
        main(load_params(PrepareParams))

    return run


@pytest.fixture
def scans(workspace, encode):
    """12-bit scans in 16-bit PNG files among photos of 8 bits, which are read first."""
    for name, level in (("healthy", 1000), ("ill", 3000)):
        folder = workspace / f"data/raw/scans/{name}"
        folder.mkdir(parents=True)
        (folder / "0.jpg").write_bytes(encode((20, 20), "JPEG", seed=level))
        for number in range(3):
            values = np.full((20, 20), level + number, dtype=np.uint16)
            (folder / f"{number + 1}.png").write_bytes(encode(values))


def test_one_range_for_all_scans_is_found_said_and_kept(prepare, scans, capsys):
    prepare("data/raw/scans")
    assert "6 images of uint16 pixels from 1000 to 3002: 0 becomes black, 4095 white" in capsys.readouterr().out
    assert read_dataset().preprocessing.ranges == {"uint16": (0, 4095)}
    assert json.loads(Path("data/prepared/dataset.json").read_text())["preprocessing"]["ranges"] == {
        "uint16": [0, 4095]
    }
    pixels = open_pixels()
    assert (pixels[2] == 62).all()  # 1001 / 4095 * 255 = 62.3
    assert (pixels[5] == 187).all()  # 3000 / 4095 * 255 = 186.8


@pytest.mark.parametrize(("rule", "level", "bounds"), [("type", 12, [0, 65535]), ([2000, 4000], 128, [2000, 4000])])
def test_a_stated_range_needs_no_look(prepare, scans, monkeypatch, rule, level, bounds):
    monkeypatch.setattr("prepare.find_ranges", lambda *_: pytest.fail("looked for a range"))
    prepare("data/raw/scans", **{"prepare.range": rule})
    assert (open_pixels()[5] == level).all()
    assert list(read_dataset().preprocessing.ranges["uint16"]) == bounds


def test_eight_bits_have_no_range(prepare, photo_folder):
    prepare("data/raw/photos")
    assert read_dataset().preprocessing.ranges == {}


@pytest.mark.parametrize("rule", [[5, 5], [7, 1], [1], "minmax", [0, float("nan")]])
def test_a_range_that_is_none_is_one_line(prepare, scans, rule):
    with pytest.raises(SightlineError, match=r"params.yaml: prepare.range: must"):
        prepare("data/raw/scans", **{"prepare.range": rule})
