"""Which outcomes count, in which order, and how the arms are compared."""

import pytest

from sightline.common.errors import SightlineError
from sightline.monitoring.arms.outcomes import (
    Outcome,
    add_new,
    choose_block,
    collect,
    differences,
    read_outcomes,
    write_outcomes,
)
from sightline.monitoring.lines import Seen


def seen(time, image, predicted, arm="", unit="", request=None):
    return Seen(f"t{time}", request or f"r{time}", image, predicted, 0.9, {}, None, arm, unit)


def labels(**images):
    return {"image": images, "request": {}}


def test_a_shadow_makes_pairs_and_its_lines_alone_count_for_nothing():
    current = [seen(1, "a", "ant"), seen(2, "b", "ant"), seen(3, "c", "ant"), seen(5, "x", "ant", request="r9")]
    candidate = [seen(1, "a", "bee", "shadow"), seen(2, "b", "ant", "shadow"), seen(4, "d", "ant", "shadow")]
    found = collect(current, candidate, labels(a="ant", b="bee", c="ant", d="ant"))
    assert found == [Outcome("a", 1, 0), Outcome("b", 0, 0)]


def test_arms_count_each_image_once_and_nothing_outside_of_the_rollout():
    current = [seen(1, "a", "ant", "current"), seen(3, "a", "ant", "current"), seen(4, "e", "ant", "resting")]
    current += [seen(5, "f", "ant", "unkeyed"), seen(6, "g", "ant")]
    candidate = [seen(2, "b", "bee", "candidate")]
    found = collect(current, candidate, labels(a="ant", b="ant", e="ant", f="ant", g="ant"))
    assert found == [Outcome("a", 1, -1), Outcome("b", -1, 0)]


def test_a_key_counts_once_by_its_first_label():
    current = [seen(1, "a", "ant", "current", "u1"), seen(2, "b", "bee", "current", "u1")]
    current += [seen(3, "c", "ant", "current", "u2")]
    assert collect(current, [], labels(b="ant", c="ant")) == [Outcome("u1", 0, -1), Outcome("u2", 1, -1)]


def test_a_request_labels_its_image_in_both_arms_but_never_several():
    current = [seen(1, "a", "ant"), seen(2, "b", "ant", request="r2"), seen(2, "c", "ant", request="r2")]
    candidate = [seen(1, "a", "bee", "shadow")]
    candidate += [seen(2, name, "ant", "shadow", request="r2") for name in "bc"]
    found = collect(current, candidate, {"image": {}, "request": {"r1": "bee", "r2": "ant"}})
    assert found == [Outcome("a", 0, 1)]


def test_what_was_counted_stays_in_its_order(tmp_path):
    known = [Outcome("b", 1, -1), Outcome("a", -1, 0)]
    assert add_new(known, [Outcome("c", 1, -1), Outcome("a", -1, 1)]) == [*known, Outcome("c", 1, -1)]
    write_outcomes(tmp_path / "outcomes.csv", known)
    assert read_outcomes(tmp_path / "outcomes.csv") == known
    assert read_outcomes(tmp_path / "none.csv") == []
    (tmp_path / "outcomes.csv").write_text("key,current,candidate\na,2,0\n")
    with pytest.raises(SightlineError, match="not what `make ab` writes"):
        read_outcomes(tmp_path / "outcomes.csv")


def test_blocks_are_as_large_as_the_shares():
    current = [Outcome(str(row), 1, -1) for row in range(90)]
    candidate = [Outcome(f"c{row}", -1, 0) for row in range(10)]
    assert choose_block(current + candidate) == (9, 1)
    assert choose_block(current[:8] + candidate) == (1, 1)
    assert choose_block(current) == (1, 1)
    assert choose_block(current + candidate[:1]) == (20, 1)


def test_differences_by_hand():
    pairs = [Outcome("p", 1, 0), Outcome("q", 0, 1), Outcome("r", 1, 1)]
    current = [Outcome(str(row), right, -1) for row, right in enumerate((1, 0, 1, 1, 0))]
    candidate = [Outcome(f"c{row}", -1, right) for row, right in enumerate((1, 0, 1))]
    assert differences([*current, *pairs, *candidate], (2, 1)).tolist() == [-1, 1, 0, 0.5, -1]
    assert differences([*current, *candidate], (1, 1)).tolist() == [0, 0, 0]
