"""The Open Inference Protocol v2, as KServe, Triton and their clients speak it: health, metadata, inference.

Source: https://github.com/kserve/open-inference-protocol, with its extensions for binary tensors and classification.
"""

import json
from typing import Any

import numpy as np
from fastapi import FastAPI, Request
from starlette.responses import JSONResponse, Response

from sightline.serving.application import Application
from sightline.serving.errors import ServiceError, bad_request
from sightline.serving.gate import Visit
from sightline.serving.http.bodies import MEBIBYTE, read_body
from sightline.serving.v2.requests import Inference, Output, read_inference
from sightline.serving.v2.tensors import read_pixels, read_texts, write_texts
from sightline.serving.versions import Served

PIXELS, IMAGE, OUTPUT = "pixels", "image", "probabilities"
JSON_LENGTH = "inference-header-content-length"
VERSION = "0.1.0"  # of Sightline, as in pyproject.toml
SERVER = {"name": "sightline", "version": VERSION, "extensions": ["binary_tensor_data", "classification"]}


def add_v2(web: FastAPI, application: Application) -> None:
    """Add the protocol's routes."""
    settings = application.settings

    def find(request: Request, name: str, version: str | None) -> Served:
        served = request.scope["served"]
        if name != settings.name or version not in {None, served.version}:
            raise ServiceError(404, "unknown_model", f"there is {settings.name}, version {served.version}")
        return served

    @web.get("/v2")
    async def tell_server() -> dict:
        return SERVER

    @web.get("/v2/health/live")
    async def tell_live() -> dict:
        return {"live": True}

    @web.get("/v2/health/ready")
    async def tell_ready() -> dict:
        return {"ready": True}  # before the first model is warm nothing listens

    @web.get("/v2/models/{name}/ready")
    @web.get("/v2/models/{name}/versions/{version}/ready")
    async def tell_model_ready(request: Request, name: str, version: str | None = None) -> dict:
        find(request, name, version)
        return {"name": name, "ready": True}

    @web.get("/v2/models/{name}")
    @web.get("/v2/models/{name}/versions/{version}")
    async def tell_model(request: Request, name: str, version: str | None = None) -> dict:
        return describe(name, find(request, name, version))

    @web.post("/v2/models/{name}/infer")
    @web.post("/v2/models/{name}/versions/{version}/infer")
    async def infer(request: Request, name: str, version: str | None = None) -> Response:
        served = find(request, name, version)
        with application.accepted(served) as (images, room):
            body = await read_body(request.scope, request.receive, settings.body_mb * MEBIBYTE, settings.body_s, room)
            inference = await application.in_thread(read_inference, body, request.headers.get(JSON_LENGTH))
            probabilities = await compute(application, served, inference, images)
            return respond(name, served, inference, probabilities)


def describe(name: str, served: Served) -> dict:
    """Return a model's metadata."""
    shape = list(served.model.preprocessing.shape)
    return {
        "name": name,
        "versions": [served.version],
        "platform": "onnxruntime_onnx",
        "inputs": [{"name": PIXELS, "datatype": "UINT8", "shape": [-1, *shape]}],
        "outputs": [{"name": OUTPUT, "datatype": "FP32", "shape": [-1, len(served.model.classes)]}],
    }


async def compute(application: Application, served: Served, inference: Inference, room: Visit) -> np.ndarray:
    """Return probabilities float32 [n, classes] of the pixels, or the encoded images, of a request.

    Raises
    ------
    ServiceError
        The tensor is of another kind or shape, there are too many images or no room for them, one cannot be used.
    """
    tensor = inference.tensor
    shape = list(served.model.preprocessing.shape)
    if tensor.shape[0] > application.settings.images:
        raise ServiceError(413, "too_many_images", f"more than {application.settings.images} images in one request")
    room.take(tensor.shape[0] - 1)
    if (tensor.name, tensor.datatype) == (PIXELS, "UINT8") and tensor.shape[1:] == shape:
        pixels = await application.in_thread(read_pixels, tensor.shape, inference.data)
        return await application.pixel_probabilities(served, pixels)
    if (tensor.name, tensor.datatype) == (IMAGE, "BYTES") and tensor.shape[1:] in ([], [1]):
        return await application.probabilities(served, read_texts(tensor.shape, inference.data))
    wanted = f"{PIXELS} UINT8 [n, {shape[0]}, {shape[1]}, {shape[2]}], or {IMAGE} BYTES [n] of encoded images"
    raise bad_request(f"inputs.0: {tensor.name} {tensor.datatype} {tensor.shape}: must be {wanted}")


def respond(name: str, served: Served, inference: Inference, probabilities: np.ndarray) -> Response:
    """Return the answer in the form that the request asks for."""
    request = inference.request
    asked = request.outputs[0] if request.outputs else Output(name=OUTPUT)
    if asked.name != OUTPUT:
        raise bad_request(f"outputs.0: {asked.name}: must be {OUTPUT}")
    binary = asked.parameters.binary_data
    if binary is None:
        binary = request.parameters.binary_data_output
    tensor = _classification(served, probabilities, asked.parameters.classification) or _numbers(probabilities)
    behind = tensor.pop("bytes")
    if binary:
        del tensor["data"]
        tensor["parameters"] = {"binary_data_size": len(behind)}
    content: dict[str, Any] = {"model_name": name, "model_version": served.version, "outputs": [tensor]}
    if request.id is not None:
        content["id"] = request.id
    if not binary:
        return JSONResponse(content)
    head = json.dumps(content).encode()
    headers = {JSON_LENGTH: str(len(head))}
    return Response(head + behind, media_type="application/octet-stream", headers=headers)


def _numbers(probabilities: np.ndarray) -> dict:
    tensor = {"name": OUTPUT, "datatype": "FP32", "shape": list(probabilities.shape)}
    return tensor | {"data": probabilities.ravel().tolist(), "bytes": probabilities.astype("<f4").tobytes()}


def _classification(served: Served, probabilities: np.ndarray, most: int) -> dict | None:
    """Return the `most` most probable classes of each image as texts `probability:number:class`; None for 0."""
    if not most:
        return None
    orders = np.argsort(-probabilities, axis=1, kind="stable")[:, :most]
    texts = [
        f"{row[number]:.6f}:{number}:{served.model.classes[number]}"
        for row, order in zip(probabilities, orders, strict=True)
        for number in order
    ]
    return {
        "name": OUTPUT,
        "datatype": "BYTES",
        "shape": list(orders.shape),
        "data": texts,
        "bytes": write_texts(texts),
    }
