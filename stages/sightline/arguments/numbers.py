"""Numbers on command lines, as types of argparse: of what is out of range a line says why it is refused."""

from argparse import ArgumentTypeError


def at_least_1(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise ArgumentTypeError(f"must be a whole number of 1 or more, not {text!r}")
    return int(text)


def between_0_and_1(text: str) -> float:
    if not 0 < float(text) < 1:
        raise ArgumentTypeError("must be between 0 and 1")
    return float(text)
