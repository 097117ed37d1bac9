import numpy as np
import pytest

from sightline.images.decoding.depth import KINDS, TYPE_RANGES, Extent
from sightline.preparing.executing.local import open_threads
from sightline.preparing.ranges import describe, find_ranges, given_ranges, join_extents, percentile_range, usual_range


class Files:
    """A container of files by name."""

    def __init__(self, files):
        self.files = files

    def read(self, name, limit):
        return self.files[name]


@pytest.mark.parametrize(
    ("kind", "least", "greatest", "expected"),
    [
        ("uint16", 3, 4090, (0, 4095)),
        ("uint16", 0, 255, (0, 255)),
        ("int32", 0, 300, (0, 511)),
        ("uint16", 0, 65535, (0, 65535)),
        ("uint16", 30000, 34000, (30000, 34000)),  # 6 % of 0..65535
        ("int16", -1024, 3071, (-1024, 3071)),
        ("uint16", 7, 7, (7, 8)),
        ("uint16", 0, 1, (0, 3)),
        ("float32", 0.0, 0.9, (0, 1)),
        ("float32", -0.8, 1.0, (-1, 1)),
        ("float32", 0.0, 0.01, (0.0, 0.01)),
        ("float32", 0.5, 200.0, (0, 255)),
        ("float32", -1024.0, 3000.0, (-1024.0, 3000.0)),
    ],
)
def test_a_usual_range_where_values_fill_it(kind, least, greatest, expected):
    assert usual_range(Extent(kind, least, greatest, least, greatest)) == expected


def test_extents_of_a_kind_are_put_together():
    found = join_extents(
        [
            Extent("uint16", 5, 100, 6, 90),
            Extent("float32", 0.0, 1.0, 0.1, 0.9),
            Extent("uint16", 7, 60000, 8, 80),
        ]
    )
    assert found["uint16"].images == 2
    assert found["uint16"].all == Extent("uint16", 5, 60000, 6, 90)
    assert percentile_range(found["uint16"].all) == (6, 90)
    assert found["float32"].images == 1


def test_what_the_parameter_states_needs_no_look():
    assert given_ranges("auto") is None
    assert given_ranges("percentile") is None
    assert given_ranges("type") == TYPE_RANGES
    assert given_ranges([-1000.0, 400.0]) == dict.fromkeys(KINDS, (-1000.0, 400.0))


@pytest.fixture
def threads():
    with open_threads() as executor:
        yield executor


def test_all_files_are_looked_at_and_outliers_told(encode, threads):
    dark = np.arange(10_000, dtype=np.uint16).reshape(100, 100) // 10
    spot = dark.copy()
    spot[0, 0] = 65535
    files = {"a": encode(dark), "b": encode((9, 9)), "c": b"no image", "d": encode(spot)}
    ranges, lines = find_ranges("auto", list(files), Files(files), 10_000, threads)
    assert ranges == {"uint16": (0, 65535)}
    assert lines == [
        "2 images of uint16 pixels from 0 to 65535: 0 becomes black, 65535 white (prepare.range); "
        "99 % of each image lie between 4 and 995: try prepare.range: percentile"
    ]
    ranges, lines = find_ranges("percentile", list(files), Files(files), 10_000, threads)
    assert ranges == {"uint16": (4, 995)}
    assert "percentile" not in lines[0]


def test_a_line_is_short_where_all_is_well():
    [found] = join_extents([Extent("float32", 0.0, 1.0, 0.1, 0.9)]).values()
    assert describe(found, (0, 1)) == (
        "1 images of float32 pixels from 0 to 1: 0 becomes black, 1 white (prepare.range)"
    )
