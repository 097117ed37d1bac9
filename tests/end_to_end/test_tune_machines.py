"""Two clones tune one study in a PostgreSQL database: no trial is lost or run twice, all are pushed to one remote.

Debian's `postgresql` has the server; without it the test is skipped.
"""

import csv
import os
import pwd
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from test_tune import SETTINGS

from dvc_repo import Repo

BIN = max(Path("/usr/lib/postgresql").glob("*/bin"), default=None)
pytestmark = [pytest.mark.slow, pytest.mark.skipif(BIN is None, reason="needs Debian's postgresql")]
PORT = "54317"


@pytest.fixture
def database(tmp_path_factory):
    """The address of an empty database of a server of its own; the server refuses to run as root."""
    folder = tmp_path_factory.mktemp("postgres", numbered=True)
    as_user = []
    if os.geteuid() == 0:
        folder = Path(
            subprocess.check_output(["mktemp", "--directory", "/tmp/tune_postgres_XXXXXX"], text=True).strip()
        )
        os.chown(folder, pwd.getpwnam("postgres").pw_uid, -1)
        as_user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]

    def run(name, *arguments):
        subprocess.run([*as_user, BIN / name, *arguments], cwd=folder, check=True, stdout=subprocess.DEVNULL)

    run("initdb", "--pgdata", folder / "data", "--auth", "trust", "--username", "tester")
    options = f"-p {PORT} -c listen_addresses=127.0.0.1 -k {folder}"
    run("pg_ctl", "--pgdata", folder / "data", "--options", options, "--log", folder / "log", "--wait", "start")
    run("createdb", "--host", "127.0.0.1", "--port", PORT, "--username", "tester", "tune")
    yield f"postgresql+psycopg://tester@127.0.0.1:{PORT}/tune"
    run("pg_ctl", "--pgdata", folder / "data", "--mode", "fast", "stop")
    shutil.rmtree(folder)


def test_two_clones_share_a_study(repo, database, tmp_path):
    hub = tmp_path / "hub.git"
    repo.git("init", "--quiet", "--bare", "--initial-branch", "main", str(hub))
    repo.git("remote", "add", "origin", str(hub))
    repo.dvc("remote", "add", "--default", "shared", str(tmp_path / "cache"))
    text = SETTINGS.replace("journal", database).replace("push: ''", "push: origin").replace("jobs: 2", "jobs: 1")
    (repo.path / "tune.yaml").write_text(text.replace("trials: 3", "trials: 6"))
    repo.commit("A search for two")
    repo.git("push", "--quiet", "origin", "main")
    repo.dvc("push")
    repo.git("clone", "--quiet", str(hub), str(tmp_path / "second"))
    second = Repo(tmp_path / "second", repo.home)
    second.dvc("pull", "--with-deps", "train")
    with ThreadPoolExecutor() as pool:
        runs = [pool.submit(one.run, sys.executable, "stages/tune.py") for one in (repo, second)]
        outputs = [run.result() for run in runs]
    own = [{line.split()[0] for line in output.splitlines() if line.startswith("s-")} for output in outputs]
    assert own[0] & own[1] == set()
    assert min(map(len, own)) >= 1
    assert len(own[0] | own[1]) in (6, 7)  # both may begin the last one
    pushed = repo.run("git", "ls-remote", str(hub), "refs/exps/*").split()[1::2]
    assert sorted(ref.rpartition("/")[2] for ref in pushed) == sorted(own[0] | own[1])
    rows = list(csv.DictReader((repo.path / "tuning/s/trials.csv").open()))
    assert len(rows) == len({row["lr"] for row in rows})
