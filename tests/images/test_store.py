from pathlib import Path

import pytest

from sightline.common.errors import SightlineError
from sightline.images.store import read_index

HEADER = "id,label,class,group,subset,width,height,sha256,phash"


@pytest.fixture
def prepared(tmp_path):
    (tmp_path / "index.csv").write_text(
        f"{HEADER},site,age\na.png,0,NA,,,20,10,00,01,007,3\nb.png,1,dog,x,test,30,10,02,03,,\nc.png,0,NA,,,5,5,04,05,1,\n"
    )
    return tmp_path


def test_the_index_is_text_but_for_three_numbers(prepared):
    index = read_index(prepared / "index.csv")
    assert index["width"].tolist() == [20, 30, 5]
    assert index["site"].tolist() == ["007", "", "1"]
    assert index["age"].tolist() == ["3", "", ""]
    assert index["class"].tolist() == ["NA", "dog", "NA"]
    assert {name for name in index.columns if index[name].dtype == "int64"} == {"label", "width", "height"}


def test_only_the_columns_asked_for_are_read(prepared):
    index = read_index(prepared / "index.csv", ("width", "site", "box_x"))
    assert index.to_dict("list") == {"width": [20, 30, 5], "site": ["007", "", "1"]}


def test_no_index_is_one_line():
    with pytest.raises(SightlineError, match=r"nowhere/index.csv: not found: `dvc repro` makes it"):
        read_index(Path("nowhere/index.csv"))
