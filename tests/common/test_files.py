import pandas as pd
import pytest

from sightline.common.errors import SightlineError
from sightline.common.files import read_json, read_table, replacing, write_json, write_table


def test_a_failed_write_leaves_the_old_file_and_nothing_beside_it(tmp_path):
    path = tmp_path / "metrics" / "a.json"
    write_json(path, {"b": 1})
    with pytest.raises(ZeroDivisionError), replacing(path) as beside:
        beside.write_text("half")
        1 / 0  # noqa: B018
    assert read_json(path) == {"b": 1}
    assert [child.name for child in path.parent.iterdir()] == ["a.json"]


def test_equal_json_has_equal_bytes(tmp_path):
    write_json(tmp_path / "one.json", {"b": 1, "a": {"d": 0.5, "c": "ü"}})
    write_json(tmp_path / "two.json", {"a": {"c": "ü", "d": 0.5}, "b": 1})
    assert (tmp_path / "one.json").read_bytes() == (tmp_path / "two.json").read_bytes()


def test_a_value_that_is_not_finite_is_never_written(tmp_path):
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(tmp_path / "a.json", {"loss": float("nan")})
    assert not (tmp_path / "a.json").exists()


def test_text_columns_stay_text(tmp_path):
    write_table(tmp_path / "a.csv", pd.DataFrame({"class": ["NA", "007", ""], "images": [1, 2, 3]}))
    table = read_table(tmp_path / "a.csv", text=("class",))
    assert table["class"].tolist() == ["NA", "007", ""]
    assert table["images"].sum() == 6


def test_a_missing_input_names_the_way_to_get_it(tmp_path):
    with pytest.raises(SightlineError, match="dvc repro"):
        read_json(tmp_path / "none.json")
