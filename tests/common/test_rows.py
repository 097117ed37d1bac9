import numpy as np
import pytest

from sightline.common.rows import evenly, row_blocks


def test_a_sample_is_spread_over_all_rows():
    rows = np.arange(100) + 5
    assert rows[evenly(100, 3)].tolist() == [5, 55, 104]
    assert rows[evenly(100, 5)].tolist() == [5, 30, 55, 79, 104]


def test_few_rows_are_all_taken():
    assert evenly(2, 3).tolist() == [0, 1]
    assert evenly(3, 3).tolist() == [0, 1, 2]
    assert evenly(4, 0).size == evenly(0, 3).size == 0


@pytest.mark.parametrize("count", [1, 2, 7, 1000, 1001, 99_999])
def test_no_position_comes_twice(count):
    for most in (1, 2, 3, 7, 500, 999, 1000):
        positions = evenly(count, most)
        assert len(set(positions.tolist())) == len(positions) == min(count, most)
        assert positions.tolist() == sorted(positions)


def test_blocks_cover_all_rows_with_about_a_million_numbers_each():
    blocks = list(row_blocks(5, 1 << 19))
    assert [len(range(5)[block]) for block in blocks] == [2, 2, 1]
    assert [row for block in blocks for row in range(5)[block]] == [0, 1, 2, 3, 4]
    assert list(row_blocks(0, 3)) == []
