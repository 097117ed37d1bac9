"""What annotators say of an image, and the class that they agree on."""

from collections import Counter
from dataclasses import dataclass, field
from typing import NamedTuple

NO_SUBSET = "default"  # how CVAT calls the subset of images that are in none, and their folder


class Vote(NamedTuple):
    """What one annotator chose: several labels where the tool lets choose more than one.

    `annotator` is ``""`` where nobody is named, `moment` an ISO date; a `final` vote stands above all that are not.
    """

    labels: tuple[str, ...]
    annotator: str = ""
    moment: str = ""
    final: bool = False


@dataclass
class TaggedImage:
    """One image of an export: its name and subset as the tool wrote them, and what is said of it or why nothing is."""

    name: str
    votes: list[Vote] = field(default_factory=list)
    cells: dict[str, object] = field(default_factory=dict)
    subset: str = ""
    reason: str = "not annotated"


@dataclass
class Annotations:
    """What an export holds; `label` is what prepare.label may call that which tells the class."""

    tool: str
    label: str
    images: list[TaggedImage]
    notes: list[str] = field(default_factory=list)


class Verdict(NamedTuple):
    """The class of an image, which a `share` (0..1) of its `annotators` chose; ``""`` and the reason where none is.

    `tied` tells that annotators disagree, not that one of them chose several classes.
    """

    label: str
    share: float
    annotators: int
    reason: str = ""
    tied: bool = False


def decide(votes: list[Vote]) -> Verdict:
    """Return the class that most annotators chose.

    Each annotator has one vote, the latest. Where two choices are as frequent, or the most frequent one is of several
    classes, there is no class.

    Parameters
    ----------
    votes : list of Vote
        At least one.
    """
    heard = _latest(votes)
    everyone = Counter(vote.labels for vote in heard)
    counted = Counter(vote.labels for vote in heard if vote.final) or everyone
    most = max(counted.values())
    first, *others = sorted(labels for labels, count in counted.items() if count == most)
    share = everyone[first] / len(heard)
    if others:
        said = ", ".join(f"{' + '.join(labels)} {count}" for labels, count in sorted(counted.items()))
        return Verdict("", share, len(heard), f"annotators disagree: {said}", tied=True)
    if len(first) > 1:
        return Verdict("", share, len(heard), f"several classes: {', '.join(first)}")
    return Verdict(first[0], share, len(heard))


def merge(images: list[TaggedImage]) -> list[TaggedImage]:
    """Put together what is said of one image in several places, in the order in which it is first named."""
    merged: dict[tuple[str, str], TaggedImage] = {}
    for image in images:
        known = merged.setdefault((image.name, image.subset), image)
        if known is not image:
            known.votes += image.votes
            known.cells = {**image.cells, **known.cells}
    return list(merged.values())


def _latest(votes: list[Vote]) -> list[Vote]:
    latest: dict[object, Vote] = {}
    for place, vote in enumerate(votes):
        who = vote.annotator or place
        if who not in latest or vote.moment >= latest[who].moment:
            latest[who] = vote
    return list(latest.values())
