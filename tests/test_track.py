import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from imports import ROOT
from sightline.common.errors import SightlineError
from sightline.common.files import write_json, write_text
from sightline.networks.saved import read_spec, write_spec
from sightline.reporting.revision import Revision
from sightline.tracking.record import read_run
from small_run import make_run
from track import open_folder, open_tracker

EPOCHS = ["measure,subset,member,epoch,value"]
EPOCHS += [f"loss,training,fold_{fold},{epoch},{2 - epoch}" for fold in (0, 1) for epoch in (0, 1)]
EPOCHS += [f'"F1, mean of the classes",validation,fold_{fold},1,0.{fold}' for fold in (0, 1)]


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A repository with the results of two folds in its workspace, under the names that train gives their weights."""
    here = tmp_path_factory.mktemp("project")
    for command in (("git", "init", "--quiet"), ("dvc", "init", "--quiet")):
        subprocess.run(command, cwd=here, check=True)
    make_run(here, ("train", "train", "train", "train", "val", "test"), members=2)
    folder = here / "models/trained"
    spec = read_spec(folder)
    for member in spec.members:
        weights = (folder / member.file).read_bytes()
        for moment in ("best", "last"):
            (folder / f"{Path(member.file).stem}_{moment}.safetensors").write_bytes(weights)
    named = [member.model_copy(update={"file": member.file.replace(".", "_best.")}) for member in spec.members]
    write_spec(folder, spec.model_copy(update={"members": named}))
    split = (here / "data/split/split.csv").read_text().splitlines()
    folds = [split[0], *(line.removesuffix("-1") + str(n % 2 if n < 4 else -1) for n, line in enumerate(split[1:]))]
    write_text(here / "data/split/split.csv", "\n".join(folds) + "\n")
    write_text(here / "params.yaml", "lr: 0.1\nexport:\n  opset: 20\n")
    write_json(here / "metrics/evaluate.json", {"test": {"accuracy": 0.5}, "notes": {"x": "y"}})
    write_text(here / "plots/train/epochs.csv", "\n".join(EPOCHS) + "\n")
    (here / "plots/gradcam/maps").mkdir(parents=True)
    Image.fromarray(np.zeros((4, 4, 3), dtype=np.uint8)).save(here / "plots/gradcam/maps/wrong.png")
    write_text(here / "models/exported/MODEL_CARD.md", "# A card\n")
    return here


def test_a_run_is_read_with_its_members_scores_pictures_weights_and_gradients(project, monkeypatch, tmp_path):
    monkeypatch.chdir(project)
    record = read_run(Revision("workspace"), "mine", tmp_path)
    assert record.params == {"lr": 0.1, "export.opset": 20}
    assert record.results == {"evaluate/test.accuracy": 0.5}
    assert list(record.pictures) == ["gradcam/wrong"]
    assert (record.exported / "MODEL_CARD.md").read_text() == "# A card\n"
    assert [member.name for member in record.members] == ["fold_0", "fold_1"]
    first, second = record.members
    assert second.epochs == {0: {"train/loss": 2.0}, 1: {"train/loss": 1.0, "val/f1_macro": 0.1}}
    weights = {spread.name: spread.values for spread in first.spreads}
    kinds = {name.partition("/")[0] for name in weights}
    assert kinds == {"weights_best", "weights_last", "gradients_best", "gradients_last"}
    layers = [name for name in weights if name.startswith("weights_best/")]
    for name in layers:
        gradient = weights[name.replace("weights", "gradients")]
        assert gradient.shape == weights[name].shape
        assert np.isfinite(gradient).all()
    head = weights["gradients_best/" + layers[-1].partition("/")[2]]
    assert head.sum() == pytest.approx(0, abs=1e-6)  # of the classes' biases: probabilities less labels
    assert np.abs(head).max() > 0


def test_the_command_writes_a_run_of_the_workspace(project):
    done = subprocess.run(
        [sys.executable, ROOT / "stages/track.py", "tensorboard"],
        cwd=project,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "workspace: tensorboard --logdir trackers/tensorboard\n"), done.stderr
    events = EventAccumulator(str(project / "trackers/tensorboard/workspace/fold_1")).Reload()
    assert [event.value for event in events.Scalars("train/loss")] == [2.0, 1.0]


def test_what_cannot_be_tracked_is_one_line(project, monkeypatch, tmp_path):
    monkeypatch.chdir(project)
    with pytest.raises(
        SightlineError, match=r"^neptune: is no tracker that is known: tensorboard, mlflow, wandb, comet"
    ):
        open_tracker("neptune")
    monkeypatch.setitem(sys.modules, "mlflow", None)  # as where it is not installed
    with pytest.raises(SightlineError, match=r"^mlflow: the package mlflow is not installed: pip install -r req"):
        open_tracker("mlflow")
    write_text(tmp_path / "trackers", "a file")
    with pytest.raises(SightlineError, match="trackers/wandb: cannot be written: Not a directory"):
        open_folder(tmp_path / "trackers/wandb")
    (project / "plots").rename(project / "elsewhere")
    try:
        with pytest.raises(SightlineError, match=r"^workspace: has no plots/train/epochs.csv: `dvc repro` trains it$"):
            read_run(Revision("workspace"), "mine", tmp_path)
    finally:
        (project / "elsewhere").rename(project / "plots")
