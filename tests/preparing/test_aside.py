from collections import Counter

from sightline.images.sources.listing import Listing
from sightline.preparing.aside import count_offered, describe_aside


def test_side_files_are_told_by_kind_the_most_frequent_first():
    kinds = {".a": 1, ".b": 2000, ".c": 3, ".d": 3, ".e": 2, ".f": 1, ".g": 1}
    assert describe_aside(Listing(side_files=Counter(kinds))) == [
        "left aside as no images: 2,000 .b, 3 .c, 3 .d, 2 .e, 1 .a, 2 others"
    ]
    assert describe_aside(Listing()) == []


def test_what_was_not_meant_to_be_used_is_told_by_reason_and_not_counted_as_offered():
    listing = Listing(paths=["1", "2"], unlabelled=["3"], refused=[("4", "x")], aside=[("5", "y: z"), ("6", "y: z")])
    assert describe_aside(listing) == ["left aside and listed in data/prepared/quarantine.csv: 2 y: z"]
    assert count_offered(listing) == 4


def test_reasons_that_differ_behind_a_colon_are_counted_together():
    aside = [("1", "annotators disagree: a 1, b 1"), ("2", "annotators disagree: a 2, b 2"), ("3", "no label")]
    assert describe_aside(Listing(aside=aside)) == [
        "left aside and listed in data/prepared/quarantine.csv: 2 annotators disagree",
        "left aside and listed in data/prepared/quarantine.csv: 1 no label",
    ]
