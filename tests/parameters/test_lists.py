"""`dvc exp run -S` can fill and empty every list: it rewrites params.yaml, which must stay YAML."""

import pytest
from dvc.utils.hydra import apply_overrides
from ruamel.yaml import YAML

from imports import ROOT


def find_lists(content, prefix=""):
    for key, value in content.items():
        if isinstance(value, dict):
            yield from find_lists(value, f"{prefix}{key}.")
        elif isinstance(value, list):
            yield f"{prefix}{key}"


def value_of(content, name):
    for key in name.split("."):
        content = content[key]
    return content


@pytest.mark.parametrize("name", find_lists(YAML(typ="safe").load(ROOT / "params.yaml")))
def test_a_list_can_be_filled_and_emptied(name, tmp_path):
    path = tmp_path / "params.yaml"
    path.write_text((ROOT / "params.yaml").read_text())
    for text, values in (("[a,b]", ["a", "b"]), ("[]", []), ("[a]", ["a"])):
        apply_overrides(path, [f"{name}={text}"])
        assert value_of(YAML(typ="safe").load(path), name) == values
