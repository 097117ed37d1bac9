"""The part of the model card about images unlike those of the test set: what was measured of them, and what was not."""


def describe_robustness(evaluation: dict) -> list[str]:
    """Return a line on each of attacks, corruptions and other images that metrics/evaluate.json has."""
    lines = []
    attacks = evaluation.get("attacks", {})
    if attacks:
        lines.append(
            f"- Attacked: of {attacks['images']:,} test images {attacks['unchanged']:.4f} are decided rightly, and "
            f"with each value changed by up to {attacks['epsilon']:g} of 255 to mislead it, {_list(attacks)}."
        )
    corruptions = evaluation.get("corruptions", {})
    if corruptions:
        lines.append(
            f"- Corrupted: of {corruptions['images']:,} test images {corruptions['unchanged']:.4f} are decided "
            f"rightly, and over five severities {_list(corruptions)}."
        )
    outside = {name: value for name, value in evaluation.get("ood", {}).items() if name.endswith("_auroc")}
    if outside:
        areas = ", ".join(f"{name.removesuffix('_auroc')} {value:.4f}" for name, value in outside.items())
        lines.append(
            f"- {evaluation['ood']['images']:,} images that show none of its classes are told apart from test images "
            f"with an area under the curve of: {areas}."
        )
    return lines


def describe_unmeasured(evaluation: dict) -> str:
    """Return a line on what nothing is known of."""
    missing = [] if evaluation.get("attacks") else ["deliberate attacks"]
    missing.append("corruptions other than those" if evaluation.get("corruptions") else "corrupted images")
    missing += [] if evaluation.get("ood") else ["images that show none of its classes"]
    return f"- Not measured here: {', '.join(missing)}, and drift."


def _list(measured: dict) -> str:
    named = (name for name in measured if name not in {"images", "unchanged", "epsilon"})
    return ", ".join(f"{name} {measured[name]:.4f}" for name in named)
