"""Times of earlier runs, and what they let expect."""

import pytest

from sightline.sweeping.journal import RUNS, Run, append_run, describe_seconds, estimate, read_runs, seconds_of
from sightline.sweeping.plan import Cell


def cell(data, model):
    return Cell(data, model, 0, {})


def test_runs_are_read_as_they_were_noted_and_a_torn_line_is_left_out(tmp_path):
    runs = [Run("a-x", "a", "x", 1.5), Run("a-y", "a", "y", 2.0, "no luck")]
    for run in runs:
        append_run(run, tmp_path)
    with (tmp_path / RUNS).open("a") as stream:
        stream.write('{"name": "a-z", "da')
    assert read_runs(tmp_path) == runs
    assert (seconds_of("a-x", runs), seconds_of("a-y", runs), seconds_of("a-z", runs)) == (1.5, None, None)
    assert read_runs(tmp_path / "elsewhere") == []


def test_a_run_is_expected_to_take_its_median_else_what_model_and_data_set_let_expect():
    runs = [Run("", "a", "x", seconds) for seconds in (10, 30, 20)] + [Run("", "a", "y", 40), Run("", "b", "x", 60)]
    runs += [Run("", "a", "x", 1, "failed at once")]
    assert estimate(cell("a", "x"), runs) == 20
    # y takes 40 s; on b its model x takes 60 s, half as long again as its usual 40 s, the median of 20 and 60
    assert estimate(cell("b", "y"), runs) == pytest.approx(40 * 60 / 40)
    assert estimate(cell("c", "x"), runs) is None
    assert estimate(cell("a", "z"), runs) is None


@pytest.mark.parametrize(("seconds", "text"), [(4.6, "5 s"), (89, "89 s"), (120, "2 min"), (7500, "2 h 5 min")])
def test_a_time_is_told_as_one_says_it(seconds, text):
    assert describe_seconds(seconds) == text
