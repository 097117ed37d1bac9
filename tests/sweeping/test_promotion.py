"""The selected model gets GTO's tags, once; what cannot be promoted is said in one line."""

import pytest

from open_gates import set_gates
from sightline.common.errors import SightlineError
from sightline.sweeping import promotion
from sightline.sweeping.board.ranking import rank
from sightline.sweeping.file import Limits
from sightline.sweeping.promotion import promote, read_choice, refuse_missed
from sightline.sweeping.registering import choose, register
from sightline.sweeping.registry import Registry, Selection, write_files
from sweep_repo import add_experiment, git, make_repository
from sweep_results import result

UNCHOSEN = Selection(format=1, selected={})


@pytest.fixture
def root(tmp_path):
    make_repository(tmp_path)
    return tmp_path


def select(root, commit, limits=None):
    """Write a selection whose winner has a commit."""
    board = rank([result("cnn", 0.9)])
    registry = register(board, Registry(format=1, models={}), "a processor")
    models = registry.models["digits"]
    models["cnn"] = models["cnn"].model_copy(update={"commit": commit})
    write_files(registry, choose(board, registry, {"digits": limits or Limits()}, UNCHOSEN), root)


def tags(root):
    return {tag: git(root, "rev-parse", f"{tag}^{{commit}}") for tag in git(root, "tag").split()}


def test_versions_count_up_and_stages_move(root):
    first = add_experiment(root, "digits-cnn-s0-00000001", age=2)
    select(root, first)
    assert promote("digits", "production", read_choice("digits", root), root) == [
        "digits@v0.0.1",
        "digits#production#1",
    ]
    second = add_experiment(root, "digits-cnn-s0-00000002", age=1)
    select(root, second)
    promote("digits", "staging", read_choice("digits", root), root)
    promote("digits", "production", read_choice("digits", root), root)
    assert tags(root) == {
        "digits@v0.0.1": first,
        "digits#production#1": first,
        "digits@v0.0.2": second,
        "digits#staging#2": second,
        "digits#production#3": second,
    }


def test_what_cannot_be_promoted_is_one_line_and_leaves_no_tag(root):
    made = add_experiment(root, "digits-cnn-s0-00000001", age=2)
    for arguments, message in (
        (
            (made, Limits(min_accuracy=0.95)),
            r"no model of digits keeps to the limits .*\(cnn: validation accuracy 0.9000",
        ),
        (("0" * 40, None), "digits-cnn-s0-00000000: not in this repository: `dvc exp pull`"),
    ):
        select(root, *arguments)
        with pytest.raises(SightlineError, match=message):
            read_choice("digits", root)
    select(root, made)
    with pytest.raises(SightlineError, match="has no data set 'cats'; there are digits"):
        read_choice("cats", root)
    with pytest.raises(SightlineError, match=r"^digits: Invalid value 'no stage'"):
        promote("digits", "no stage", read_choice("digits", root), root)
    tagged = tags(root)
    promote("digits", "production", read_choice("digits", root), root)
    with pytest.raises(SightlineError, match=r"^digits: Version 'v0.0.1' is already in stage 'production'\.$"):
        promote("digits", "production", read_choice("digits", root), root)
    assert tagged == {}


def test_a_model_that_misses_a_gate_is_refused_with_both_numbers(root, monkeypatch):
    class Stored:
        def __init__(self, commit):
            self.name = commit

        def read_results(self, stage):
            return {"evaluate": {"test": {"accuracy": 0.75, "f1_macro": 0.5}}, "export": {}}[stage]

    monkeypatch.setattr(promotion, "Revision", Stored)
    select(root, add_experiment(root, "digits-cnn-s0-00000001", age=2))
    record = read_choice("digits", root)
    refuse_missed(record, set_gates(min_f1_macro=0.5))
    with pytest.raises(SightlineError, match=r"misses gates of params.yaml: min_f1_macro: test f1_macro 0.5, "):
        refuse_missed(record, set_gates(min_f1_macro=0.6))
