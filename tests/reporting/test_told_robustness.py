"""What was measured of attacks, corruptions and earlier classes stands in the report, changed or not."""

from types import SimpleNamespace

from sightline.reporting.changes import add_forgetting, add_robustness


def told(add, *sides):
    lines = []
    add(SimpleNamespace(say=lambda *said: lines.extend(said)), *sides)
    return "\n".join(lines)


def side(evaluate, train=None):
    return SimpleNamespace(read_metrics=lambda stage: evaluate, read_results=lambda stage: train or {})


def test_each_measure_has_a_row_even_where_it_did_not_change():
    before = side({"attacks.images": 5, "attacks.pgd": 0.5, "corruptions.mean": 0.75, "test.accuracy": 1.0})
    after = side({"attacks.images": 5, "attacks.pgd": 0.75, "corruptions.mean": 0.75, "ood.confidence_auroc": 0.9})
    page = told(add_robustness, before, after)
    assert "| attacks.pgd | 0.5000 | 0.7500 | +0.2500 |" in page
    assert "| corruptions.mean | 0.7500 | 0.7500 |" in page
    assert "| ood.confidence_auroc | - | 0.9000 | - |" in page
    assert "accuracy |" not in page and "images |" not in page
    assert told(add_robustness, side({"test.accuracy": 1.0}), side({})) == ""


def test_what_was_forgotten_is_a_line():
    found = {"classes": 5, "images": 1250, "before": 0.75, "after": 0.5, "forgetting": 0.25}
    assert told(add_forgetting, side({}, {"forgetting": found})) == (
        "The 5 classes that the earlier model knew: accuracy on 1,250 validation images 0.7500 before and 0.5000 after."
    )
    assert told(add_forgetting, side({})) == ""
