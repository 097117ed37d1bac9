"""`arithmetic: portable` gives the same bytes whatever the cores and the environment; `native` follows them."""

import ast
import os
import subprocess
import sys

import pytest

from imports import ROOT
from sightline.common import arithmetic

STAGES = ("prepare", "split", "train", "evaluate", "gradcam", "export")
UPDATES = """
import hashlib, sys
sys.path.insert(0, {stages!r})
from sightline.common.arithmetic import hold_arithmetic
hold_arithmetic({params!r})
import torch
from sightline.common.device import compute_alike, use_deterministic_algorithms
from sightline.networks.architectures.own.cnn import SimpleCNN
use_deterministic_algorithms(0)
compute_alike({value!r})
network = SimpleCNN(10, 0.0).to(memory_format=torch.channels_last)
images, labels = torch.randn(64, 3, 32, 32).contiguous(memory_format=torch.channels_last), torch.arange(64) % 10
optimizer = torch.optim.AdamW(network.parameters(), lr=1e-2)
for _ in range(2):
    torch.nn.functional.cross_entropy(network(images), labels).backward()
    optimizer.step()
print(hashlib.sha256(b"".join(value.numpy().tobytes() for value in network.state_dict().values())).hexdigest())
"""


def update(folder, value, cores=None, **environment):
    """Return the hash of a network's weights after two updates in a process of its own."""
    params = folder / "params.yaml"
    params.write_text(f"arithmetic: {value}\n")
    script = UPDATES.format(stages=str(ROOT / "stages"), params=str(params), value=value)
    kept = {key: text for key, text in os.environ.items() if not key.startswith(("OMP_", "MKL_", "OPENBLAS_"))}
    done = subprocess.run(
        [sys.executable, "-c", script],
        env=kept | {"OMP_WAIT_POLICY": "PASSIVE"} | environment,
        preexec_fn=cores and (lambda: os.sched_setaffinity(0, cores)),
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def test_cores_and_the_users_environment_change_nothing_under_portable_and_something_under_native(tmp_path):
    one_core = {min(os.sched_getaffinity(0))}
    here = update(tmp_path, "portable", OMP_NUM_THREADS="3")
    elsewhere = {"OMP_NUM_THREADS": "1", "OMP_THREAD_LIMIT": "1", "ATEN_CPU_CAPABILITY": "default"}
    assert update(tmp_path, "portable", one_core, **elsewhere) == here
    assert update(tmp_path, "native", OMP_NUM_THREADS="2") != update(tmp_path, "native", OMP_NUM_THREADS="1")


def test_libraries_must_not_be_loaded_before(workspace):
    with pytest.raises(RuntimeError, match="before the import of numpy"):
        arithmetic.hold_arithmetic()


def test_native_leaves_the_environment_alone(set_params):
    before = dict(os.environ)
    set_params(arithmetic="native")
    arithmetic.hold_arithmetic()
    assert dict(os.environ) == before


def test_the_users_settings_are_overruled_but_for_how_threads_wait(monkeypatch):
    monkeypatch.setattr(arithmetic.os, "environ", {"OMP_NUM_THREADS": "16", "OMP_WAIT_POLICY": "ACTIVE", "HOME": "x"})
    arithmetic.os.environ["OMP_THREAD_LIMIT"] = "1"
    arithmetic.set_environment()
    assert arithmetic.os.environ["OMP_NUM_THREADS"] == arithmetic.THREADS
    assert arithmetic.os.environ["OMP_WAIT_POLICY"] == "ACTIVE"
    assert arithmetic.os.environ["HOME"] == "x"
    assert "OMP_THREAD_LIMIT" not in arithmetic.os.environ


def test_a_processor_without_what_is_needed_ends_the_stage_with_one_line(monkeypatch):
    monkeypatch.setattr(arithmetic, "NEEDED", {"avx2", "an instruction of 2099"})
    with pytest.raises(SystemExit, match=r"^params\.yaml: arithmetic: portable needs Linux on an x86-64 .*native`$"):
        arithmetic.refuse_other_processors()


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("seed: 0\narithmetic: native # fast", "native"),
        ("arithmetic: 'portable'", "portable"),
        ('{\n  "arithmetic": "native"}', "native"),
        ("seed: 0", None),
    ],
)
def test_the_value_is_read_without_a_parser(tmp_path, text, value):
    (tmp_path / "params.yaml").write_text(text)
    assert arithmetic.read_arithmetic(str(tmp_path / "params.yaml")) == value


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_sets_its_environment_before_it_imports_anything_else(stage):
    _, first, second, *_ = ast.parse((ROOT / f"stages/{stage}.py").read_text()).body
    assert first.module == "sightline.common.arithmetic"
    assert ast.unparse(second).splitlines() == ["if __name__ == '__main__':", f"    {first.names[0].name}()"]
