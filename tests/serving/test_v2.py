"""The Open Inference Protocol v2, asked by Triton's own client and by hand."""

import base64
import json
import tomllib

import numpy as np
import pytest

from imports import ROOT
from shares_model import CLASSES, SIDE

PIXELS = np.zeros((2, SIDE, SIDE, 3), np.uint8)
PIXELS[0, ..., :] = (200, 0, 50)
PIXELS[1, ..., 1] = 9
SHARES = [[0.8, 0.0, 0.2], [0.0, 1.0, 0.0]]
INFER = "/v2/models/classifier/infer"


@pytest.fixture
def client(service):
    http = pytest.importorskip("tritonclient.http", reason="pip install -r requirements-dev.txt")
    client = http.InferenceServerClient(f"127.0.0.1:{service.port}")
    yield client
    client.close()


def test_tritons_client_finds_the_model(client):
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready("classifier")
    assert client.is_model_ready("classifier", "1")
    assert not client.is_model_ready("classifier", "2")
    assert not client.is_model_ready("other")
    assert "binary_tensor_data" in client.get_server_metadata()["extensions"]
    assert client.get_model_metadata("classifier") == {
        "name": "classifier",
        "versions": ["1"],
        "platform": "onnxruntime_onnx",
        "inputs": [{"name": "pixels", "datatype": "UINT8", "shape": [-1, 4, 4, 3]}],
        "outputs": [{"name": "probabilities", "datatype": "FP32", "shape": [-1, 3]}],
    }


@pytest.mark.parametrize("binary_in", [True, False])
@pytest.mark.parametrize("binary_out", [True, False, None])
def test_tritons_client_sends_pixels(client, binary_in, binary_out):
    from tritonclient.http import InferInput, InferRequestedOutput

    tensor = InferInput("pixels", list(PIXELS.shape), "UINT8")
    tensor.set_data_from_numpy(PIXELS, binary_data=binary_in)
    asked = None if binary_out is None else [InferRequestedOutput("probabilities", binary_data=binary_out)]
    result = client.infer("classifier", [tensor], model_version="1", outputs=asked, request_id="a7")
    assert result.as_numpy("probabilities") == pytest.approx(np.array(SHARES))
    told = result.get_response()
    assert (told["id"], told["model_name"], told["model_version"]) == ("a7", "classifier", "1")


@pytest.mark.parametrize("shape", [[2], [2, 1]])
def test_tritons_client_sends_encoded_images_and_asks_for_classes(client, red, grey, shape):
    from tritonclient.http import InferInput, InferRequestedOutput

    tensor = InferInput("image", shape, "BYTES")
    tensor.set_data_from_numpy(np.array([red, grey], dtype=object).reshape(shape))
    result = client.infer("classifier", [tensor], outputs=[InferRequestedOutput("probabilities", class_count=2)])
    assert [[text.decode() for text in row] for row in result.as_numpy("probabilities")] == [
        ["0.800000:0:red", "0.200000:2:blue"],
        ["0.500000:0:red", "0.250000:1:grün"],
    ]


def test_tritons_client_is_told_what_is_wrong(client):
    from tritonclient.http import InferInput
    from tritonclient.utils import InferenceServerException

    tensor = InferInput("pixels", [1, 2, 2, 3], "UINT8")
    tensor.set_data_from_numpy(PIXELS[:1, :2, :2])
    with pytest.raises(InferenceServerException, match=r"must be pixels UINT8 \[n, 4, 4, 3\]"):
        client.infer("classifier", [tensor])


def tensor_of(**changes):
    tensor = {"name": "pixels", "shape": [1, 4, 4, 3], "datatype": "UINT8", "data": PIXELS[:1].tolist()}
    return {name: value for name, value in (tensor | changes).items() if value is not None}


def test_numbers_in_json_nested_or_flat_and_images_in_base64(service, red):
    image = tensor_of(name="image", shape=[1], datatype="BYTES", data=[base64.b64encode(red).decode()])
    for tensor in (tensor_of(), tensor_of(data=PIXELS[0].ravel().tolist()), image):
        told = service.ask("POST", INFER, json.dumps({"inputs": [tensor]})).json()
        (output,) = told["outputs"]
        assert (output["name"], output["datatype"], output["shape"]) == ("probabilities", "FP32", [1, len(CLASSES)])
        assert output["data"] == pytest.approx(SHARES[0])


