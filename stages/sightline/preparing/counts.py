"""What became of the images, labelled and not, in numbers and lines."""

from typing import Any

from sightline.preparing.checks import count_reasons
from sightline.preparing.pool import EQUAL, REPEATED, Pooled


def summarize_images(counts: list[int], bad: list[tuple[str, str]], conflicts: int) -> dict[str, Any]:
    """Return the counts of labelled images for metrics/prepare.json."""
    return {
        "images": sum(counts),
        "classes": len(counts),
        "smallest_class": min(counts),
        "largest_class": max(counts),
        "quarantined": len(bad),
        "quarantined_by_reason": count_reasons(reason for _, reason in bad),
        "label_conflicts": conflicts,
    }


def summarize_pool(pooled: Pooled) -> dict[str, Any]:
    """Return the counts of the pool for metrics/prepare.json."""
    reasons = count_reasons(reason for _, reason in pooled.known)
    return {
        "images": len(pooled.images),
        "equal_to_labelled": reasons.get(EQUAL, 0),
        "repeated": reasons.get(REPEATED, 0),
        "near_labelled": pooled.near_labelled,
        "quarantined": len(pooled.bad),
        "quarantined_by_reason": count_reasons(reason for _, reason in pooled.bad),
    }


def describe_pool(pooled: Pooled, rows: int) -> list[str]:
    """Return lines on what the pool holds; `rows` of it are those of a labelled table that have no label."""
    counts = summarize_pool(pooled)
    lines = [f"pool: {rows:,} rows of the table have no label and are part of it"] if rows else []
    lines.append(
        f"pool: {counts['images']:,} images without a label, {counts['near_labelled']:,} of them near duplicates of "
        f"labelled ones; left out: {counts['equal_to_labelled']:,} equal to labelled ones, "
        f"{counts['repeated']:,} repeated, {counts['quarantined']:,} unusable (data/pool/quarantine.csv)"
    )
    if pooled.bad:
        path, reason = pooled.bad[0]
        lines.append(f"pool: the first that cannot be used: {path} ({reason})")
    if not counts["images"]:
        lines.append("pool: nothing is left: each image has a label already, or cannot be used")
    return lines
