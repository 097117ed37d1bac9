from typing import Literal

import pytest
from pydantic import Field

from sightline.common.errors import SightlineError
from sightline.common.params import StageParams, StrictModel, check_params, load_params


class Section(StrictModel):
    size: int = Field(gt=0)


class Params(StageParams):
    lr: float = Field(gt=0)
    loss: Literal["focal", "cross_entropy"]
    prepare: Section


GOOD = "lr: 1e-4\nloss: focal\nprepare:\n  size: 3\nother_stage: 1\n"


def load(tmp_path, text):
    path = tmp_path / "params.yaml"
    path.write_text(text)
    return load_params(Params, str(path))


def test_hand_written_exponents_are_numbers(tmp_path):
    params = load(tmp_path, GOOD)
    assert (params.lr, params.loss, params.prepare.size) == (0.0001, "focal", 3)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("lr: 1e-4", "lr: -1", "lr: must be greater than 0 (got -1)"),
        ("lr: 1e-4", "lr: fast", "lr: must be a valid number (got 'fast')"),
        ("lr: 1e-4", "", "lr: is missing"),
        ("loss: focal", "loss: hinge", "loss: must be 'focal' or 'cross_entropy' (got 'hinge')"),
        ("size: 3", "size: 3.5", "prepare.size: must be a valid integer (got 3.5)"),
        ("size: 3", "size: 3\n  sise: 4", "prepare.sise: is not a known key: did you mean prepare.size?"),
        ("size: 3", "size: true", "prepare.size: must be a valid integer (got True)"),
    ],
)
def test_a_bad_value_is_one_line(tmp_path, old, new, message):
    with pytest.raises(SightlineError) as caught:
        load(tmp_path, GOOD.replace(old, new))
    assert str(caught.value) == f"{tmp_path}/params.yaml: {message}"


@pytest.mark.parametrize("text", ["lr: [1", "lr: 1\nlr: 2\n", "- 1\n"])
def test_broken_yaml_is_one_line(tmp_path, text):
    with pytest.raises(SightlineError) as caught:
        load(tmp_path, text)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("lrr: 1", "lrr: is not a known key: did you mean lr?"),
        ("size: 3", "size: is not a known key: did you mean prepare.size?"),  # of the same name elsewhere
        ("sizes: 3", "sizes: is not a known key: did you mean prepare.size?"),
        ("zzz: 3", "zzz: is not a known key"),
    ],
)
def test_an_unknown_key_of_the_whole_file_names_its_nearest_neighbour(tmp_path, key, message):
    (tmp_path / "params.yaml").write_text(GOOD.replace("other_stage: 1", key))
    with pytest.raises(SightlineError) as caught:
        check_params(Params, str(tmp_path / "params.yaml"))
    assert str(caught.value) == f"{tmp_path}/params.yaml: {message}"


def test_a_missing_file_names_the_root(tmp_path):
    with pytest.raises(SightlineError, match="repository's root"):
        load_params(Params, str(tmp_path / "params.yaml"))
