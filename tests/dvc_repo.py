"""A clone of this repository, as it lies on the disk, and the real `git` and `dvc` in it: used by tests/end_to_end."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from tempfile import TemporaryFile

from ruamel.yaml import YAML

from imports import ROOT

STAGES = ["prepare", "split", "train", "evaluate", "gradcam", "export"]
LIMIT = 900  # s for one command; far above what a busy machine needs


class Repo:
    """A Git and DVC repository; `home` keeps the settings and temporary files of the machine's user out of it."""

    def __init__(self, path: Path, home: Path):
        self.path, self.home = path, home

    def run(self, *command, status=0, **environment):
        """Run a command without a terminal and return what it printed; fail when it ends with another status."""
        with TemporaryFile("w+") as printed:  # not a pipe, which the queue's worker would keep open
            done = subprocess.run(
                command,
                cwd=self.path,
                env=environment_of(self.home) | environment,
                stdin=subprocess.DEVNULL,
                stdout=printed,
                stderr=subprocess.STDOUT,
                timeout=LIMIT,
                check=False,
            )
            printed.seek(0)
            output = printed.read()
        assert done.returncode == status, f"{' '.join(command)} ended with {done.returncode}:\n{output}"
        return output

    def dvc(self, *arguments, **options):
        return self.run("dvc", *arguments, **options)

    def git(self, *arguments):
        return self.run("git", *arguments)

    def commit(self, message):
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", message)

    def copy(self, path: Path) -> "Repo":
        """Copy everything, DVC's cache and Git's experiments included."""
        shutil.copytree(self.path, path, symlinks=True)
        return Repo(path, self.home)

    def read(self, name):
        return (self.path / name).read_text()

    def yaml(self, name):
        return YAML(typ="safe").load(self.path / name)

    def write_param(self, key, value):
        """Change a top-level value of params.yaml as one does by hand: as text."""
        text, found = re.subn(rf"^{key}: *[^ ]+", f"{key}: {value}", self.read("params.yaml"), flags=re.MULTILINE)
        assert found == 1
        (self.path / "params.yaml").write_text(text)

    def experiments(self):
        """Return name -> experiment of the current commit, as `dvc exp show` has them."""
        shown = json.loads(self.dvc("exp", "show", "--json"))
        found = [revision for commit in shown for group in commit["experiments"] or [] for revision in group["revs"]]
        return {revision["name"]: revision["data"] for revision in found}


def clone_project(path: Path, home: Path) -> Repo:
    """Put all files of the project that Git does not ignore, committed or not, into a new repository."""
    home.mkdir()
    (home / "gitconfig").write_text("[user]\n\tname = Tester\n\temail = tester@example.com\n")
    project = Repo(ROOT, home)
    for name in project.git("ls-files", "--cached", "--others", "--exclude-standard", "-z").split("\0"):
        if name and (ROOT / name).exists():
            (path / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, path / name)
    repo = Repo(path, home)
    repo.git("init", "--quiet", "--initial-branch", "main")
    repo.commit("The project")
    return repo


def small_outs(stage):
    """Return the paths of a stage's metrics and plots, which Git keeps."""
    return [path for entry in [*stage.get("metrics", []), *stage.get("plots", [])] for path in entry]


def charts(html):
    """Return plot -> Vega-Lite specification of each chart in a page of `dvc plots`; ``/`` and ``.`` became ``_``."""
    found = re.findall(r"var spec = (\{.*?\});\s*vegaEmbed\('#(\w+)', spec\)", html, flags=re.DOTALL)
    return {plot: json.loads(spec) for spec, plot in found}


def ran(output):
    """Return the stages that DVC ran, in order."""
    return re.findall(r"^Running stage '(\w+)'", output, flags=re.MULTILINE)


def complaints(output):
    """Return the lines in which DVC or Python warn or fail."""
    return [line for line in output.splitlines() if re.search(r"\b(ERROR|WARNING|Warning|Traceback)\b", line)]


def environment_of(home: Path) -> dict[str, str]:
    """Return the environment of a user whose home this is."""
    others = ("GIT_", "DVC_", "PYTHON", "OMP_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(others)}
    return kept | {
        "GIT_CONFIG_GLOBAL": str(home / "gitconfig"),
        "GIT_CONFIG_NOSYSTEM": "1",
        "DVC_GLOBAL_CONFIG_DIR": str(home / "global"),
        "DVC_SYSTEM_CONFIG_DIR": str(home / "system"),
        "DVC_SITE_CACHE_DIR": str(home / "site"),
        "OMP_WAIT_POLICY": "PASSIVE",  # idle threads sleep: three times faster where tests share the machine
    }
