"""What a replica of Ray Serve is made of, with a stand-in for Ray; test_ray_replicas.py asks the real one."""

import asyncio
import importlib
import sys
from types import ModuleType, SimpleNamespace
from typing import ClassVar

import numpy as np
import pytest
from ruamel.yaml import YAML

from imports import ROOT
from sightline.serving.metrics import Metrics
from sightline.serving.settings import Settings, read_settings

IMAGE = np.zeros((1, 2, 2, 1), np.uint8)


class StandIn(ModuleType):
    """`ray.serve`, of which `batch` runs what was handed in within one turn of the event loop."""

    def __init__(self):
        super().__init__("ray.serve")
        self.options = None

    def batch(self, **options):
        self.options = options
        return self.gather

    def gather(self, work):
        waiting = []

        async def ask(item):
            done = asyncio.get_running_loop().create_future()
            waiting.append((item, done))
            await asyncio.sleep(0)
            if waiting:
                batch = waiting.copy()
                waiting.clear()
                for (_, future), found in zip(batch, await work([item for item, _ in batch]), strict=True):
                    future.set_result(found)
            return await done

        return ask

    def ingress(self, build):
        return lambda: build

    def deployment(self, build, name):
        return SimpleNamespace(bind=lambda: (build, name))


class Gauge:
    """`ray.serve.metrics.Gauge`, which keeps what it is told."""

    told: ClassVar[dict] = {}

    def __init__(self, name, tag_keys):
        self._name, self._labels = name, tag_keys

    def set(self, value, labels):
        assert set(labels) <= set(self._labels)
        self.told[self._name, *labels.values()] = value


@pytest.fixture
def ray(monkeypatch):
    """A Ray that gives a replica three processors."""
    serve = StandIn()
    assigned = SimpleNamespace(get_assigned_resources=lambda: {"CPU": 3.0})
    module = ModuleType("ray")
    module.serve, module.get_runtime_context = serve, lambda: assigned
    monkeypatch.setitem(sys.modules, "ray", module)
    monkeypatch.setitem(sys.modules, "ray.serve", serve)
    monkeypatch.setitem(sys.modules, "ray.serve.metrics", SimpleNamespace(Gauge=Gauge))
    for name in ("batcher", "mirror", "replica"):
        monkeypatch.delitem(sys.modules, f"sightline.serving.ray.{name}", raising=False)
    return serve


def test_items_of_one_batch_get_their_own_answers(ray):
    from sightline.serving.ray.batcher import RayBatcher

    sizes, told = [], []

    def run(pixels):
        sizes.append(len(pixels))
        return pixels[:, 0, 0, :].astype(np.float32)

    async def ask():
        batcher = RayBatcher(run, 4, 0.002, lambda *observed: told.append(observed))
        found = await asyncio.gather(batcher.predict(IMAGE), batcher.predict(IMAGE + np.uint8(7)))
        batcher.close()
        return found

    found = asyncio.run(ask())
    assert [answer.tolist() for answer in found] == [[[0]], [[7]]]
    assert (sizes, [(images, len(waits)) for images, _, waits in told]) == ([2], [(2, 2)])
    limits = {name: ray.options[name] for name in ("max_batch_size", "batch_wait_timeout_s")}
    assert limits == {"max_batch_size": 4, "batch_wait_timeout_s": 0.002}
    assert ray.options["batch_size_fn"]([SimpleNamespace(pixels=IMAGE), SimpleNamespace(pixels=[0, 0, 0])]) == 4


def test_no_item_is_larger_than_a_batch_which_ray_would_refuse(ray, monkeypatch):
    from sightline.serving.ray.batcher import RayBatcher

    monkeypatch.setattr(ray, "gather", lambda work: lambda item: first_of(work, item))
    sizes = []

    async def first_of(work, item):
        return (await work([item]))[0]

    def run(pixels):
        sizes.append(len(pixels))
        return pixels[:, 0, 0, :].astype(np.float32)

    images = np.arange(5, dtype=np.uint8).reshape(5, 1, 1, 1)
    found = asyncio.run(RayBatcher(run, 2, 0.0, lambda *_: None).predict(images))
    assert (sizes, found.ravel().tolist()) == ([2, 2, 1], [0, 1, 2, 3, 4])


def test_ray_is_told_what_the_replica_counts(ray):
    from sightline.serving.ray.mirror import Mirror

    metrics = Metrics()
    metrics.observe_batch(3, 0.002, [0.1])
    metrics.model.labels("1", "old", "r").set(1)
    mirror = Mirror(metrics.registry)
    mirror.copy()
    metrics.observe_batch(1, 0.002, [0.1])
    metrics.model.clear()
    metrics.model.labels("2", "new", "r").set(1)
    mirror.copy()
    assert Gauge.told["sightline_batch_images_sum",] == 4
    assert Gauge.told["sightline_seconds_bucket", "model", "0.0025"] == 2
    assert Gauge.told["sightline_seconds_bucket", "model", "0.001"] == 0
    assert Gauge.told["sightline_model", "1", "old", "r"] == 0
    assert Gauge.told["sightline_model", "2", "new", "r"] == 1
    assert {name for name, *_ in Gauge.told if not name.startswith("sightline_") or name.endswith("_created")} == set()


def test_a_replica_is_the_services_application_with_its_processors(ray, monkeypatch, shares_model):
    replica = importlib.import_module("sightline.serving.ray.replica")
    mirrored = []

    def start(mirror):
        mirrored.append(mirror._registry)

    monkeypatch.setattr(replica, "build_web", lambda application: application)
    monkeypatch.setattr(replica, "LeavesRequestId", lambda web: web)
    monkeypatch.setattr(replica.Mirror, "start", start)
    monkeypatch.setenv("SIGHTLINE_MODEL", shares_model)
    application = replica.build_replica()
    assert (application.settings.model, application.settings.threads) == (shares_model, 3)
    assert mirrored == [application.metrics.registry]
    monkeypatch.setenv("SIGHTLINE_THREADS", "2")
    assert replica.build_replica().settings.threads == 2


def test_the_deployment_names_what_is_there(ray):
    content = YAML(typ="safe").load((ROOT / "deploy/serve.yaml").read_text())
    application = content["applications"][0]
    module, _, name = application["import_path"].partition(":")
    _, deployed = getattr(importlib.import_module(module), name)
    (deployment,) = application["deployments"]
    assert deployment["name"] == deployed
    settings = read_settings(application["runtime_env"]["env_vars"])
    assert settings.model == Settings().model
    assert deployment["max_ongoing_requests"] > settings.queue
    assert deployment["graceful_shutdown_timeout_s"] > settings.timeout_s
