"""onnxruntime sends its maker what it runs, unless it is told not to before it is imported."""

import os
import re
import subprocess
import sys

import pytest

from imports import ROOT

IMPORTS = re.compile(r"^\s*(?:import|from) onnxruntime", re.MULTILINE)


def test_only_one_module_imports_onnxruntime_itself():
    importing = {path for path in (ROOT / "stages").rglob("*.py") if IMPORTS.search(path.read_text())}
    deployment = ROOT / "stages/sightline/deployment"
    assert importing == {deployment / "runtime.py", deployment / "variants.py"}
    variants = (deployment / "variants.py").read_text()
    assert variants.index("deployment.runtime import") < IMPORTS.search(variants).start()


@pytest.mark.parametrize("module", ["serving.model", "deployment.variants"])
def test_telemetry_is_off_when_onnxruntime_is_loaded(module):
    """What the environment says at the moment of its import, in a new process."""
    program = (
        "import sys, os\n"
        "class Watch:\n"
        "    def find_spec(self, name, path, target=None):\n"
        "        if name == 'onnxruntime': print(os.environ.get('ORT_DISABLE_TELEMETRY'))\n"
        "sys.meta_path.insert(0, Watch())\n"
        f"import sightline.{module}\n"
    )
    environment = {name: value for name, value in os.environ.items() if name != "ORT_DISABLE_TELEMETRY"}
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT / "stages",
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines() == ["1"]
