"""The workflows of GitHub: by the schema that GitHub's editors use, and each step's shell by bash."""

import re
import subprocess
import sys

import pytest
from ruamel.yaml import YAML

from imports import ROOT

FILES = sorted((ROOT / ".github/workflows").glob("*.yml"))
EXPRESSION = re.compile(r"\$\{\{.*?\}\}")


def steps_of(path):
    """Return job/step -> shell."""
    jobs = YAML(typ="safe").load(path)["jobs"]
    return {
        f"{path.stem}/{step.get('name', number)}": step["run"]
        for job in jobs.values()
        for number, step in enumerate(job["steps"])
        if "run" in step
    }


SHELL = {name: text for path in FILES for name, text in steps_of(path).items()}


def test_all_fit_the_schema():
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.github-workflows"]
    done = subprocess.run([*command, *map(str, FILES)], capture_output=True, text=True, check=False)
    assert (done.returncode, len(FILES)) == (0, 3), done.stdout + done.stderr


@pytest.mark.parametrize("name", SHELL)
def test_every_step_is_shell(name):
    text = EXPRESSION.sub("x", SHELL[name])
    done = subprocess.run(["bash", "-n"], input=text, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_what_steps_run_is_there():
    scripts = {script for text in SHELL.values() for script in re.findall(r"stages/\w+\.py", text)}
    assert scripts >= {"stages/monitor.py", "stages/retrain.py", "stages/report.py"}
    assert [script for script in scripts if not (ROOT / script).exists()] == []
