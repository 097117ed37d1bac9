"""tune.yaml as it is shipped, the ready spaces, and bad values in one line."""

import pytest
from ruamel.yaml import YAML

from imports import ROOT
from sightline.common.errors import SightlineError
from sightline.tuning.settings import load_settings, read_space
from sightline.tuning.space import read_parameters
from sightline.tuning.today import read_today, refuse_idle, refuse_space

SPACES = sorted((ROOT / "tuning").glob("*.yaml"))


@pytest.fixture
def write(workspace):
    """Write the shipped tune.yaml with some keys changed, and its spaces."""
    (workspace / "tuning").mkdir()
    for path in SPACES:
        (workspace / "tuning" / path.name).write_text(path.read_text())

    def change(**changes):
        yaml = YAML()
        content = yaml.load(ROOT / "tune.yaml")
        content.update(changes)
        yaml.dump(content, workspace / "tune.yaml")

    return change


def test_the_shipped_file_is_good(write):
    write()
    assert set(load_settings().space) == set(read_space("tuning/small_cnn.yaml"))


@pytest.mark.parametrize("path", SPACES, ids=lambda path: path.stem)
def test_every_ready_space_fits_params_yaml(workspace, path):
    parameters = read_parameters(read_space(str(path)))
    refuse_idle(parameters, ["val/accuracy"])
    refuse_space(parameters, read_today())


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"objectives": ["test/accuracy"]}, "tune.yaml: objectives.0: must be 'val/accuracy', "),
        ({"objectives": ["val/acuracy"]}, "(got 'val/acuracy')"),
        ({"objectives": []}, "tune.yaml: objectives: "),
        ({"sampler": "bayes"}, "tune.yaml: sampler: must be 'tpe', 'gp', 'cmaes', 'random' or 'grid' (got 'bayes')"),
        ({"objectives": ["val/loss", "parameters"]}, "pruner: trials of several objectives cannot be pruned"),
        ({"objectives": ["macs"]}, "pruner: macs has no value for each epoch: set it to none"),
        ({"study": "a-b"}, "tune.yaml: study: "),
        ({"study": "a..b"}, "tune.yaml: study: "),
        ({"seeds": [1, 1]}, "tune.yaml: seeds: one stands twice"),
        ({"jobs": 0}, "tune.yaml: jobs: must be greater than or equal to 1 (got 0)"),
        ({"trails": 5}, "tune.yaml: trails: is not a known key: did you mean trials?"),
        ({"space": "tuning/cnn.yaml"}, "tune.yaml: space: tuning/cnn.yaml: no such file (there are tuning/hand"),
    ],
)
def test_a_bad_value_is_one_line(write, changes, line):
    write(**changes)
    with pytest.raises(SightlineError) as caught:
        load_settings()
    assert line in str(caught.value)
    assert "\n" not in str(caught.value)
