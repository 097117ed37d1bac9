"""What a data set must satisfy before anything is trained on it; each refusal is one line."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from sightline.common.errors import SightlineError
from sightline.images.sources.names import MISSING

QUARANTINE = Path("data/prepared/quarantine.csv")
NAMED = 5  # classes that a message names
WHOLE_NUMBER = re.compile(r"[+-]?\d+\.0*")  # as programs write one that they take for a fraction


def refuse_classes(classes: list[str], source: str) -> None:
    """Raise SightlineError for no class, a single one, one that means a missing label, or two that look alike.

    Parameters
    ----------
    classes : list of str
        Different names, in order.
    """
    if not classes:
        raise SightlineError(
            f"prepare.source: {source}: no labelled image found: expected <class>/image or train|val|test/<class>/image"
        )
    if len(classes) == 1:
        raise SightlineError(f"prepare.source: {source}: only one class ({classes[0]!r}): a classifier needs two")
    missing = [name for name in classes if name.lower() in MISSING]
    if missing:
        raise SightlineError(f"prepare.source: {source}: {missing[0]!r} stands for a missing label and is no class")
    alike = describe_alike(classes)
    if alike:
        raise SightlineError(f"prepare.source: {source}: {alike}: give them one name")


def describe_alike(classes: Iterable[str]) -> str:
    """Return what is to be said of the first two names that a reader takes for one, ``""`` where there are none."""
    seen: dict[str, str] = {}
    for name in classes:
        other = seen.setdefault(appearance(name), name)
        if other != name:
            return f"the classes {other!r} and {name!r} {_difference(other, name)}"
    return ""


def appearance(name: str) -> str:
    """Return what names share that a reader takes for one: the same letters, or the same whole number."""
    visible = "".join(letter for letter in name if unicodedata.category(letter) != "Cf")
    folded = " ".join(unicodedata.normalize("NFKC", visible).casefold().split())
    return folded.rstrip("0").removesuffix(".") if WHOLE_NUMBER.fullmatch(folded) else folded


def _difference(one: str, other: str) -> str:
    if one.lower() == other.lower():
        return "differ only in case"
    return "are the same number" if WHOLE_NUMBER.fullmatch(one) or WHOLE_NUMBER.fullmatch(other) else "look alike"


def refuse_small_classes(classes: list[str], counts: list[int], source: str) -> None:
    """Raise SightlineError when a class has fewer than two usable images, too few for two subsets."""
    small = [f"{name!r} ({count})" for name, count in zip(classes, counts, strict=True) if count < 2]
    if small:
        raise SightlineError(
            f"prepare.source: {source}: classes with fewer than 2 usable images: {', '.join(small[:NAMED])}"
            f"{', ...' if len(small) > NAMED else ''}: add images or remove the class"
        )


def refuse_bad_fraction(bad: list[tuple[str, str]], total: int, limit: float) -> None:
    """Raise SightlineError when more than `limit` of `total` files could not be used.

    Parameters
    ----------
    bad : list of (str, str)
        Path and reason.
    """
    if bad and len(bad) > limit * total:
        path, reason = bad[0]
        raise SightlineError(
            f"prepare.max_bad_fraction: {len(bad)} of {total} files cannot be used, more than {limit:g}: "
            f"first {path} ({reason}); all are in {QUARANTINE}: take them out, or allow more"
        )


def count_reasons(reasons: Iterable[str]) -> dict[str, int]:
    """Count quarantined files by the kind of reason, which stands before its first colon."""
    return dict(Counter(reason.partition(":")[0] for reason in reasons))
