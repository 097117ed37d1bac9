"""Ray itself: two replicas, one of which is killed under load; in a network where nobody else listens or asks."""

import json
import os
import shutil
import subprocess
import sys

import numpy as np
import pytest
from ruamel.yaml import YAML

from imports import ROOT

APART = ["unshare", "--map-root-user", "--net", "--pid", "--fork", "--mount-proc", "--kill-child"]
SCRIPT = ROOT / "tests/ray_cluster.py"


@pytest.mark.slow
@pytest.mark.parametrize("proxy", ["1", "0"], ids=["haproxy", "rays_own_proxy"])
def test_a_killed_replica_costs_no_answer_and_few_repetitions(proxy, tmp_path, shares_model, encode):
    pytest.importorskip("ray.serve", reason="requirements-ray.txt is not installed")
    if not (shutil.which("ip") and shutil.which(APART[0])):
        pytest.skip("needs unshare and ip, of util-linux and iproute2")
    if subprocess.run([*APART, "true"], check=False, capture_output=True).returncode:
        pytest.skip("this machine gives no network of one's own")
    (tmp_path / "images").mkdir()
    colours = np.random.default_rng(0).integers(1, 256, (40, 3), np.uint8)
    for number, colour in enumerate(colours):
        (tmp_path / f"images/{number:02}.png").write_bytes(encode(np.full((9, 7, 3), colour, np.uint8)))
    yaml = YAML(typ="safe")
    configuration = yaml.load((ROOT / "deploy/serve.yaml").read_text())
    configuration["applications"][0]["runtime_env"]["env_vars"]["SIGHTLINE_MODEL"] = shares_model
    yaml.dump(configuration, tmp_path / "serve.yaml")
    environment = os.environ | {
        "PYTHONPATH": str(ROOT / "stages"),
        "RAY_SERVE_ENABLE_HA_PROXY": proxy,
        "RAY_SERVE_HAPROXY_RETRY_ON": "conn-failure empty-response junk-response",
        "RAY_raylet_start_wait_time_s": "120",  # on a busy machine
        "RAY_TMPDIR": f"/tmp/ray_{os.getpid()}",  # short, since sockets lie there
    }
    done = subprocess.run(
        [*APART, sys.executable, SCRIPT, tmp_path / "serve.yaml", shares_model, tmp_path / "images"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    shutil.rmtree(environment["RAY_TMPDIR"], ignore_errors=True)
    assert done.returncode == 0, done.stderr[-3000:]
    counts = json.loads(done.stdout.splitlines()[-1])
    assert counts["replicas"] == 2
    assert counts["ids"] == ["asked-1"]
    assert counts["answers"] > 100
    assert (counts["wrong"], counts["lost"]) == (0, 0)
    assert counts["again"] <= 8 + counts["answers"] // 100  # at most one of each client, and a few while Ray notices
