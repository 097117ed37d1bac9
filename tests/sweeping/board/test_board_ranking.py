"""The order of models, the front, the selection under limits: by validation alone."""

import pytest

from sightline.sweeping.board.ranking import front, misses, rank, select
from sightline.sweeping.file import Limits, LimitsSection
from sweep_results import result


def names(entries):
    return [entry.model for entry in entries]


def test_validation_decides_and_test_does_not():
    board = rank([result("cnn", 0.8, test=0.99), result("vit", 0.9, test=0.1), result("svm", 0.85, test=0.98)])
    assert names(board["digits"]) == ["vit", "svm", "cnn"]
    assert [entry.rank for entry in board["digits"]] == [1, 2, 3]


def test_of_equal_models_the_smaller_file_leads():
    board = rank([result("big", 0.9, size=2000), result("small", 0.9, size=1000)])
    assert names(board["digits"]) == ["small", "big"]


def test_seeds_are_averaged_for_the_order_and_the_best_one_is_registered():
    steady = [result("steady", 0.85, test=0.6, seed=seed) for seed in (0, 1)]
    lucky = [result("lucky", 0.95, test=0.8, seed=0), result("lucky", 0.65, test=0.9, seed=1)]
    first, second = rank([*lucky, *steady])["digits"]
    assert (first.model, second.model) == ("steady", "lucky")
    assert second.val.accuracy == pytest.approx(0.8)
    assert second.test.accuracy == pytest.approx(0.85)
    assert second.best.cell.seed == 0
    assert first.best.cell.seed == 0  # of equal seeds the lowest


def test_each_data_set_has_an_order_of_its_own():
    board = rank(
        [result("cnn", 0.8), result("vit", 0.7), result("cnn", 0.5, data="cats"), result("vit", 0.6, data="cats")]
    )
    assert {data: names(entries) for data, entries in board.items()} == {
        "digits": ["cnn", "vit"],
        "cats": ["vit", "cnn"],
    }


def test_the_front_holds_what_none_beats_in_both():
    entries = rank(
        [
            result("fast", 0.7, latency=1.0),
            result("slow_and_worse", 0.6, latency=2.0),
            result("middle", 0.8, latency=3.0),
            result("as_good_but_slower", 0.8, latency=4.0),
            result("best", 0.9, latency=9.0),
            result("unknown", 0.99, latency=None),
        ]
    )["digits"]
    assert names(front(entries)) == ["fast", "middle", "best"]


@pytest.mark.parametrize(
    ("limits", "winner"),
    [
        ({}, "best"),
        ({"max_file_mb": 5.0}, "best"),  # 5,000,000 bytes are 5 MB
        ({"max_file_mb": 4.9}, "fast"),
        ({"max_latency_ms": 2.0}, "fast"),
        ({"max_latency_ms": 9.0, "min_accuracy": 0.9}, "best"),
        ({"max_latency_ms": 2.0, "min_accuracy": 0.75}, None),
    ],
)
def test_the_first_that_keeps_to_all_limits_is_selected(limits, winner):
    entries = rank(
        [
            result("best", 0.9, test=0.2, size=5_000_000, latency=9.0),
            result("middle", 0.8, size=6_000_000, latency=None),
            result("fast", 0.7, size=1_000_000, latency=1.0),
        ]
    )["digits"]
    chosen = select(entries, Limits(**limits))
    assert (chosen and chosen.model) == winner


def test_every_missed_limit_is_told_with_both_numbers():
    (entry,) = rank([result("cnn", 0.7, test=1.0, size=2_340_000, latency=8.0)])["digits"]
    assert misses(entry, Limits(max_file_mb=2.0, max_latency_ms=5.0, min_accuracy=0.75)) == [
        "file 2.34 MB, at most 2",
        "latency 8.00 ms, at most 5",
        "validation accuracy 0.7000, at least 0.75",
    ]
    (unknown,) = rank([result("cnn", 0.7, latency=None)])["digits"]
    assert misses(unknown, Limits(max_latency_ms=5.0)) == ["latency not known: DVC's cache lacks the file"]


def test_a_data_set_overrides_single_limits():
    section = LimitsSection(max_file_mb=5.0, min_accuracy=0.9, on={"cats": Limits(min_accuracy=0.5)})
    assert section.of("cats") == Limits(max_file_mb=5.0, min_accuracy=0.5)
    assert section.of("digits") == Limits(max_file_mb=5.0, min_accuracy=0.9)
