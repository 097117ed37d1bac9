"""`dvc repro`, its plots and its graph: all stages, then none, then all again with the same bytes."""

import json
import re
from pathlib import Path
from types import SimpleNamespace

import pytest

from dvc_repo import STAGES, charts, complaints, ran, small_outs

RECORDER = Path(__file__).parent / "recorder"
UNUSED = {"data/raw", "models/pretrained", "data/ood"}  # folders of the user's, of which the default needs none


@pytest.fixture(scope="session")
def forced(first, tmp_path_factory):
    """A copy in which all stages ran again: repo, output, and what each stage read below the repository."""
    folder = tmp_path_factory.mktemp("forced")
    repo, log = first.repo.copy(folder / "repo"), folder / "reads.tsv"
    output = repo.dvc("repro", "--force", PYTHONPATH=str(RECORDER), READS_LOG=str(log))
    reads = {stage: set() for stage in (*STAGES, "check")}
    for line in log.read_text().splitlines():
        stage, path = line.split("\t")
        reads[stage].add(path)
    return SimpleNamespace(repo=repo, output=output, reads=reads)


def test_the_first_run_runs_every_stage_and_leaves_only_results_to_git(first):
    assert ran(first.output) == STAGES
    assert complaints(first.output) == []
    changed = [line[3:] for line in first.changed.splitlines()]
    assert {name.split("/")[0] for name in changed} == {"dvc.lock", "metrics", "plots"}


def test_every_result_in_git_is_named_in_dvc_yaml(first):
    listed = [path for stage in first.repo.yaml("dvc.yaml")["stages"].values() for path in small_outs(stage)]
    found = first.repo.git("ls-files", "metrics", "plots").split()
    assert [name for name in found if not any(name == path or name.startswith(f"{path}/") for path in listed)] == []


def test_a_second_run_does_nothing(first):
    before = first.repo.read("dvc.lock")
    output = first.repo.dvc("repro")
    assert re.findall(r"^Stage '(\w+)' didn't change, skipping$", output, flags=re.MULTILINE) == STAGES
    assert first.repo.read("dvc.lock") == before
    assert first.repo.dvc("status").strip() == "Data and pipelines are up to date."


def test_running_all_again_gives_the_same_bytes(forced):
    assert ran(forced.output) == STAGES
    assert forced.repo.git("status", "--porcelain") == ""  # dvc.lock, metrics and plots are all in Git


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_reads_its_deps_and_nothing_else(forced, stage):
    described = forced.repo.yaml("dvc.yaml")["stages"][stage]
    deps = {dep for dep in described["deps"] if not dep.startswith("stages/")} - UNUSED
    written = [*described.get("outs", []), *small_outs(described)]
    reads = [Path(name) for name in forced.reads[stage] if name.startswith(("data/", "models/", "metrics/", "plots/"))]
    assert {dep for dep in deps if not any(name.is_relative_to(dep) for name in reads)} == set(), "deps never read"
    assert [name for name in reads if not any(name.is_relative_to(known) for known in [*deps, *written])] == []


def test_plots_show_draws_every_table_and_picture(first, tmp_path):
    output = first.repo.dvc("plots", "show", "--out", str(tmp_path))
    assert complaints(output) == []
    page = (tmp_path / "index.html").read_text()
    drawn, files = charts(page), first.repo.git("ls-files", "plots").split()
    tables = {re.sub(r"\W", "_", name) for name in files if name.endswith((".csv", ".tsv"))}
    assert set(drawn) == tables
    pictures = {name for name in files if name.endswith(".png")}
    assert len(re.findall(r'<img src="static/[^"]+\.png">', page)) == len(pictures) > 0
    losses = [row for row in drawn["plots_train_epochs_csv"]["data"]["values"] if row["measure"] == "loss"]
    assert all({"epoch", "value"} <= set(row) for row in losses)
    assert {row["subset"] for row in losses} == {"training", "validation"}
    tests = json.loads(first.repo.read("metrics/evaluate.json"))["test"]["images"]
    assert len(drawn["plots_evaluate_confusion_csv"]["data"]["values"]) == tests


def test_tables_have_the_columns_that_plots_name(first):
    files = first.repo.git("ls-files", "plots").split()
    named = [entry for stage in first.repo.yaml("dvc.yaml")["stages"].values() for entry in stage.get("plots", [])]
    for path, options in (item for entry in named for item in entry.items()):
        for table in (name for name in files if Path(name).is_relative_to(path) and not name.endswith(".png")):
            header = re.split(r"[,\t]", first.repo.read(table).splitlines()[0])
            assert {options[axis] for axis in ("x", "y") if axis in options} <= set(header), table


def test_the_graph_of_stages(first):
    text = first.repo.dvc("dag", "--md")
    names = dict(re.findall(r'(node\d+)\["(\w+)"\]', text))
    assert {(names[before], names[after]) for before, after in re.findall(r"(node\d+)-->(node\d+)", text)} == {
        *(("prepare", stage) for stage in STAGES[1:]),
        *(("split", stage) for stage in ("train", "evaluate", "export")),
        *(("train", stage) for stage in ("evaluate", "gradcam", "export")),
        *(("evaluate", stage) for stage in ("gradcam", "export")),
    }
