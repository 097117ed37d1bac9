"""leaderboard/: table, Markdown, page and picture."""

import pandas as pd
import pytest
from PIL import Image

from sightline.sweeping.board.page import _cell
from sightline.sweeping.board.ranking import rank
from sightline.sweeping.board.write import write_board
from sweep_results import result


@pytest.fixture
def written(tmp_path, monkeypatch):
    """Write a board of two data sets into the current folder."""
    monkeypatch.chdir(tmp_path)
    digits = [result("cnn", 0.8, test=0.9), result("vit", 0.85, test=0.7, latency=None)]
    leads = {"digits": "it may be <chance>", "cats": "only one model has results"}
    write_board(rank([*digits, result("cnn", 0.6, data="cats")]), leads, "a CPU & more", 2)
    return tmp_path / "leaderboard"


def test_the_table_has_every_number_in_the_order_of_validation(written):
    table = pd.read_csv(written / "leaderboard.csv")
    assert table[["data", "rank", "model"]].to_numpy().tolist() == [
        ["digits", 1, "vit"],
        ["digits", 2, "cnn"],
        ["cats", 1, "cnn"],
    ]
    row = table.iloc[1]
    assert (row["val_accuracy"], row["test_accuracy"], row["val_low"]) == pytest.approx((0.8, 0.9, 0.7))
    assert (row["file_bytes"], row["latency_ms"], row["macs"], row["seconds"]) == (1_000_000, 1.0, 2_500_000, 60.0)
    assert pd.isna(table["latency_ms"][0])


def test_the_markdown_tells_the_best_of_each_data_set_and_how_sure_the_lead_is(written):
    text = (written / "leaderboard.md").read_text()
    best = text.split("## Best by data set")[1].split("## digits")[0]
    assert "| digits | vit | 0.8500 (0.7500 to 0.9000) | 0.7000 (0.6000 to 0.7500) |" in best
    assert "| 2 | cnn | 0.8000 (0.7000 to 0.8500) |" in text.split("## digits")[1]
    assert "The lead: it may be <chance>." in text
    assert "2 experiments of the sweep have no results yet." in text
    assert "![accuracy against latency](accuracy_latency.png)" in text


def test_the_page_stands_alone_and_escapes_names(written):
    page = (written / "index.html").read_text()
    assert "it may be &lt;chance&gt;." in page
    assert "a CPU &amp; more" in page
    assert 'src="data:image/png;base64,' in page
    assert "http" not in page
    assert page.count("<table") == 3


@pytest.mark.parametrize(
    ("text", "value"), [("2 h 5 min", "7500"), ("42 s", "42"), ("0.9 (0.8 to 1.0)", "0.9"), ("1,234", "1234")]
)
def test_a_column_sorts_by_its_numbers_and_times_by_seconds(text, value):
    assert _cell(text) == f'<td data-value="{value}">{text}</td>'
    assert _cell("cnn") == "<td>cnn</td>"


def test_the_picture_has_a_panel_a_data_set(written):
    with Image.open(written / "accuracy_latency.png") as picture:
        assert picture.width > 2 * picture.height


def test_without_results_nothing_is_written(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    write_board({}, {}, "a CPU", 4)
    assert not (tmp_path / "leaderboard").exists()
    assert "nothing to rank" in capsys.readouterr().out
