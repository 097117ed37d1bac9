import subprocess
import sys

import numpy as np
import pytest

from commands import call
from imports import ROOT
from open_gates import set_gates
from report import Params, main
from sightline.common.errors import SightlineError
from sightline.common.files import write_json, write_text
from sightline.gating.worse import read_baseline
from sightline.reporting.revision import Revision
from small_run import make_run

PARAMS = "lr: {lr}\nseed: 0\nevaluate:\n  bins: 5\n  bootstrap: 20\n  confidence: 0.95\ngates:\n"
PARAMS += "".join(f"  {name}: {value!r}\n" for name, value in set_gates().model_dump().items())
MIXED = ("train", "val", *["test"] * 6)


def run(*command):
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def report(*options):
    return call(main, Params, *options)


def write_results(here, lr, accuracy):
    write_text("params.yaml", PARAMS.format(lr=lr))
    write_json("metrics/gradcam.json", {"deletion_auc": accuracy})
    write_json("metrics/export.json", {"artifacts": {"onnx": {"bytes": 1000, "kept": True}}})
    rows = ["measure,subset,member,epoch,value", "loss,validation,,0,2", f"loss,validation,,1,{lr}"]
    write_text("plots/train/epochs.csv", "\n".join(rows) + "\n")
    run("dvc", "add", "data/prepared", "data/predictions")
    run("git", "add", "--all")
    assert run("git", "commit", "--quiet", "--message", f"lr {lr}")[0] == 0


@pytest.fixture(scope="module")
def history(tmp_path_factory):
    """A repository with two commits, tagged old and new, that have results; the models swapped two classes."""
    here = tmp_path_factory.mktemp("history")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(here)
        for name in ("AUTHOR", "COMMITTER"):
            patch.setenv(f"GIT_{name}_NAME", "Tester")
            patch.setenv(f"GIT_{name}_EMAIL", "tester@example.com")
        run("git", "init", "--quiet", "--initial-branch", "main")
        run("dvc", "init", "--quiet")
        make_run(here, MIXED)
        write_text(".gitignore", "models\nreport\n")
        probabilities = here / "data/predictions/probabilities.npy"
        sure = np.tile(np.float32([0.6, 0.3, 0.1]), (7, 1))
        np.save(probabilities, sure)
        write_results(here, 0.1, 0.25)
        run("git", "tag", "old")
        np.save(probabilities, sure[:, [1, 0, 2]])
        write_results(here, 0.01, 0.5)
        run("git", "tag", "new")
    return here


def test_two_revisions(history, monkeypatch):
    monkeypatch.chdir(history)
    assert report("--base", "old", "--head", "new", "--images-url", "https://host/x/") == (0, "report/report.md\n")
    told = (history / "report/report.md").read_text()
    # labels of the six test images: 2 0 1 2 0 1; old says 0, new says 1
    assert "**On the same 6 test images accuracy stays at 0.3333: no larger than chance explains**" in told
    assert "2 images became right, 2 wrong" in told
    assert "gate" not in told
    assert "| lr | 0.1 | 0.01 |" in told
    assert "| deletion_auc | 0.2500 | 0.5000 | +0.2500 |" in told
    assert "| bee | ant | -2 |" in told
    for picture in ("flips", "confusion", "curves"):
        assert f"![{picture}](https://host/x/{picture}.png)" in told
        assert (history / f"report/{picture}.png").stat().st_size > 1000
    first = {path.name: path.read_bytes() for path in (history / "report").iterdir()}
    report("--base", "old", "--head", "new", "--images-url", "https://host/x/")
    assert {path.name: path.read_bytes() for path in (history / "report").iterdir()} == first


def test_the_workspace_is_the_other_side_by_default(history, monkeypatch):
    monkeypatch.chdir(history)
    assert report("--base", "new", "--out", "report/same")[0] == 0
    told = (history / "report/same/report.md").read_text()
    assert "`workspace`" in told
    assert "0 images became right, 0 wrong" in told
    assert told.count("No difference.") >= 3


def test_no_picture_of_another_image_is_drawn_where_the_workspace_has_gone_on(history, monkeypatch):
    monkeypatch.chdir(history)
    index = history / "data/prepared/index.csv"
    whole = index.read_text()
    header, first, *others = whole.splitlines(keepends=True)
    write_text(index, "".join([header, *others, first]))
    try:
        status, told = report("--base", "old", "--out", "report/stale")
    finally:
        write_text(index, whole)
    assert status == 1
    assert told.startswith("workspace: data/predictions/predictions.csv: is of other images, ")
    assert told.endswith("run `dvc repro evaluate`\n")
    assert not (history / "report/stale").exists()


