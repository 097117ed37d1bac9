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


@pytest.mark.parametrize("name", list(find_lists(YAML(typ="safe").load(ROOT / "params.yaml"))))
def test_a_list_can_be_filled_and_emptied(name, tmp_path):
    path = tmp_path / "params.yaml"
    path.write_text((ROOT / "params.yaml").read_text())
    for text, values in (("[a,b]", ["a", "b"]), ("[]", []), ("[a]", ["a"])):
        apply_overrides(path, [f"{name}={text}"])
        assert value_of(YAML(typ="safe").load(path), name) == values


@pytest.mark.parametrize("override", ["lr=1e-4", "evaluate.top_k=[]", "augment.crop_scale=[0.5,1.0]"])
def test_an_override_keeps_every_comment(override, tmp_path):
    path = tmp_path / "params.yaml"
    path.write_text((ROOT / "params.yaml").read_text())
    before = comments(path)
    apply_overrides(path, [override])
    assert comments(path) == before


def comments(path):
    """Return the comments of a file in which no value holds a number sign."""
    return [line.partition("#")[2].strip() for line in path.read_text().splitlines() if "#" in line]