@pytest.mark.parametrize(
    "request_",
    [
        "",
        "[" * 100_000,
        "{}",
        {"inputs": []},
        {"inputs": [tensor_of(), tensor_of()]},
        {"inputs": [tensor_of(data=[[1], [2, 3]])]},
        {"inputs": [tensor_of(data=[256] * 48)]},
        {"inputs": [tensor_of(data=[-1] * 48)]},
        {"inputs": [tensor_of(data=[0.5] * 48)]},
        {"inputs": [tensor_of(data=[0] * 47)]},
        {"inputs": [tensor_of(data="x")]},
        {"inputs": [tensor_of(data=None)]},
        {"inputs": [tensor_of(shape=[1, 4, 4, 4])]},
        {"inputs": [tensor_of(shape=[0, 4, 4, 3], data=[])]},
        {"inputs": [tensor_of(shape=[-1, 4, 4, 3])]},
        {"inputs": [tensor_of(datatype="FP32")]},
        {"inputs": [tensor_of(name="other")]},
        {"inputs": [tensor_of(parameters={"binary_data_size": 48})]},
        {"inputs": [tensor_of(name="image", datatype="BYTES", shape=[1], data=["no base64"])]},
        {"inputs": [tensor_of(name="image", datatype="BYTES", shape=[1], data=[7])]},
        {"inputs": [tensor_of(name="image", datatype="BYTES", shape=[2], data=["eA=="])]},
        {"inputs": [tensor_of()], "outputs": [{"name": "other"}]},
        {"inputs": [tensor_of()], "outputs": [{"name": "probabilities", "parameters": {"binary_data": "x"}}]},
    ],
)
def test_a_request_that_cannot_be_understood(service, request_):
    body = request_ if isinstance(request_, str) else json.dumps(request_)
    reply = service.ask("POST", INFER, body)
    assert (reply.status, reply.json()["code"]) == (400, "bad_request")


def test_the_servers_version_is_that_of_the_project(service):
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert service.ask("GET", "/v2").json()["version"] == project["version"]


def test_no_more_images_than_in_one_request(service):
    tensor = tensor_of(shape=[5, 4, 4, 3], data=[0] * 5 * 48)
    reply = service.ask("POST", INFER, json.dumps({"inputs": [tensor]}))
    assert (reply.status, reply.json()["code"]) == (413, "too_many_images")


@pytest.mark.parametrize(
    ("length", "size", "behind"),
    [
        ("x", 48, bytes(48)),
        ("99999", 48, bytes(48)),
        (None, 47, bytes(48)),
        (None, 48, bytes(47)),
        (None, 48, b""),
        (None, -1, b""),
    ],
)
def test_binary_data_of_a_wrong_length(service, length, size, behind):
    head = json.dumps({"inputs": [tensor_of(data=None, parameters={"binary_data_size": size})]}).encode()
    reply = service.ask("POST", INFER, head + behind, Inference_Header_Content_Length=length or str(len(head)))
    assert (reply.status, reply.json()["code"]) == (400, "bad_request")


@pytest.mark.parametrize("behind", [b"\xff\xff\xff\xffabc", b"\1\0", b"\1\0\0\0"])
def test_binary_texts_of_a_wrong_length(service, behind):
    tensor = {"name": "image", "shape": [1], "datatype": "BYTES", "parameters": {"binary_data_size": len(behind)}}
    head = json.dumps({"inputs": [tensor]}).encode()
    reply = service.ask("POST", INFER, head + behind, Inference_Header_Content_Length=str(len(head)))
    assert (reply.status, reply.json()["code"]) == (400, "bad_request")


def test_a_bad_image_is_refused_as_by_classify(service):
    image = tensor_of(name="image", shape=[1], datatype="BYTES", data=["eA=="])
    reply = service.ask("POST", INFER, json.dumps({"inputs": [image]}))
    assert (reply.status, reply.json()["code"]) == (415, "format_not_allowed")
