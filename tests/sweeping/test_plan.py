"""sweep.yaml: what it asks for, and what is wrong with it."""

import pytest
from ruamel.yaml import YAML

from imports import ROOT
from sightline.common.errors import SightlineError
from sightline.sweeping.file import read_sweep
from sightline.sweeping.plan import check_cells, plan_cells, read_params

REST = "seeds: [0]\njobs: 1\ntune: 0\nlimits: {}\n"
DIGITS = "data:\n  digits: {prepare.source: digits}\n"
CNN = "models:\n  cnn: {model: cnn}\n"


@pytest.fixture
def plan(workspace):
    """Return a function that plans the experiments of a sweep.yaml of this text."""
    (workspace / "recipes").symlink_to(ROOT / "recipes")

    def make(text):
        (workspace / "sweep.yaml").write_text(text)
        cells = plan_cells(read_sweep())
        check_cells(cells, read_params())
        return cells

    return make


def test_each_model_runs_on_each_data_set_with_each_seed_model_by_model(plan):
    data = DIGITS + "  cats:\n    prepare: {source: data/raw/cats, image_size: 64}\n"
    cells = plan(data + CNN + "  small: {model: simple_cnn, epochs: 3}\n" + REST.replace("[0]", "[0, 5]"))
    assert [(cell.model, cell.data, cell.seed) for cell in cells] == [
        (model, data, seed) for model in ("cnn", "small") for data in ("digits", "cats") for seed in (0, 5)
    ]
    assert cells[-1].values == {
        "prepare.source": "data/raw/cats",
        "prepare.image_size": 64,
        "model": "simple_cnn",
        "epochs": 3,
        "seed": 5,
    }


def test_own_keys_count_more_than_the_data_sets_and_these_more_than_the_recipes(plan):
    data = DIGITS + "  cats: {prepare.source: data/raw/cats, prepare.image_size: 96}\n"
    models = "models:\n  photos:\n    recipe: photos\n    memory_mb: 128\n    on: {digits: {memory_mb: 32, lr: 1e-2}}\n"
    digits, cats = (cell.values for cell in plan(data + models + REST))
    assert (digits["prepare.image_size"], cats["prepare.image_size"]) == (288, 96)
    assert (digits["memory_mb"], cats["memory_mb"]) == (32, 128)
    assert (digits["lr"], "lr" in cats) == (0.01, False)
    assert digits["model"] == "tf_efficientnet_lite0"


def test_a_recipe_does_not_say_which_images_are_judged_on(plan):
    (cell,) = plan(DIGITS + "models:\n  shallow: {recipe: shallow}\n" + REST)
    assert cell.values == {"prepare.source": "digits", "model": "hog_lbp_color+svm", "seed": 0}


def test_the_sweep_of_this_repository_fits_its_schema(monkeypatch):
    monkeypatch.chdir(ROOT)
    cells = plan_cells(read_sweep())
    check_cells(cells, read_params())
    content = YAML(typ="safe").load(ROOT / "sweep.yaml")
    assert len(cells) == len(content["data"]) * len(content["models"]) * len(content["seeds"])


def with_model(keys):
    """Return a sweep with one model, called x, of these keys."""
    return f"{DIGITS}models:\n  x: {keys}\n{REST}"


FIXED = "is the same for all models: set it in data, or in seeds"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (with_model("{recipe: photo}"), "models.x: recipe: no recipe is called photo: did you mean photos?"),
        (with_model("{modl: cnn}"), "models.x: modl: is not a known key: did you mean model?"),
        (with_model("{network.with: 2.0}"), "models.x: network.with: is not a known key: did you mean network.width?"),
        (with_model("{epochs: -1}"), "models.x on digits: epochs: must be greater than or equal to 0 (got -1)"),
        (with_model("{split.val: 0.3}"), f"models.x: split.val: {FIXED}"),
        (with_model("{seed: 3}"), f"models.x: seed: {FIXED}"),
        (with_model("{on: {cats: {epochs: 1}}}"), "models.x.on: cats: no data set is called so: digits"),
        (with_model(""), "models.x: must be a valid dictionary"),
        (f"data:\n  digits: {{lr: 1.0}}\n{CNN}{REST}", "data.digits: lr: a data set sets keys of prepare and split"),
        (f"{DIGITS}  digits: {{prepare.source: digits}}\n{CNN}{REST}", "line 3: digits stands twice"),
        (DIGITS + CNN + REST.replace("[0]", "[0, 0]"), "seeds: a seed must not stand twice (got [0, 0])"),
        (DIGITS + CNN + REST.replace("limits: {}", "limits: {max_mb: 1.0}"), "limits.max_mb: is not a known key"),
        (f"{DIGITS}models:\n  My-Net: {{model: cnn}}\n{REST}", "models.My-Net"),
        (f"{DIGITS}models: [cnn]\n{REST}", "models: must be a valid dictionary"),
        (DIGITS + CNN, "seeds: is missing"),
    ],
)
def test_what_is_wrong_is_one_line(plan, text, message):
    with pytest.raises(SightlineError) as caught:
        plan(text)
    assert str(caught.value).startswith(f"sweep.yaml: {message}")
    assert "\n" not in str(caught.value)