def test_each_gate_that_is_set_is_a_line(history, monkeypatch):
    monkeypatch.chdir(history)
    whole = (history / "params.yaml").read_text()
    gates = whole.replace("max_file_mb: 0.0", "max_file_mb: 1.0").replace("max_ece: 1.0", "max_ece: 0.5")
    write_text("params.yaml", gates.replace("not_worse_than: ''", "not_worse_than: old"))
    try:
        options = ("--base", "old", "--head", "new", "--out", "report/gated", "--fail")
        assert report(*options) == (3, "report/gated/report.md\n")
    finally:
        write_text("params.yaml", whole)
    told = (history / "report/gated/report.md").read_text()
    assert "**1 of 3 gates missed.**" in told
    assert "| max_ece | test ece was not measured | at most 0.5 | **missed** |" in told  # this history has no evaluate
    assert "| max_file_mb | MB of the smallest exported file, onnx, 0.001 | at most 1 | passed |" in told
    assert "| not_worse_than | test accuracy 0.333333, of old 0.333333, p = 1 on 6 images |" in told


def test_a_working_copy_of_dvc_finds_what_must_not_be_better_where_it_was_made_from(history, monkeypatch):
    copy = history / ".dvc/tmp/exps/standalone/tmp1"
    copy.mkdir(parents=True)
    monkeypatch.chdir(copy)
    assert (read_baseline("old").decisions.predictions.probabilities[:, 0] == np.float32(0.6)).all()


def test_what_must_not_be_better_is_missed_in_one_line(history, monkeypatch):
    monkeypatch.chdir(history)
    with pytest.raises(SightlineError, match=r"^params.yaml: gates.not_worse_than: nobody: no revision .*list`$"):
        read_baseline("nobody")
    write_text(".git/shallow", "")
    with pytest.raises(SightlineError, match=r"this clone is shallow: `git fetch --unshallow`$"):
        read_baseline("nobody")
    (history / ".git/shallow").unlink()
    (history / ".dvc/cache").rename(history / "gone")
    try:
        with pytest.raises(SightlineError, match="the predictions of old are neither in Git nor in DVC's cache"):
            read_baseline("old")
    finally:
        (history / "gone").rename(history / ".dvc/cache")


def test_what_the_cache_lacks_is_said(history, monkeypatch):
    monkeypatch.chdir(history)
    (history / ".dvc/cache").rename(history / "gone")
    try:
        assert report("--base", "old", "--head", "new", "--out", "report/lost")[0] == 0
        told = (history / "report/lost/report.md").read_text()
    finally:
        (history / "gone").rename(history / ".dvc/cache")
    assert "The predictions of `old` are neither here nor in DVC's cache" in told
    assert "| lr | 0.1 | 0.01 |" in told


def test_unknown_revision(history, monkeypatch):
    monkeypatch.chdir(history)
    status, told = run(sys.executable, str(ROOT / "stages/report.py"), "--base", "nobody")
    assert status == 1
    assert told.startswith("nobody: no revision of this repository is called so")
    assert len(told.splitlines()) == 1


@pytest.mark.parametrize(
    ("path", "read"),
    [
        ("data/predictions/probabilities.npy", lambda revision: revision.read_predictions()),
        ("data/predictions/predictions.csv", lambda revision: revision.read_predictions()),
        ("metrics/gradcam.json", lambda revision: revision.read_metrics("gradcam")),
        ("plots/train/epochs.csv", lambda revision: revision.read_curves()),
        ("data/prepared/images.npy", lambda revision: revision.read_pixels([0])),
        ("data/prepared/dataset.json", lambda revision: revision.read_classes()),
    ],
)
def test_a_damaged_file_is_named_in_one_line(history, monkeypatch, path, read):
    monkeypatch.chdir(history)
    whole = (history / path).read_bytes()
    (history / path).write_bytes(b"")
    try:
        with pytest.raises(SightlineError, match=rf"^{path.rpartition('/')[0]}.* of workspace: damaged") as caught:
            read(Revision("workspace"))
    finally:
        (history / path).write_bytes(whole)
    assert "\n" not in str(caught.value)
    assert read(Revision("workspace")) is not None
