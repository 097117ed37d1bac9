"""Numbers that a command line may hold, and what is said of others."""

from argparse import ArgumentTypeError

import pytest

from sightline.arguments.numbers import at_least_1, between_0_and_1


def test_numbers_in_range_are_taken():
    assert (at_least_1("1"), at_least_1("200"), between_0_and_1("0.05")) == (1, 200, 0.05)


@pytest.mark.parametrize("text", ["0", "-1", "1.5", "x", ""])
def test_what_is_no_count_is_told(text):
    with pytest.raises(ArgumentTypeError, match=r"^must be a whole number of 1 or more, not "):
        at_least_1(text)


@pytest.mark.parametrize("text", ["0", "1", "-0.1", "nan"])
def test_what_is_no_share_is_told(text):
    with pytest.raises(ArgumentTypeError, match=r"^must be between 0 and 1$"):
        between_0_and_1(text)
