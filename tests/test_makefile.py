"""What is given to `make` reaches the commands as it is: neither make nor the shell reads anything in it."""

import os
import re
import subprocess

import pytest

from imports import ROOT

MAKEFILE = (ROOT / "Makefile").read_text()
ODD = ["a\"b'c", "two  blanks", "$(touch ran)", "$(shell touch ran)", "`touch ran`", "$HOME", "a;touch ran", "*", "\\"]
GIVEN = {
    "weights": ("NAME",),
    "pretrain": ("NAME",),
    "eda": ("WEIGHTS",),
    "tune-apply": ("TRIAL",),
    "drift": ("IMAGES",),
    "report": ("BASE", "HEAD"),
    "promote": ("DATA", "STAGE"),
    "clean-experiments": ("KEEP", "DAYS"),
    "add-class": ("NAME", "IMAGES"),
    "label": ("IMAGES", "STRATEGY", "READ"),
    "track": ("TRACKER",),
    "review": ("MOST", "APPLY", "WHO"),
}
OTHERS = {"NAME", "SET", "ONLY", "YES", "RUNS", "ARGS"}
LISTS = {"sweep": "ARGS", "monitor": "ARGS", "ab": "ARGS", "retrain": "ARGS", "track": "RUNS"}


@pytest.fixture
def make(tmp_path):
    """Return a function that calls make in an environment whose programs print their arguments, one a line."""
    (tmp_path / "bin").mkdir()
    for name in ("dvc", "pip", "python"):  # pip too: where the stamps are old, make would run the machine's own
        (tmp_path / f"bin/{name}").write_text("#!/bin/sh\nprintf '%s\\n' \"$@\"\n")
        (tmp_path / f"bin/{name}").chmod(0o755)
    for name in (".requirements", ".requirements-tune"):
        (tmp_path / name).touch()
    venv = os.path.relpath(tmp_path, ROOT)

    def call(target, *variables):
        command = ["make", "--silent", "--directory", ROOT, target, f"VENV={venv}", *variables]
        run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert run.stderr == "" or run.returncode
        return run

    yield call
    assert not (ROOT / "ran").exists()


@pytest.mark.parametrize(("target", "names"), GIVEN.items())
def test_a_value_is_one_argument_whatever_is_in_it(target, names, make):
    for value in ODD:
        printed = make(target, *(f"{name}={value}" for name in names))
        assert [line for line in printed.stdout.splitlines() if line == value] == [value] * len(names), printed.stderr


@pytest.mark.parametrize(("target", "name"), LISTS.items())
def test_a_list_is_cut_at_blanks_but_for_those_in_quotes(target, name, make):
    printed = make(target, f"{name}=--log \"a b\" 'c  d' $(touch ran) *")
    assert printed.stdout.splitlines()[-6:] == ["--log", "a b", "c  d", "$(touch", "ran)", "*"]


def test_a_quote_that_is_not_closed_is_told_in_a_line(make):
    for target, name in (("monitor", "ARGS"), ("recipe", "SET")):
        refused = make(target, "NAME=photos", f'{name}=a"b')
        assert refused.returncode != 0
        assert refused.stdout.splitlines()[-1] == f"{name}: a quote in it is not closed"


def test_what_is_not_given_is_no_argument(make):
    assert make("label").stdout.splitlines() == ["stages/label.py"]
    assert make("monitor").stdout.splitlines() == ["stages/monitor.py"]
    assert make("clean-experiments", "YES=1").stdout.splitlines() == ["stages/registry.py", "clean", "--yes"]


@pytest.mark.parametrize(
    ("target", "given", "missing"),
    [
        ("add-class", (), "NAME"),
        ("add-class", ("NAME=zebra",), "IMAGES"),
        ("weights", (), "NAME"),
        ("drift", (), "IMAGES"),
        ("promote", (), "DATA"),
        ("promote", ("DATA=digits",), "STAGE"),
    ],
)
def test_what_must_be_given_is_told_in_a_line(target, given, missing, make):
    refused = make(target, *given)
    assert refused.returncode == 2
    (line,) = refused.stdout.splitlines()
    assert line.startswith(f"{missing} is missing: make {target} ") and f"{missing}=" in line


def test_recipes_read_what_is_given_from_the_environment_alone():
    given = re.search(r"^GIVEN := (.+)$", MAKEFILE, flags=re.MULTILINE)[1].split()
    assert set(given) == {name for names in GIVEN.values() for name in names} | OTHERS
    assert re.findall(rf"\$\(({'|'.join(given)})\)", MAKEFILE) == []
