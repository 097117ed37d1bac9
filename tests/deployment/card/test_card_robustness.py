from sightline.deployment.card.robustness import describe_robustness, describe_unmeasured

MEASURED = {
    "attacks": {"images": 500, "unchanged": 0.9, "epsilon": 4.0, "fgsm": 0.5, "pgd": 0.25},
    "corruptions": {"images": 1500, "unchanged": 0.9, "blur": 0.75, "mean": 0.75},
    "ood": {"images": 40, "confidence_auroc": 0.875, "confidence_fpr95": 0.5},
}


def test_what_was_measured_is_told():
    attacked, corrupted, outside = describe_robustness(MEASURED)
    assert attacked == (
        "- Attacked: of 500 test images 0.9000 are decided rightly, and with each value changed by up to 4 of 255 to "
        "mislead it, fgsm 0.5000, pgd 0.2500."
    )
    assert corrupted == (
        "- Corrupted: of 1,500 test images 0.9000 are decided rightly, and over five severities blur 0.7500, mean "
        "0.7500."
    )
    assert outside.startswith("- 40 images that show none of its classes")
    assert outside.endswith("confidence 0.8750.")
    assert describe_unmeasured(MEASURED) == "- Not measured here: corruptions other than those, and drift."


def test_what_was_not_measured_is_told_too():
    assert describe_robustness({}) == []
    assert describe_unmeasured({}) == (
        "- Not measured here: deliberate attacks, corrupted images, images that show none of its classes, and drift."
    )
