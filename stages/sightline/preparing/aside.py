"""What a source holds besides the images that are used, told once."""

from collections import Counter
from collections.abc import Iterable

from sightline.images.sources.listing import Listing

NAMED = 5  # kinds of side files that a line names


def count_offered(listing: Listing) -> int:
    """Return how many files were meant to be images with labels: the whole of which some cannot be used."""
    return len(listing.paths) + len(listing.unlabelled) + len(listing.refused)


def describe_aside(listing: Listing) -> list[str]:
    """Return lines on files beside the images and on what was not meant to be used, the most frequent first."""
    lines = []
    if listing.side_files:
        kinds = sorted(listing.side_files.items(), key=lambda item: (-item[1], item[0]))
        named = [f"{count:,} {kind}" for kind, count in kinds[:NAMED]]
        rest = sum(count for _, count in kinds[NAMED:])
        lines.append(f"left aside as no images: {', '.join([*named, f'{rest:,} others'] if rest else named)}")
    for reason, count in _count_kinds(reason for _, reason in listing.aside).most_common():
        lines.append(f"left aside and listed in data/prepared/quarantine.csv: {count:,} {reason}")
    return lines


def _count_kinds(reasons: Iterable[str]) -> Counter[str]:
    """Count reasons that are equal, and those that differ behind their first colon alone as what stands before it."""
    counts = Counter(reasons)
    alike = Counter(reason.partition(":")[0] for reason in counts)
    kinds = Counter()
    for reason, count in counts.items():
        kind = reason.partition(":")[0]
        kinds[reason if alike[kind] == 1 else kind] += count
    return kinds


def describe_filled(paths: list[str]) -> list[str]:
    """Return a line on images whose files are damaged or lack their end and were used all the same, or nothing."""
    if not paths:
        return []
    more = ", ..." if len(paths) > NAMED else ""
    return [f"{len(paths):,} files are damaged or lack their end, and were filled: {', '.join(paths[:NAMED])}{more}"]
