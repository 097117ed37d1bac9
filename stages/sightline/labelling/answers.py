"""What people answered: the finished export of a label tool, held against the batches that were asked for."""

from pathlib import Path
from typing import NamedTuple

from sightline.common.errors import SightlineError, name_some
from sightline.images.sources.label_tools.matching import Files
from sightline.images.sources.label_tools.recognise import PARSERS, Export, recognise
from sightline.images.sources.label_tools.votes import Annotations, TaggedImage, Vote, decide, merge
from sightline.images.sources.names import MISSING, tidy
from sightline.images.sources.naming import PLAIN
from sightline.labelling.label_studio import MODEL


class Answer(NamedTuple):
    """The class of one image: its file's name in the batch, who said so, and the share (0..1) of them that did."""

    file: str
    label: str
    annotators: str
    moment: str
    agreement: float


class Answers(NamedTuple):
    """Answers, (file, reason) of the images without one, and how many images of the export are in no batch."""

    given: list[Answer]
    missing: list[tuple[str, str]]
    strangers: int


def read_answers(path: Path, files: list[str]) -> Answers:
    """Read an export of any label tool that `prepare.source` takes: JSON, XML or CSV.

    Parameters
    ----------
    files : list of str
        The names of all files that were asked for; an image of the export is one of them by the end of its address.

    Raises
    ------
    SightlineError
        It is no export, none of its images was asked for, or nobody answered anything.
    """
    annotations = _read(path)
    known = Files(files)
    images = merge(annotations.images)
    found = [(image, known.find(image.name)) for image in images if image.name]
    asked = [(image, matches[0]) for image, matches in found if len(matches) == 1]
    if not asked:
        raise SightlineError(
            f"{path}: none of its {len(images)} images is in a batch here: is it the export of another project?"
        )
    given, missing = [], []
    for image, file in asked:
        answer = _decide(image, file)
        if isinstance(answer, Answer):
            given.append(answer)
        else:
            missing.append((file, answer))
    if not given:
        raise SightlineError(f"{path}: nobody has labelled any of its {len(asked)} images: export it when they have")
    return Answers(given, missing, len(images) - len(asked))


def _read(path: Path) -> Annotations:
    if not path.is_file():
        raise SightlineError(f"{path}: not found: name the file that the label tool exported")
    suffixes = tuple(PARSERS)
    recognised = recognise(str(path), path.read_bytes()) if path.suffix.lower() in suffixes else None
    if recognised is None:
        raise SightlineError(
            f"{path}: no export that is known: JSON, JSON-MIN or CSV of Label Studio, XML of CVAT for images, or COCO"
        )
    return Export(path.name, str(path), *recognised).read(PLAIN)


def _decide(image: TaggedImage, file: str) -> Answer | str:
    """Return the answer of the people who saw an image, or why there is none."""
    votes = [vote for vote in image.votes if vote.annotator != MODEL]
    if not votes:
        return image.reason
    verdict = decide(votes)
    if not verdict.label:
        return verdict.reason
    label = tidy(verdict.label)
    if label.lower() in MISSING:
        return f"{label!r} stands for a missing value"
    return Answer(file, label, _names(votes), max(vote.moment for vote in votes), verdict.share)


def _names(votes: list[Vote]) -> str:
    return ";".join(sorted({vote.annotator for vote in votes if vote.annotator}))


def describe_missing(missing: list[tuple[str, str]]) -> str:
    """Return a line on images without an answer, by reason."""
    reasons = [reason.partition(":")[0] for _, reason in missing]
    counted = ", ".join(f"{reasons.count(reason)} {reason}" for reason in dict.fromkeys(reasons))
    return f"{len(missing)} images keep what they had, no label or an earlier one: {counted}"


def describe_classes(answers: list[Answer], classes: list[str]) -> str:
    """Return a line on classes that the model does not know, ``""`` where there is none."""
    labels = [answer.label for answer in answers]
    new = [label for label in dict.fromkeys(labels) if label not in classes]
    if not new:
        return ""
    counts = [f"{label} ({labels.count(label)} images, prepare wants 2 at least)" for label in new]
    return f"new classes, which the next training learns: {name_some(counts)}; mend misspelt ones in the label tool"
