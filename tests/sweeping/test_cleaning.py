"""What cleaning up deletes, and above all what it does not."""

import json
import os
import random
import subprocess
import sys
import time

import pytest

from imports import ROOT
from sightline.sweeping.board.ranking import rank
from sightline.sweeping.cleaning import find_leftovers, find_superfluous
from sightline.sweeping.registering import register
from sightline.sweeping.registry import REGISTRY, Registry
from sweep_repo import add_experiment, experiments, git, make_repository
from sweep_results import result

NOTHING = Registry(format=1, models={})


@pytest.fixture
def root(tmp_path):
    make_repository(tmp_path)
    return tmp_path


def name(number, model="cnn", data="digits"):
    return f"{data}-{model}-s0-{number:08x}"


def superfluous(root, keep, registry=NOTHING):
    return {experiment.name for experiment in find_superfluous(registry, keep, root)}


def registry_of(commit, before=NOTHING):
    board = rank([result("cnn", 0.9)])
    registry = register(board, before, "a processor")
    registry.models["digits"]["cnn"] = registry.models["digits"]["cnn"].model_copy(update={"commit": commit})
    return registry


def test_the_newest_of_each_model_and_data_set_stay(root):
    for number in range(4):
        add_experiment(root, name(number), age=number)
        add_experiment(root, name(number, model="vit"), age=10 - number)
    add_experiment(root, name(7, data="cats"), age=100)
    assert superfluous(root, 2) == {name(2), name(3), name(0, "vit"), name(1, "vit")}
    assert superfluous(root, 4) == set()


def test_experiments_that_no_sweep_made_are_not_looked_at(root):
    for other in ("slower", "digits-7", "digits-cnn-s0-xyz", "digits-cnn-s0-0123456"):
        add_experiment(root, other, age=1000)
    assert superfluous(root, 0) == set()


def test_what_a_tag_a_branch_a_remote_or_the_registry_names_stays(root):
    commits = [add_experiment(root, name(number), age=number) for number in range(6)]
    git(root, "tag", "digits@v0.0.1", commits[1])
    git(root, "branch", "mine", commits[2])
    git(root, "update-ref", "refs/remotes/origin/theirs", commits[3])
    git(root, "checkout", "--quiet", "--detach", commits[4])
    assert superfluous(root, 0, registry_of(commits[5])) == {name(0)}


def test_nothing_that_is_named_is_ever_lost(root):
    """Whatever is tagged, branched off, registered or new, by chance: all of it is there after any clean-up."""
    chance = random.Random(1)
    for turn in range(5):
        commits = {
            name(20 * turn + n): add_experiment(root, name(20 * turn + n), age=chance.randint(0, 9999))
            for n in range(8)
        }
        tagged, branched, registered = chance.sample(sorted(commits), 3)
        git(root, "tag", f"digits@v{turn}.0.0", commits[tagged])
        git(root, "branch", f"branch_{turn}", commits[branched])
        keep = chance.randint(0, 3)
        for experiment in find_superfluous(registry_of(commits[registered]), keep, root):
            experiment.delete(root)
        assert {tagged, branched, registered} <= experiments(root)
        git(root, "-c", "gc.pruneExpire=now", "gc", "--quiet", "--prune=now")
        for kept in (tagged, branched, registered):
            git(root, "cat-file", "-e", commits[kept])


def test_a_reference_that_means_something_else_by_now_is_not_deleted(root):
    add_experiment(root, name(1), age=5)
    (found,) = find_superfluous(NOTHING, 0, root)
    add_experiment(root, name(1), age=4)
    with pytest.raises(subprocess.CalledProcessError):
        found.delete(root)
    assert experiments(root) == {name(1)}


def test_old_states_and_logs_go_and_new_ones_stay(root):
    for place in (".resume/old/member_0.pt", ".resume/new/member_0.pt", ".sweep/logs/old.log", ".sweep/logs/new.log"):
        (root / place).parent.mkdir(parents=True, exist_ok=True)
        (root / place).write_text("x")
    (root / ".sweep/runs.jsonl").write_text("{}")
    before = time.time() - 20 * 24 * 3600
    for place in (".resume/old/member_0.pt", ".resume/old", ".sweep/logs/old.log", ".sweep/runs.jsonl"):
        os.utime(root / place, (before, before))
    found = find_leftovers(14, root)
    assert [str(what) for what in found] == [
        ".resume/old (older than 14 days)",
        ".sweep/logs/old.log (older than 14 days)",
    ]
    for what in found:
        what.delete(root)
    left = {
        path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file() and ".git/" not in str(path)
    }
    assert left == {".resume/new/member_0.pt", ".sweep/logs/new.log", ".sweep/runs.jsonl"}


def test_copies_of_failed_runs_go_unless_a_dvc_works_here(root):
    note = root / ".dvc/tmp/exps/run/abc/abc.run"
    copy = root / ".dvc/tmp/exps/standalone/tmp1"
    for folder in (note.parent, copy):
        folder.mkdir(parents=True)
    note.write_text(json.dumps({"name": name(1), "root_dir": str(copy)}))
    fake = root / "dvc"
    fake.write_text("import time; time.sleep(60)")
    process = subprocess.Popen([sys.executable, str(fake)], cwd=root)
    try:
        wait_until_it_runs(process.pid)
        assert find_leftovers(14, root) == []
    finally:
        process.kill()
        process.wait()
    assert [str(what.path) for what in find_leftovers(14, root)] == [
        ".dvc/tmp/exps/run/abc",
        ".dvc/tmp/exps/standalone/tmp1",
    ]


def wait_until_it_runs(pid):
    import psutil

    while not any(word.endswith("dvc") for word in psutil.Process(pid).cmdline()):
        time.sleep(0.01)


def clean(root, *options, answer=None):
    command = [sys.executable, str(ROOT / "stages/registry.py"), "clean", *options]
    return subprocess.run(command, cwd=root, input=answer, capture_output=True, text=True, check=False)


def test_the_command_shows_and_without_a_terminal_deletes_nothing(root):
    (root / "params.yaml").write_text((ROOT / "params.yaml").read_text())
    add_experiment(root, name(1), age=5)
    add_experiment(root, name(2), age=4)
    shown = clean(root, "--keep", "1", answer="y\n")
    assert f"would delete experiment {name(1)}" in shown.stdout
    assert shown.stderr.strip() == "clean-experiments: nobody to ask: call it on a terminal, or with YES=1"
    assert experiments(root) == {name(1), name(2)}
    (root / REGISTRY).parent.mkdir()
    (root / REGISTRY).write_text('{"format": 99}')
    assert "written by a newer version" in clean(root, "--keep", "1", "--yes").stderr
    assert experiments(root) == {name(1), name(2)}
    (root / REGISTRY).unlink()
    assert "deleted 1" in clean(root, "--keep", "1", "--yes").stdout
    assert experiments(root) == {name(2)}
