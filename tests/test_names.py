"""File and class names that a file system allows, from the folder to what evaluate reads and writes."""

import csv
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import prepare
import split
from sightline.common.files import CsvLines, read_columns, read_table, write_table
from sightline.common.params import load_params
from sightline.images.samples import name_some, read_samples, tabulate
from sightline.images.sources.names import name_fault
from sightline.images.store import read_index
from sightline.parameters.prepare import PrepareParams
from sightline.parameters.split import SplitParams

NAMES = [
    "a\rb",
    "ends\r",
    "\rbegins",
    "a\nb",
    "a\r\nb",
    'quo"te',
    '"quoted"',
    "com,ma",
    "semi;colon",
    "tab\tx",
    " leads",
    "trails ",
    "été",
    "e\u0301",
    "日本",
    "NA",
    "nan",
    "1.0",
    "#hash",
    "'single",
    "back\\slash",
    "=1+1",
    "\ufeffmark",
    "\u2028line",
    "\x85\x0b\x0c\x1c",
    "\x1b[31m",
]
TAKEN = [name for name in NAMES if not name_fault(name)]
CLASSES = {"NA", "chats d'été", '"b",'}


def test_a_table_gives_every_name_back(tmp_path):
    path = tmp_path / "names.csv"
    write_table(path, pd.DataFrame({"id": NAMES, "number": range(len(NAMES)), "last": NAMES}))
    table = read_table(path, text=("id", "last"))
    assert table["id"].tolist() == table["last"].tolist() == NAMES
    assert read_columns(path, {"last": str})["last"].tolist() == NAMES
    with path.open(newline="", encoding="utf-8") as stream:
        assert [row["id"] for row in csv.DictReader(stream)] == NAMES


def test_rows_end_as_unix_has_it_and_only_what_needs_quotes_has_them(tmp_path):
    with (tmp_path / "a.csv").open("w", newline="") as stream:
        csv.writer(CsvLines(stream)).writerows([("id", "n"), ("a b", 1), ("a\rb", 2), ("a\r\n", "\r\n")])
    assert (tmp_path / "a.csv").read_bytes() == b'id,n\na b,1\n"a\rb",2\n"a\r\n","\r\n"\n'


@pytest.fixture
def prepared(workspace, set_params, encode):
    """The split of images in three classes, with every name that prepare takes."""
    for number, label in enumerate(CLASSES):
        folder = workspace / "data/raw/photos" / label
        folder.mkdir(parents=True)
        for position, name in enumerate(TAKEN):
            folder.joinpath(f"{name}.png").write_bytes(encode((9, 9), seed=100 * number + position))
    set_params(**{"prepare.source": "data/raw/photos", "prepare.image_size": 16})
    prepare.main(load_params(PrepareParams))
    split.main(load_params(SplitParams))
    return sorted(str(path.relative_to("data/raw/photos")) for path in Path("data/raw/photos").glob("*/*"))


def test_every_name_passes_prepare_and_split_and_is_read_by_the_stages_behind_them(prepared):
    samples = tabulate(read_samples(), read_index())
    assert sorted(samples["id"]) == prepared
    assert set(samples["class"]) == CLASSES
    assert np.bincount(samples["label"]).tolist() == [len(TAKEN)] * 3
    assert set(read_table("plots/split/classes.csv", text=("class",))["class"]) == set(samples["class"])


def test_names_in_a_message_keep_to_its_line():
    assert (
        name_some(["Icon\r", "a b", "été", "x\n", "\x1b[31m", "f", "g"])
        == r"Icon\r, a b, été, x\n, \x1b[31m and 2 more"
    )
