"""Every recipe says what it is for, and its keys and values are those that params.yaml's schema takes."""

import os
import re
import shlex
import subprocess

import pytest
from dvc.utils.hydra import apply_overrides, get_hydra_sweeps

from imports import ROOT
from sightline.common.params import check_params
from sightline.parameters.whole import WholeParams

RECIPES = sorted(path.name for path in (ROOT / "recipes").iterdir())
FIELDS = ["data", "result", "time", "hardware", "torch"]
SET = "prepare.source=data/raw/photos.zip evaluate.corruptions=[noise,blur]"


def read_lines(name):
    return (ROOT / "recipes" / name).read_text().splitlines()


def read_overrides(name):
    return [line.removeprefix("-S ") for line in read_lines(name) if line.startswith("-S ")]


def run_in_root(*command, **options):
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, **options)


def shell_words(name):
    """Return what a shell makes of the command that the documentation gives."""
    return run_in_root("sh", "-c", f"printf '%s\\n' $(grep ^-S recipes/{name})").stdout.splitlines()


@pytest.fixture
def make(tmp_path):
    """Return a function that calls `make recipe` in an environment whose `dvc` prints its arguments, one a line."""
    (tmp_path / "bin").mkdir()
    for name in ("dvc", "pip"):  # pip too: where the stamp is old, make would run the machine's own
        (tmp_path / f"bin/{name}").write_text("#!/bin/sh\nprintf '%s\\n' \"$@\"\n")
        (tmp_path / f"bin/{name}").chmod(0o755)
    (tmp_path / ".requirements").touch()
    venv = os.path.relpath(tmp_path, ROOT)
    return lambda *variables: run_in_root("make", "--silent", "recipe", f"VENV={venv}", *variables)


@pytest.mark.parametrize("name", RECIPES)
def test_keys_and_values_are_those_of_the_schema(name, tmp_path):
    params = tmp_path / "params.yaml"
    params.write_text((ROOT / "params.yaml").read_text())
    (sweep,) = get_hydra_sweeps({str(params): read_overrides(name)})  # more would be a sweep: a comma without brackets
    apply_overrides(params, sweep[str(params)])  # as DVC does; refuses keys that are not there
    check_params(WholeParams, str(params))


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_is_a_header_and_one_override_a_line(name):
    lines = read_lines(name)
    header = [line for line in lines if line.startswith("#")]
    assert lines == header + [f"-S {override}" for override in read_overrides(name)]
    assert [line for line in lines if len(line) > 120] == []
    assert re.fullmatch(r"# .{20,}[.]", header[0])
    words = [match[1] for line in header if (match := re.match(r"# (\w+) +\S", line))]
    assert [word for word in words if word in FIELDS] == FIELDS


@pytest.mark.parametrize("name", RECIPES)
def test_no_key_stands_twice_and_bf16_comes_with_native_arithmetic(name):
    pairs = [override.split("=", 1) for override in read_overrides(name)]
    values = dict(pairs)
    assert len(values) == len(pairs) > 0
    assert values.get("precision") != "bf16" or values["arithmetic"] == "native"


@pytest.mark.parametrize("name", RECIPES)
def test_a_shell_and_make_hand_on_every_override_unchanged(name, make):
    expected = [word for override in read_overrides(name) for word in ("-S", override)]
    assert shell_words(name) == expected
    for further in (SET, " ".join(f"-S {pair}" for pair in shlex.split(SET))):
        printed = make(f"NAME={name}", f"SET={further}")
        assert printed.returncode == 0, printed.stderr
        added = [f"-S={pair}" for pair in shlex.split(SET)]
        assert printed.stdout.splitlines()[-len(expected) - 4 :] == ["exp", "run", *expected, *added]


def test_make_recipe_without_a_known_name_lists_all_of_them(make):
    for variables, first in (((), []), (("NAME=of_yesterday",), ["recipes/of_yesterday: no such recipe; there are"])):
        printed = make(*variables)
        assert printed.returncode != 0
        lines = printed.stdout.splitlines()
        assert lines[: len(first)] == first
        assert [line.split()[0] for line in lines[len(first) :]] == RECIPES


def test_make_recipe_hands_on_a_value_with_blanks_in_quotes_and_refuses_it_without(make):
    printed = make("NAME=photos", 'SET="prepare.source=data/raw/my photos" seed=1')
    assert printed.stdout.splitlines()[-2:] == ["-S=prepare.source=data/raw/my photos", "-S=seed=1"]
    refused = make("NAME=photos", "SET=prepare.source=data/raw/my photos")
    assert refused.returncode != 0
    assert refused.stdout.splitlines()[-1].startswith("SET: photos is no key=value; with blanks in it: ")
