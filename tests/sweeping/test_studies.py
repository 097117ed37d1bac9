"""Models that are tuned before they run: which studies, and what experiments take from them."""

import pytest

from sightline.common.errors import SightlineError
from sightline.sweeping.file import LimitsSection, SweepFile
from sightline.sweeping.plan import plan_cells
from sightline.sweeping.studies import plan_studies, with_tuned

SPACE = "tuning/small.yaml"


class Named:
    """An identity that knows an experiment by its values, and has no images of cats."""

    def name(self, cell):
        if cell.data == "cats":
            raise SightlineError("no cats here")
        return f"{cell.data}-{cell.model}-{sorted(cell.values.items())}"


@pytest.fixture
def root(tmp_path):
    (tmp_path / "tuning").mkdir()
    (tmp_path / SPACE).write_text("space: {lr: {low: 0.1, high: 0.2}}")
    return tmp_path


def plan(root, trials=5, space=SPACE):
    models = {"cnn": {"model": "cnn", "tune": space}, "vit": {"model": "vit"}}
    sources = {"digits": {"prepare.source": "digits"}, "cats": {"prepare.source": "data/raw/cats"}}
    sweep = SweepFile(data=sources, models=models, seeds=[3, 4], jobs=1, tune=trials, limits=LimitsSection())
    cells = plan_cells(sweep)
    return cells, plan_studies(sweep, cells, Named(), root)


def test_a_model_with_a_space_is_tuned_once_for_each_data_set_that_is_there(root):
    _, (study,) = plan(root)
    assert (study.cell.data, study.cell.model, study.cell.seed, study.trials) == ("digits", "cnn", 3, 5)
    assert study.name.startswith("digits_cnn_") and "tune" not in study.cell.values
    assert plan(root, trials=0)[1] == []
    (root / SPACE).write_text("space: {lr: {low: 0.1, high: 0.3}}")
    assert plan(root)[1][0].name != study.name


def test_experiments_wait_for_their_study_and_take_what_it_found(root):
    cells, studies = plan(root)
    assert {cell.model for cell in with_tuned(cells, studies, root) if cell.data == "digits"} == {"vit"}
    studies[0].write({"lr": 0.15, "seed": 99}, root)
    tuned = [cell for cell in with_tuned(cells, studies, root) if (cell.data, cell.model) == ("digits", "cnn")]
    assert [(cell.seed, cell.values["seed"], cell.values["lr"]) for cell in tuned] == [(3, 3, 0.15), (4, 4, 0.15)]
    assert [len(with_tuned(*plan(root, trials), root)) for trials in (0, 4, 6)] == [8, 8, 6]  # 6 trials: one to come


def test_a_space_that_is_not_there_is_one_line(root):
    with pytest.raises(SightlineError, match=r"^sweep.yaml: models.cnn: tune: tuning/tiny.yaml: no such file$"):
        plan(root, space="tuning/tiny.yaml")
