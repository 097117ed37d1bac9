"""The service as an application of Ray Serve: every replica is the Application of stages/serve.py.

deploy/serve.yaml says how many there are, and what each gets; needs requirements-ray.txt.
"""

import os

import ray
from ray import serve
from starlette.types import ASGIApp

from sightline.serving.application import Application
from sightline.serving.http.web import build_web
from sightline.serving.ray.batcher import RayBatcher
from sightline.serving.ray.mirror import Mirror
from sightline.serving.ray.request_id import LeavesRequestId
from sightline.serving.settings import read_settings


def build_replica() -> ASGIApp:
    """Return the ASGI application of one replica, which computes with the processors that Ray gives it."""
    cores = max(1, int(ray.get_runtime_context().get_assigned_resources().get("CPU", 1)))
    settings = read_settings({"SIGHTLINE_THREADS": str(cores)} | os.environ)
    service = Application(settings, RayBatcher)
    Mirror(service.metrics.registry).start()
    return LeavesRequestId(build_web(service))


application = serve.deployment(serve.ingress(build_replica)(), name="classifier").bind()
