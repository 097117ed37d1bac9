"""The command line of an experiment: what `dvc` makes of a value is that value."""

from pathlib import Path

import pytest
from dvc.utils.hydra import apply_overrides
from ruamel.yaml import YAML

from sightline.experiments.order import Order, spell

TEXTS = ["adamw", "1", "null", "", "a, [b]: {c}", "it's \\ back", "end\\", "x\\'y"]
OTHERS = [None, True, False, 3, 1e-05, 0.003, [1, 2], ["a", "b"], [], {"a": 1, "b": "c"}]


@pytest.mark.parametrize("value", [*TEXTS, *OTHERS])
def test_dvc_reads_the_value_that_was_spelt(value, tmp_path):
    path = tmp_path / "params.yaml"
    path.write_text("section:\n  key: 0\n")
    apply_overrides(path, [f"section.key={spell(value)}"])
    read = YAML(typ="safe", pure=True).load(path)["section"]["key"]
    assert read == value
    assert type(read) is type(value)


def test_the_command_names_the_experiment_its_values_and_the_stage():
    order = Order("study-3", {"lr": 1e-05, "augment.rotation": 10}, "train", Path("log"))
    assert " ".join(order.command()) == (
        "dvc --wait-for-lock exp run --temp --name study-3 -S lr=1e-05 -S augment.rotation=10 train"
    )
